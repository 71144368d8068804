"""The auditor's pages: a door, a timeline, a chain, and a lease at two dates."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID

import httpx
import pytest

from access.tokens import create_token, revoke
from commands import Asked, execute
from commands.agency import CreateAgency
from domain.principal import OPERATOR, Role
from journal import HOUSE, agency_id
from tests.api.pages.counter import Counter
from tests.api.pages.test_payment import heading, read


class Auditor:
    """Somebody with a browser that keeps one cookie."""

    def __init__(self, till: Counter) -> None:
        self.till = till
        self.cookie: str | None = None

    def token(self, role: Role = Role.AUDITOR, *slugs: str) -> str:
        with self.till.parts.pool.connection() as connection:
            agencies = [agency_id(slug) for slug in slugs or ("lilas",)]
            return create_token(connection, role, agencies, "contrôle", now=self.till.clock())

    def enter(self, token: str, **headers: str) -> httpx.Response:
        answer = self.till.ask("POST", "/audit", data={"token": token}, headers=headers)
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    def get(self, address: str, **query: Any) -> httpx.Response:
        headers = {} if self.cookie is None else {"Cookie": self.cookie}
        return self.till.get(address, params=query or None, headers=headers)

    @property
    def head(self) -> int:
        return self.till.parts.office.journal.head(agency_id("lilas"))[0]


@pytest.fixture
def auditor(till: Counter) -> Auditor:
    somebody = Auditor(till)
    assert somebody.enter(somebody.token()).status_code == 303
    return somebody


# The door


def test_who_has_no_token_is_shown_the_door(till: Counter) -> None:
    nobody = Auditor(till)
    for address in ("/audit/lilas/histoire", "/audit/lilas/deux-dates", "/audit/lilas/chaine/1"):
        answer = nobody.get(address)
        assert (answer.status_code, answer.headers["location"]) == (303, "/audit")
    assert heading(nobody.get("/audit")) == "Relire le journal"
    assert heading(nobody.get("/audit", lang="en")) == "Read the journal"


def test_a_token_is_kept_where_no_script_and_no_other_site_reaches_it(till: Counter) -> None:
    somebody = Auditor(till)
    answer = somebody.enter(somebody.token())
    assert (answer.status_code, answer.headers["location"]) == (303, "/audit")
    kept = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/audit"} <= set(kept.split("; "))
    assert "Secure" not in kept
    first = somebody.get("/audit")
    assert (first.status_code, first.headers["location"]) == (303, "/audit/lilas/histoire")
    left = till.ask("POST", "/audit/sortir", headers={"Cookie": somebody.cookie or ""})
    assert (left.status_code, "Max-Age=0" in left.headers["set-cookie"]) == (303, True)


def test_over_https_the_cookie_never_travels_in_clear(till: Counter) -> None:
    till.app.state.parts = replace(till.parts, public_url="https://quittance.example")
    somebody = Auditor(till)
    assert "Secure" in somebody.enter(somebody.token()).headers["set-cookie"]


def test_what_opens_nothing_is_turned_away_with_what_to_do(till: Counter) -> None:
    somebody = Auditor(till)
    good = somebody.token()
    wrong = good[:-1] + ("0" if good[-1] != "0" else "1")
    for token in ("", "qt_", "\0", wrong, "é" * 50):
        answer = somebody.enter(token)
        assert "Copiez-le de nouveau en entier" in read(answer, 401)
        assert "set-cookie" not in answer.headers
        assert len(token) < 10 or token not in answer.text
    answer = somebody.enter(somebody.token(Role.AGENT))
    assert "Demandez à l'agence un jeton d'auditeur" in read(answer, 403)
    answer = somebody.enter(good, Origin="http://elsewhere.example")
    assert "vient d'un autre site" in read(answer, 403)
    assert somebody.enter(good, Origin="http://edge").status_code == 303


def test_who_tries_too_often_waits(till: Counter) -> None:
    somebody = Auditor(till)
    good = somebody.token()
    answers = [somebody.enter("qt_wrong").status_code for _ in range(11)]
    assert 429 in answers
    assert "Attendez une minute" in read(somebody.enter(good), 429)
    till.clock.later += timedelta(minutes=2)
    assert somebody.enter(good).status_code == 303


def test_a_token_that_was_revoked_is_out(till: Counter, auditor: Auditor) -> None:
    assert auditor.cookie is not None
    token_id = UUID(hex=auditor.cookie.partition("=")[2].split("_")[1])
    with till.parts.pool.connection() as connection:
        revoke(connection, token_id, now=till.clock())
    till.clock.later += timedelta(minutes=1)
    assert auditor.get("/audit/lilas/histoire").status_code == 303


def test_an_auditor_sees_the_agencies_of_the_token_and_no_other(till: Counter) -> None:
    till.parts.office.journal.open_log(agency_id("roses"))
    roses = CreateAgency(slug="roses", legal_name="Roses", siren="732829320", department="57")
    execute(till.parts.office, roses, Asked(OPERATOR, HOUSE))
    both, one = Auditor(till), Auditor(till)
    both.enter(both.token(Role.ADMIN, "lilas", "roses"))
    one.enter(one.token(Role.AUDITOR, "roses"))
    listed = read(both.get("/audit"))
    assert "Les Lilas <& fils>" in listed
    assert "Roses" in listed
    for address in ("histoire", "deux-dates?ref=L-0312", "chaine/1", "weather"):
        answer = one.get(f"/audit/lilas/{address}")
        assert heading(answer) == "Il n'y a rien ici"
        assert answer.status_code == 404
    assert one.get("/audit/nowhere/histoire").status_code == 404


# The timeline


def test_a_history_is_read_in_words_with_who_and_why(till: Counter, auditor: Auditor) -> None:
    till.pay(till.begin())
    answer = auditor.get("/audit/lilas/histoire", sujet="lease", ref="L-0312")
    text = read(answer)
    assert "Bail L-0312 à partir du 01/03/2024" in text
    assert "le prestataire de paiement" in text
    assert "Paiement de 711,00 € confirmé par la banque" in text.replace("\xa0", " ")
    assert f"à jour jusqu'à la position {auditor.head}" in text.lower()
    english = read(auditor.get("/audit/lilas/histoire", sujet="lease", ref="L-0312", lang="en"))
    assert "Lease L-0312 from 01/03/2024" in english
    agent = read(auditor.get("/audit/lilas/histoire", sujet="agent", ref="webhook"))
    assert "confirmé par la banque" in agent
    assert "l'opérateur" not in agent


def test_a_long_period_has_pages(
    till: Counter, auditor: Auditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.pages.audit.AT_ONCE", 3)
    seen: list[str] = []
    answer = auditor.get("/audit/lilas/histoire", sujet="period", lang="en")
    for _ in range(auditor.head):
        read(answer)
        seen += re.findall(r">position (\d+)<", answer.text)
        following = re.search(r'class="btn small" href="([^"]*)"', answer.text)
        if following is None:
            break
        answer = auditor.get("/audit/lilas/histoire" + unescape(following[1]))
    assert seen == [str(position) for position in range(1, auditor.head + 1)]


BAD = (
    ("histoire?sujet=lease&ref=B-99999", 404, "Rien n'est connu sous « B-99999 »"),
    ("histoire?sujet=lease&ref=", 200, "Écrivez une référence"),
    ("histoire?sujet=period&du=hier", 422, "ni une date, ni un instant, ni une position"),
    ("histoire?sujet=period&du=5&au=3", 422, "échangez les deux bornes"),
    ("histoire?sujet=period&au=01/01/1990", 200, "Élargissez les dates"),
    ("histoire?sujet=period&au=999999", 422, "s'arrête à la position"),
    ("deux-dates?ref=B-99999", 404, "Vérifiez la référence"),
    ("deux-dates?ref=L-0312&au=hier", 422, "n'est pas une date"),
    ("deux-dates?ref=L-0312&su=01/01/2199", 422, "Personne ne sait aujourd'hui"),
    ("deux-dates?ref=L-0312&su=0", 200, "choisissez une date de connaissance plus tardive"),
    ("deux-dates", 200, "Entrez la référence d'un bail"),
    ("chaine/999999", 404, "Il n'y a rien ici"),
    ("chaine/abc", 404, "Il n'y a rien ici"),
    ("histoire?sujet=weather", 404, "Il n'y a rien ici"),
    ("histoire?ref=%00%ff&sujet=payment", 404, "Rien n'est connu"),
    ("histoire?ref=<script>&sujet=lease", 404, "« <script> »"),
)


def test_what_cannot_be_shown_is_said_with_what_to_do(auditor: Auditor) -> None:
    for address, status, said in BAD:
        answer = auditor.get(f"/audit/lilas/{address}")
        assert said in read(answer, status), address
        assert "<script>" not in answer.text


def test_the_field_that_is_wrong_is_the_one_that_is_marked(auditor: Auditor) -> None:
    for address, fields in (
        ("histoire?sujet=lease&ref=B-99999", ["ref"]),
        ("histoire?sujet=period&du=5&au=3", ["du", "au"]),
        ("deux-dates?ref=B-99999", ["ref"]),
        ("deux-dates?ref=L-0312&au=hier", ["au"]),
        ("deux-dates?ref=L-0312&su=999999", ["su"]),
        ("deux-dates?ref=L-0312", []),
    ):
        text = auditor.get(f"/audit/lilas/{address}").text
        assert re.findall(r'<input[^>]*name="(\w+)"[^>]*aria-invalid="true"', text) == fields


def test_a_chain_leads_from_the_bank_to_the_books(till: Counter, auditor: Auditor) -> None:
    till.pay(till.begin())
    position = 1 + till.events().index("PaymentBooked")
    text = read(auditor.get(f"/audit/lilas/chaine/{position}", lang="en"))
    assert "From cause to effect" in text
    assert "confirmed by the bank" in text
    assert "booked" in text


# Two dates


def test_a_lease_is_seen_at_two_dates_with_what_came_between(
    till: Counter, auditor: Auditor
) -> None:
    before = auditor.head
    till.pay(till.begin(amount_cents=11_100))
    answer = auditor.get("/audit/lilas/deux-dates", ref="L-0312", au="30/11/2026", su=before)
    text = read(answer).replace("\xa0", " ").replace("\u202f", " ")
    assert heading(answer) == "Bail L-0312, vu à deux dates"
    assert "≠ Solde inscrit 711,00 € 600,00 €" in text
    assert "= Loyer 612,40 € 612,40 € identique" in text
    assert "Paiement de 111,00 € inscrit au compte" in text
    assert "Mme Anaïs Schmitt" in text
    found = re.search(r'class="btn small" href="([^"]*)"', answer.text)
    assert found is not None
    again = auditor.get("/audit/lilas/deux-dates" + unescape(found[1]))
    assert "711,00 € 600,00 €" in read(again).replace("\xa0", " ")
    same = auditor.get("/audit/lilas/deux-dates", ref="L-0312", au="30/11/2026")
    assert "La suite n'a rien changé" in read(same)
    other = auditor.get("/audit/lilas/deux-dates", ref="L-0313", su=before, lang="en")
    assert "changed nothing for this date" in read(other)


def test_pages_load_nothing_from_elsewhere_and_are_not_kept(auditor: Auditor) -> None:
    for address in ("histoire?sujet=period", "deux-dates?ref=L-0312", "chaine/1"):
        answer = auditor.get(f"/audit/lilas/{address}")
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert " style=" not in answer.text
        assert "<script" not in answer.text


def test_a_page_that_is_behind_says_so(till: Counter, auditor: Auditor) -> None:
    read(auditor.get("/audit/lilas/histoire", sujet="period"))
    shown = auditor.head
    till.stop_projecting()
    till.begin()
    text = read(auditor.get("/audit/lilas/histoire", sujet="period"))
    assert f"à jour jusqu'à la position {shown}" in text
    assert "peut manquer encore" in text
    late = auditor.get("/audit/lilas/deux-dates", ref="L-0312", su=auditor.head)
    assert heading(late) == "Cette page est en retard"
