"""The edge as a client meets it: what is asked, what is answered, who is turned away."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from fastapi import APIRouter
from structlog.testing import capture_logs

from access.tokens import revoke
from domain.principal import Role
from journal import agency_id
from tests.api.premises import Premises

NOTE = {"notebook": "a", "text": "Bonjour", "cents": 1, "on": "2026-11-21"}
TAKE = "take-edge-note"


def problem(answer, status: int, code: str) -> dict:
    """The problem in an answer, which is whole and of this kind."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-language"] in ("fr", "en")
    assert answer.headers["vary"] == "Accept-Language"
    body = answer.json()
    assert (body["status"], body["code"], body["type"]) == (status, code, f"/problems/{code}")
    assert body["title"]
    assert body["detail"]
    return body


def codes(body: dict) -> list[tuple[list, str]]:
    return [(error["location"], error["code"]) for error in body["errors"]]


# What is asked


def test_a_command_answers_with_position_ids_and_events(edge: Premises):
    first = edge.command(TAKE, NOTE, "k-1")
    second = edge.command(TAKE, {**NOTE, "notebook": "b"}, "k-2")
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["position"] == 1
    assert second.json()["position"] == 2
    assert first.json()["events"] == ["EdgeNoteTaken"]
    UUID(first.json()["ids"]["notebook"])
    assert "idempotency-hit" not in first.headers
    assert first.headers["cache-control"] == "no-store"


def test_a_repetition_answers_the_same(edge: Premises):
    first = edge.command(TAKE, NOTE, "k-1")
    edge.command(TAKE, NOTE, "k-2")
    again = edge.command(TAKE, NOTE, "k-1")
    assert again.content == first.content
    assert again.headers["idempotency-hit"] == "true"


def test_the_journal_knows_who_asked_and_for_whom(edge: Premises):
    party = uuid4()
    edge.command(TAKE, NOTE, headers={"Quittance-On-Behalf-Of": str(party)})
    edge.command(TAKE, NOTE, "k-2")
    first, second = edge.parts.office.journal.read(agency_id("lilas"), 0)
    token_id = UUID(edge.tokens[Role.AGENT].split("_")[1])
    assert first.actor == f"token:{token_id}"
    assert (first.on_behalf_of, second.on_behalf_of) == (str(party), None)


def test_the_same_key_with_another_body_is_refused(edge: Premises):
    edge.command(TAKE, NOTE)
    problem(edge.command(TAKE, {**NOTE, "cents": 2}), 422, "key_reused")


def test_the_business_refuses_in_the_language_of_the_one_who_asks(edge: Premises):
    for key in "abc":
        edge.command(TAKE, NOTE, key)
    body = problem(edge.command(TAKE, NOTE, "d"), 409, "notebook_full")
    assert body["detail"] == "Ce carnet est plein."
    english = edge.command(TAKE, NOTE, "d", headers={"Accept-Language": "en-GB, fr;q=0.5"})
    assert problem(english, 409, "notebook_full")["detail"] == "This notebook is full."
    assert english.headers["content-language"] == "en"


def test_what_is_not_there_is_not_found(edge: Premises):
    problem(edge.command("count-edge-notes", {"notebook": "a"}), 404, "not_found")


def test_a_person_that_was_erased_gets_nothing_more(edge: Premises):
    party, other = uuid4(), uuid4()
    said = {"party_id": str(party), "name": "Ada"}
    assert edge.command("note-edge-person", said, "a").status_code == 200
    edge.parts.office.journal.keys.destroy(agency_id("lilas"), party)
    problem(edge.command("note-edge-person", said, "b"), 409, "person_erased")
    kept = {"party_id": str(other), "name": "Bob"}
    assert edge.command("note-edge-person", kept, "c").status_code == 200


