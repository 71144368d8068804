"""Nothing that a person sends causes a 500, and no answer repeats what was sent."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import httpx
import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.principal import Role
from journal import agency_id
from tests.api.premises import Premises
from tests.api.test_edge import NOTE, TAKE, codes, problem

WHERE = f"/v1/agencies/lilas/commands/{TAKE}"
JSON = {"Content-Type": "application/json", "Idempotency-Key": "k-1"}


def send(edge: Premises, body: bytes, **headers: str):
    return edge.ask("POST", WHERE, content=body, headers={**JSON, **headers})


def note(**fields: object) -> bytes:
    return json.dumps({**NOTE, **fields}).encode()


UNREADABLE = {
    "nothing": b"",
    "not JSON": b"hello",
    "not UTF-8": b'{"text": "\xff"}',
    "UTF-16": '{"text": "a"}'.encode("utf-16"),
    "a lone surrogate": note(text="\ud800"),
    "a lone surrogate as a name": note(**{"\udfff": 1}),
    "a raw NUL": b'{"text": "\0"}',
    "endless digits": note(cents=0).replace(b"0", b"9" * 5000, 1),
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_not_json_is_invalid(edge: Premises, body: bytes):
    problem(send(edge, body), 422, "invalid")


UNFIT = {
    "a NUL": (note(text="a\0b"), ["body", "text"], "string_nul"),
    "a NUL in a name": (note(tags={"a\0": 1}), ["body", "tags", "*"], "string_nul"),
    "a huge integer": (note(tags={"a": 10**30}), ["body", "tags", "*"], "int_too_big"),
    "year 1": (note(on="0001-01-01"), ["body", "on"], "date_out_of_range"),
    "year 9999": (note(on="9999-12-31"), ["body", "on"], "date_out_of_range"),
    "no date": (note(on="2026-02-30"), ["body", "on"], "date_from_datetime_parsing"),
    "NaN": (note(cents=float("nan")), ["body", "cents"], "int_type"),
    "Infinity": (note(cents=float("inf")), ["body", "cents"], "int_type"),
    "zero": (note(cents=0), ["body", "cents"], "greater_than"),
    "a negative amount": (note(cents=-1), ["body", "cents"], "greater_than"),
    "too much": (note(cents=10**13 + 1), ["body", "cents"], "less_than_equal"),
    "three decimals": (note(cents=1.005), ["body", "cents"], "int_type"),
    "an amount as text": (note(cents="1"), ["body", "cents"], "int_type"),
    "a text too long": (note(text="x" * 201), ["body", "text"], "string_too_long"),
    "a field too many": (note(Lovelace="1815"), ["body", "*"], "extra_forbidden"),
    "a list": (b"[]", ["body"], "model_type"),
}


@pytest.mark.parametrize(("body", "location", "code"), UNFIT.values(), ids=UNFIT.keys())
def test_what_cannot_be_kept_is_invalid(edge: Premises, body: bytes, location: list, code: str):
    answer = send(edge, body)
    assert codes(problem(answer, 422, "invalid")) == [(location, code)]
    assert "Lovelace" not in answer.text
    assert edge.parts.office.journal.head(agency_id("lilas"))[0] == 0


def test_a_fault_is_explained_in_french_or_english(edge: Premises):
    french, english = (
        send(edge, note(cents=0), **{"Accept-Language": wish}).json()["errors"][0]["message"]
        for wish in ("fr", "en")
    )
    assert (french, english) == ("Plus de 0.", "More than 0.")


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/jsonp", "json", "application/xml", "é", "application/"]
)
def test_another_content_type_is_not_read(edge: Premises, kind: str):
    answer = send(edge, note(), **{"Content-Type": kind.encode()})
    problem(answer, 415, "unsupported_media_type")


def test_json_comes_under_several_names(edge: Premises):
    kinds = ("application/json; charset=utf-8", "APPLICATION/JSON", "application/ld+json")
    assert [send(edge, note(), **{"Content-Type": kind}).status_code for kind in kinds] == [200] * 3


KEYS = {
    "empty": "",
    "blank": " ",
    "too long": "x" * 201,
    "a tab": "a\tb",
    "an accent": "é",
    "a NUL": "a\0b",
    "a header of its own": "a\r\nSet-Cookie: b=c",
    "an end of line": "a\n",
    "a delete": "a\x7f",
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_a_key_that_is_not_printable_is_invalid(edge: Premises, key: str):
    answer = edge.command(TAKE, NOTE, key=None, headers={"Idempotency-Key": key.encode("latin-1")})
    ((location, _),) = codes(problem(answer, 422, "invalid"))
    assert location == ["header", "Idempotency-Key"]
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("key", ["x", "x" * 200, '"8e03978e-40d5"', "a b", "!~"])
def test_a_printable_key_is_taken(edge: Premises, key: str):
    assert edge.command(TAKE, NOTE, key).status_code == 200


def test_a_key_is_required_and_comes_once(edge: Premises):
    missing = problem(edge.command(TAKE, NOTE, None), 422, "invalid")
    assert codes(missing) == [(["header", "Idempotency-Key"], "missing")]
    twice = edge.command(TAKE, NOTE, "a", headers={"idempotency-key": "b"})
    assert codes(problem(twice, 422, "invalid")) == [(["header", "Idempotency-Key"], "several")]


@pytest.mark.parametrize("party", ["", "x", "0" * 33, "é"])
def test_a_party_is_a_uuid(edge: Premises, party: str):
    answer = edge.command(TAKE, NOTE, headers={"Quittance-On-Behalf-Of": party.encode()})
    ((location, _),) = codes(problem(answer, 422, "invalid"))
    assert location == ["header", "Quittance-On-Behalf-Of"]


def test_a_body_that_is_too_long_is_not_read(edge: Premises):
    limit = edge.parts.body_limit_bytes
    answer = send(edge, b" " * (limit + 1))
    problem(answer, 413, "too_large")
    assert answer.headers["connection"] == "close"
    assert send(edge, b" " * (limit - len(note())) + note()).status_code == 200


def test_a_body_that_hides_its_length_is_read_no_further_than_the_limit(edge: Premises):
    """A body in pieces, without a length: what is taken stops soon after the limit."""
    token, piece = edge.tokens[Role.AGENT], 64 * 1024
    given = 0

    async def pieces():
        nonlocal given
        for _ in range(1000):
            given += piece
            yield b" " * piece

    async def asking() -> httpx.Response:
        transport = httpx.ASGITransport(edge.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://edge") as client:
            headers = {**JSON, "Authorization": f"Bearer {token}"}
            return await client.post(WHERE, content=pieces(), headers=headers)

    problem(asyncio.run(asking()), 413, "too_large")
    assert given <= edge.parts.body_limit_bytes + 2 * piece


def test_a_route_that_lets_the_framework_read_is_as_strict(edge: Premises):
    """Forms and bodies that FastAPI reads by itself end in the same problems."""

    def read(body: dict[str, int]) -> int:
        return len(body)

    edge.app.post("/v1/agencies/{agency}/read")(read)

    def code(body: bytes) -> tuple[int, str]:
        answer = edge.ask("POST", "/v1/agencies/lilas/read", content=body, headers=JSON)
        return answer.status_code, answer.json()["code"]

    assert code(b'{"Lovelace": "x"}') == (422, "invalid")
    assert code(b"{") == (422, "invalid")
    assert code(b"\xff") == (400, "unreadable")
    assert code(b"[" * 200_000) == (400, "unreadable")
    assert code(b" " * 2_000_000) == (413, "too_large")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(fields=st.dictionaries(st.sampled_from([*NOTE, "tags", "zz"]), anything))
def test_no_body_is_a_bug(edge: Premises, fields: dict[str, object]):
    assert send(edge, note(**fields)).status_code in (200, 409, 422)


# Over a real socket, where the server reads the bytes


@contextmanager
def serving(edge: Premises) -> Iterator[tuple[str, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(edge.app, log_config=None, access_log=False, lifespan="on")
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = True
            thread.join()


def spoken(address: tuple[str, int], raw: bytes) -> bytes:
    """What the server says to these bytes until it, or we, end the conversation."""
    with socket.create_connection(address, timeout=10) as talk:
        talk.sendall(raw)
        talk.shutdown(socket.SHUT_WR)
        heard = b""
        while piece := talk.recv(65536):
            heard += piece
    return heard


def test_the_edge_over_a_real_socket(edge: Premises):
    token = edge.tokens[Role.AGENT].encode()
    head = b"Host: x\r\nAuthorization: Bearer " + token + b"\r\nConnection: close\r\n"
    body = note()
    whole = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    post = b"POST " + WHERE.encode() + b" HTTP/1.1\r\n" + head
    with serving(edge) as address:
        url = f"http://{address[0]}:{address[1]}"
        with httpx.Client(base_url=url, trust_env=False) as client:
            headers = {"Authorization": f"Bearer {token.decode()}", "Idempotency-Key": "k"}
            answers = [client.post(WHERE, json=NOTE, headers=headers) for _ in range(2)]
            assert [answer.json()["position"] for answer in answers] == [1, 1]
            long = b" " * (edge.parts.body_limit_bytes + 1)
            problem(client.post(WHERE, content=long, headers={**headers, **JSON}), 413, "too_large")
            assert client.get("/health").json()["status"] == "ok"
        statuses = [
            spoken(address, raw).split(b"\r\n", 1)[0].split(b" ")[1]
            for raw in (
                post + b"Idempotency-Key: a\r\nIdempotency-Key: b\r\n" + whole,
                post + b"Idempotency-Key: \xff\xfe\r\n" + whole,
                post + b"Idempotency-Key: a\x00b\r\n" + whole,
                post + b"Idempotency-Key: a\r\n b\r\n" + whole,
                b"GET /v1/agencies/%ff%00%ed%a0%80/head HTTP/1.1\r\n" + head + b"\r\n",
                b"GET /v1/agencies/lilas/head?min_position=%ff&min_position=%00 HTTP/1.1\r\n"
                + head
                + b"\r\n",
                b"GET /\xff\xfe HTTP/1.1\r\n" + head + b"\r\n",
                b"GET * HTTP/1.1\r\n" + head + b"\r\n",
                b"nonsense\r\n\r\n",
            )
        ]
    assert [status[:1] for status in statuses] == [b"4"] * len(statuses), statuses
    assert edge.parts.office.journal.head(agency_id("lilas"))[0] == 1
