"""A command over HTTP against a bare route: what the edge and the journal cost together.

Ours is the product's own server process over uvicorn, with its log on, taking `ChangeContact` for
people of 200 agencies: token, rights, idempotency key, sealed event, chain. The other side is
FastAPI with nothing but one synchronous route, a psycopg pool of 32 and one INSERT of a row of
the same columns and lengths, on the same uvicorn settings. Both take turns, each from a load
generator in a process of its own with 32 keep-alive connections and the same requests; the
projector does not run. Every command's commit is waited for on both sides.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg

from access.tokens import create_token
from benchmarks import AGENCIES, THREADS, Bench, Measured, ours
from benchmarks.children import ask, serving
from domain.principal import Role
from journal import agency_id

TITLE = "a command over HTTP against a bare FastAPI route with one INSERT, 32 clients"
GOAL = "0.6 ×"

PEOPLE = 2
"""In each agency; few, so that all are known to the server before it is measured."""
WARM_UP_SECONDS = 2.0


class Side:
    """One server with the requests that it is sent."""

    def __init__(self, port: int, token: str, requests: list[tuple[str, str]]) -> None:
        self._asked = {
            "port": port, "token": token, "requests": requests, "clients": THREADS, "first": 0,
        }  # fmt: skip
        self.statuses: dict[str, int] = {}

    def turn(self, seconds: float) -> dict[str, Any]:
        question = {**self._asked, "seconds": seconds}
        found: dict[str, Any] = ask("load", question, timeout_seconds=seconds + 30)
        self._asked["first"] = found["next"]
        for status, number in found["statuses"].items():
            self.statuses[status] = self.statuses.get(status, 0) + number
        return found


def measure(bench: Bench) -> Measured:
    measured = Measured()
    with ExitStack() as stack:
        ours_side = stack.enter_context(_ours(bench))
        bare_side = stack.enter_context(_bare(bench))
        for side in (ours_side, bare_side):
            side.turn(max(WARM_UP_SECONDS, bench.turn_seconds))
        for _ in bench.each_round():
            command, insert = ours_side.turn(bench.turn_seconds), bare_side.turn(bench.turn_seconds)
            measured.ratio("ours to bare", command["per_second"], insert["per_second"])
            measured.add("ours", command["per_second"], "1/s")
            measured.add("ours, p99", command["p99_ms"], "ms")
            measured.add("bare", insert["per_second"], "1/s")
            measured.add("bare, p99", insert["p99_ms"], "ms")
        measured.note(f"statuses: ours {ours_side.statuses}, bare {bare_side.statuses}")
    return measured


@contextmanager
def _ours(bench: Bench) -> Iterator[Side]:
    with ExitStack() as stack:
        url = stack.enter_context(bench.database("ours"))
        with ours.opened(url) as rooms:
            people = ours.introduce(rooms.office, AGENCIES, PEOPLE)
            with rooms.pool.connection() as connection:
                token = create_token(
                    connection,
                    Role.SERVICE,
                    [agency_id(slug) for slug in ours.slugs(AGENCIES)],
                    "measuring",
                    now=datetime.now(UTC),
                )
        env = {
            "DATABASE_URL": url,
            "DATA_DIR": str(bench.folder),
            "MASTER_KEY": ours.MASTER_KEY.get_secret_value(),
            "LOG_LEVEL": "INFO",
        }
        # With its log in a file, as whatever runs a service keeps one.
        port = stack.enter_context(serving("real_app", env, bench.folder / "api.log"))
        requests = [
            (f"/v1/agencies/{slug}/commands/change-contact", people[number][person].reference)
            for person in range(PEOPLE)
            for number, slug in enumerate(ours.slugs(AGENCIES))
        ]
        yield Side(port, token, requests)


@contextmanager
def _bare(bench: Bench) -> Iterator[Side]:
    with ExitStack() as stack:
        url = stack.enter_context(bench.database("bare"))
        with ours.opened(url) as rooms:
            ((person,),) = ours.introduce(rooms.office, 1, 1)
            ours.change_contact(rooms.office, ours.staff(1), person)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE bare_events (LIKE events INCLUDING ALL)")
            connection.execute("CREATE SEQUENCE bare_position CACHE 100")
        env = {"DATABASE_URL": url, "STATE": "x" * ours.stored_bytes(url)}
        port = stack.enter_context(serving("bare_app", env, bench.folder / "bare.log"))
        token = "qt_" + os.urandom(16).hex() + "_" + os.urandom(32).hex()
        requests = [("/contacts", f"C-{number:04d}") for number in range(PEOPLE)]
        yield Side(port, token, requests)