def test_what_a_newer_program_wrote_is_not_guessed_at(edge: Premises):
    notebook = UUID(edge.command(TAKE, NOTE, "a").json()["ids"]["notebook"])
    with edge.parts.pool.connection() as connection:
        connection.execute("UPDATE events SET schema_version = 2 WHERE name = 'EdgeNoteTaken'")
    edge.parts.office.cells.room(agency_id("lilas")).evict([notebook.bytes])
    other = {**NOTE, "notebook": "another"}
    assert edge.command(TAKE, other, "b").status_code == 200
    problem(edge.command(TAKE, NOTE, "c"), 503, "newer_program")


def test_what_only_the_system_asks_has_no_address(edge: Premises):
    problem(edge.command("tidy-edge-notes", {}), 404, "not_found")


# Who is turned away


def test_nobody_comes_in_without_a_token(edge: Premises):
    answer = edge.command(TAKE, NOTE, token=None)
    problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == 'Bearer realm="quittance"'


def test_who_has_no_token_learns_nothing_of_the_input(edge: Premises):
    answers = [
        edge.command(TAKE, body, key, token=None)
        for body, key in ((NOTE, "k"), ({}, "k"), (NOTE, None))
    ]
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize("token", ["qt_", "x", "é", "", "qt_" + "0" * 32 + "_" + "0" * 64])
def test_a_token_that_is_none_opens_nothing(edge: Premises, token: str):
    answer = edge.command(
        TAKE, NOTE, token=None, headers={b"Authorization": b"Bearer " + token.encode()}
    )
    problem(answer, 401, "unauthenticated")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_an_expired_and_a_revoked_token_open_nothing(edge: Premises):
    token = edge.token(expires_in=timedelta(hours=1))
    assert edge.command(TAKE, NOTE, token=token).status_code == 200
    with edge.parts.pool.connection() as connection:
        revoke(connection, UUID(edge.tokens[Role.AGENT].split("_")[1]), now=edge.clock())
    problem(edge.command(TAKE, NOTE), 401, "unauthenticated")
    edge.clock.later = timedelta(hours=1)
    problem(edge.command(TAKE, NOTE, token=token), 401, "unauthenticated")


def test_two_tokens_at_once_open_nothing(edge: Premises):
    token = edge.tokens[Role.AGENT]
    twice = edge.command(TAKE, NOTE, headers={"authorization": f"Bearer {token}"})
    problem(twice, 401, "unauthenticated")


def test_another_agency_answers_like_one_that_does_not_exist(edge: Premises):
    edge.parts.office.journal.open_log(agency_id("roses"))
    edge.token(slug="roses")
    for ask in (
        lambda slug: edge.command(TAKE, NOTE, agency=slug),
        lambda slug: edge.command(TAKE, {}, None, agency=slug),
        lambda slug: edge.ask("GET", f"/v1/agencies/{slug}/head"),
    ):
        exists, does_not, nonsense = ask("roses"), ask("violettes"), ask("%00%ff")
        problem(exists, 404, "no_such_agency")
        assert exists.content == does_not.content == nonsense.content
        assert exists.headers == does_not.headers == nonsense.headers


def test_an_agency_without_a_log_is_no_agency(edge: Premises):
    ghost = edge.token(slug="ghost")
    unknown = edge.command(TAKE, NOTE, agency="ghost", token=ghost)
    assert unknown.content == edge.command(TAKE, NOTE, agency="other").content
    problem(edge.ask("GET", "/v1/agencies/ghost/head", token=ghost), 404, "no_such_agency")


def test_a_role_asks_only_what_it_may(edge: Premises):
    auditor = edge.token(Role.AUDITOR)
    problem(edge.command(TAKE, NOTE, token=auditor), 403, "not_allowed")
    problem(edge.command(TAKE, {}, token=auditor), 403, "not_allowed")
    edge.command(TAKE, NOTE)
    counted = edge.command("count-edge-notes", {"notebook": "a"}, token=auditor)
    assert counted.json() == {"position": 1, "ids": counted.json()["ids"], "events": []}
    assert counted.json()["ids"]["notes"] == 1


def test_everybody_turned_away_is_written_down(edge: Premises):
    token, auditor = edge.tokens[Role.AGENT], edge.token(Role.AUDITOR)
    wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
    with capture_logs() as lines:
        edge.command(TAKE, NOTE, token=None)
        edge.command(TAKE, NOTE, token=wrong)
        edge.command(TAKE, NOTE, agency="roses")
        edge.command(TAKE, NOTE, token=auditor)
        edge.command(TAKE, NOTE, agency="Ada Lovelace", token=None)
    denied = [line for line in lines if line["event"] == "access.denied"]
    agent_id, auditor_id = (str(UUID(t.split("_")[1])) for t in (token, auditor))
    assert [(line["reason"], line["agency"], line["token_id"]) for line in denied] == [
        ("no_token", "lilas", None),
        ("wrong_secret", "lilas", agent_id),
        ("no_such_agency", "roses", agent_id),
        ("role", "lilas", auditor_id),
        ("no_token", "(malformed)", None),
    ]
    for secret in (t.split("_")[2] for t in (token, wrong, auditor)):
        assert secret not in str(lines)


# What is shown of what happened


def test_each_request_is_one_line_that_names_nobody(edge: Premises):
    with capture_logs() as lines:
        edge.ask(
            "POST",
            f"/v1/agencies/lilas/commands/{TAKE}?name=Lovelace",
            json={**NOTE, "text": "Lovelace"},
            headers={"Idempotency-Key": "Lovelace", "User-Agent": "Lovelace"},
        )
        edge.ask("GET", "/Lovelace?Lovelace")
        edge.ask("LOVELACE", "/health")
    first, second, third = lines
    assert "Lovelace" not in str(lines)
    assert "LOVELACE" not in str(lines)
    assert first["event"] == second["event"] == "request"
    assert first["route"] == f"/v1/agencies/{{agency}}/commands/{TAKE}"
    assert (first["method"], first["status"], first["agency"]) == ("POST", 200, "lilas")
    assert first["position"] == 1
    assert first["ms"] > 0
    (entry,) = edge.parts.office.journal.read(agency_id("lilas"), 0)
    assert UUID(first["command_id"]) == entry.command_id
    assert f"token:{first['token_id']}" == entry.actor
    assert (second["route"], second["status"], second["problem"]) == ("(none)", 404, "not_found")
    assert (third["method"], third["route"], third["status"]) == ("OTHER", "/health", 405)


def test_a_route_behind_a_prefix_is_told_by_its_whole_template(edge: Premises):
    router = APIRouter(prefix="/v1/agencies/{agency}")
    router.get("/tail/{which}")(lambda which: which)
    edge.app.include_router(router)
    with capture_logs() as lines:
        assert edge.ask("GET", "/v1/agencies/lilas/tail/a").json() == "a"
        problem(edge.ask("POST", "/v1/agencies/lilas/tail/a"), 405, "method_not_allowed")
    assert [line["route"] for line in lines] == ["/v1/agencies/{agency}/tail/{which}"] * 2


def test_a_bug_shows_a_number_and_nothing_else(edge: Premises):
    with capture_logs() as lines:
        body = problem(edge.command("break-edge", {}), 500, "internal_error")
    assert "inside" not in json.dumps(body)
    bug = next(line for line in lines if line["event"] == "bug")
    assert bug["request_id"] == body["request_id"]
    assert isinstance(bug["exc_info"], ZeroDivisionError)
    request = next(line for line in lines if line["event"] == "request")
    assert (request["status"], request["request_id"]) == (500, body["request_id"])


def test_a_database_that_is_gone_is_no_bug(edge: Premises):
    edge.command(TAKE, NOTE)
    edge.parts.pool.close()
    answer = edge.ask("GET", "/v1/agencies/lilas/head")
    problem(answer, 503, "busy")
    assert answer.headers["retry-after"] == "1"
    assert edge.ask("GET", "/health").json()["status"] == "ok"
    assert b"quittance_requests_total" in edge.ask("GET", "/metrics").content


def test_health_says_how_far_the_projections_are(edge: Premises):
    health = edge.ask("GET", "/health", token=None).json()
    assert health == {"status": "ok", "version": "0", "position_lag": {"balance": 3}}


def test_metrics_count_by_template_and_show_positions(edge: Premises):
    edge.command(TAKE, NOTE)
    edge.command(TAKE, {**NOTE, "cents": 0}, "other")
    text = edge.ask("GET", "/metrics", token=None).text
    where = f'method="POST",route="/v1/agencies/{{agency}}/commands/{TAKE}"'
    assert f'quittance_requests_total{{{where},status="200"}} 1.0' in text
    assert f'quittance_requests_total{{{where},status="422"}} 1.0' in text
    assert f"quittance_request_seconds_count{{{where}}} 2.0" in text
    assert f'quittance_journal_position{{agency="{agency_id("lilas")}"}} 1.0' in text


def test_the_documentation_loads_nothing_from_elsewhere(edge: Premises):
    page = edge.ask("GET", "/docs", token=None)
    assert page.status_code == 200
    assert "TakeEdgeNote" in page.text
    assert "<script" not in page.text
    assert "http" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


# Reading one's own write


def test_a_read_waits_for_the_position_or_says_not_yet(edge: Premises):
    edge.command(TAKE, NOTE)
    answer = edge.ask("GET", "/v1/agencies/lilas/head?min_position=1")
    assert problem(answer, 503, "not_yet")["projections"] == ["heads"]
    assert answer.headers["retry-after"] == "1"
    edge.shown.positions = {agency_id("lilas"): 1, agency_id("roses"): 9}
    assert edge.ask("GET", "/v1/agencies/lilas/head?min_position=1").json() == {"position": 1}
    assert edge.ask("GET", "/v1/agencies/lilas/head").status_code == 200
    problem(edge.ask("GET", "/v1/agencies/lilas/head?min_position=2"), 503, "not_yet")


def test_nobody_waits_for_what_has_stopped(edge: Premises):
    edge.shown.stopped = True
    problem(edge.ask("GET", "/v1/agencies/lilas/head?min_position=1"), 503, "stopped")


@pytest.mark.parametrize("wrong", ["-1", "x", "", "9223372036854775808", "1" * 5000, "%00", "%ff"])
def test_a_position_that_is_none_is_invalid(edge: Premises, wrong: str):
    answer = edge.ask("GET", f"/v1/agencies/lilas/head?min_position={wrong}")
    ((location, _),) = codes(problem(answer, 422, "invalid"))
    assert location == ["query", "min_position"]
    problem(edge.ask("GET", f"/v1/agencies/x/head?min_position={wrong}"), 404, "no_such_agency")


# The router's own answers


def test_an_unknown_address_is_a_problem(edge: Premises):
    for path in ("/", "/nothing", "/v1/agencies/lilas/commands/nothing", "/health/", "/%00%ff"):
        problem(edge.ask("GET", path), 404, "not_found")


def test_a_wrong_method_names_the_right_ones(edge: Premises):
    answer = edge.ask("GET", f"/v1/agencies/lilas/commands/{TAKE}")
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"
    edge.app.delete("/v1/agencies/{agency}/head")(lambda: None)
    both = edge.ask("PATCH", "/v1/agencies/lilas/head")
    problem(both, 405, "method_not_allowed")
    assert both.headers["allow"] == "DELETE, GET"


def test_the_answer_is_in_french_unless_english_is_preferred(edge: Premises):
    said = {
        wish: edge.ask("GET", "/x", headers={"Accept-Language": wish}).headers["content-language"]
        for wish in ("", "fr", "de", "*", "en", "EN-us", "fr;q=0.4,en;q=0.5", "en;q=0", "en;q=x")
    }
    assert [wish for wish, language in said.items() if language == "en"] == [
        "en",
        "EN-us",
        "fr;q=0.4,en;q=0.5",
    ]
    endless = edge.ask("GET", "/x", headers={"Accept-Language": "en;q=nan,fr;q=1e999," * 1000})
    assert problem(endless, 404, "not_found")["title"]
