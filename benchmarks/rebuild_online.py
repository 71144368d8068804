"""Reads and writes over HTTP while every read model is rebuilt, against the same before.

The product's own server and projector in processes of their own, over a filled journal. Writers
change contacts on 8 keep-alive connections as fast as they are answered; 4 readers ask for the
balances of leases at a steady pace. Then the same while a rebuild of everything, with two jobs,
runs again and again beside them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from itertools import cycle
from time import perf_counter, sleep
from typing import Any
from uuid import UUID

from access.tokens import create_token
from benchmarks import Bench, Measured, ours
from benchmarks.children import ask, beside, serving
from benchmarks.demo_copy import plan
from benchmarks.race import percentile_ms
from benchmarks.rebuilding import filled, seconds_of
from domain.principal import Role
from journal import agency_id
from system.office import PROJECTIONS

TITLE = "reads and writes over HTTP while every read model is rebuilt, against before"
GOAL = "reads' p99 at most 1.5 ×; writes 0.7 ×"

PEOPLE, WRITERS, READERS, READS_PER_SECOND = 2, 8, 4, 100
_A_LEASE_EACH = """
SELECT DISTINCT ON (agency) agency, stream FROM events WHERE name = 'LeaseSigned'
ORDER BY agency, position
"""


class Users:
    """Those who read and write meanwhile."""

    def __init__(
        self,
        port: int,
        token: str,
        writes: list[tuple[str, str]],
        leases: list[tuple[str, UUID]],
    ) -> None:
        self._port = port
        self._leases = leases
        self._token = token
        self._first = 0
        self._writes = writes
        self.statuses: Counter[int] = Counter()

    def turn(self, seconds: float) -> tuple[float, list[float]]:
        """Writes a second, and how long each read took."""
        with ThreadPoolExecutor(READERS + 1) as threads:
            writing = threads.submit(self._write, seconds)
            reading = [threads.submit(self._read, n, seconds) for n in range(READERS)]
            waits = [wait for reader in reading for wait in reader.result()]
            return writing.result(), waits

    def _write(self, seconds: float) -> float:
        question = {
            "port": self._port, "token": self._token, "requests": self._writes,
            "clients": WRITERS, "first": self._first, "seconds": seconds,
        }  # fmt: skip
        found: dict[str, Any] = ask("load", question, timeout_seconds=seconds + 60)
        self._first = found["next"]
        for status, number in found["statuses"].items():
            self.statuses[int(status)] += number
        return float(found["per_second"])

    def _read(self, reader: int, seconds: float) -> list[float]:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        waits = []
        ends_at, each_seconds = perf_counter() + seconds, READERS / READS_PER_SECOND
        for slug, lease_id in cycle(self._leases[reader::READERS]):
            began = perf_counter()
            if began > ends_at:
                break
            connection.request(
                "GET", f"/v1/agencies/{slug}/leases/{lease_id}/balance",
                headers={"Authorization": f"Bearer {self._token}"},
            )  # fmt: skip
            answer = connection.getresponse()
            answer.read()
            self.statuses[answer.status] += 1
            waits.append(perf_counter() - began)
            sleep(max(0.0, began + each_seconds - perf_counter()))
        connection.close()
        return waits


def measure(bench: Bench) -> Measured:
    measured = Measured()
    seconds = 3 * bench.turn_seconds
    with ExitStack() as stack:
        url, events = stack.enter_context(filled(bench))
        users = stack.enter_context(_users(bench, url))
        seconds_of(url, *PROJECTIONS)
        stack.enter_context(beside("projecting", url))
        users.turn(seconds)
        for _ in bench.each_round():
            writes, reads = users.turn(seconds)
            with beside("rebuilding_again", url):
                writes_then, reads_then = users.turn(seconds)
            before, then = percentile_ms(reads, 0.99), percentile_ms(reads_then, 0.99)
            measured.ratio("reads' p99, during to before", then, before)
            measured.ratio("writes, during to before", writes_then, writes)
            measured.add("reads' p99 before", before, "ms")
            measured.add("reads' p99 during", then, "ms")
            measured.add("writes before", writes, "1/s")
            measured.add("writes during", writes_then, "1/s")
    measured.note(f"{events} events; statuses {dict(users.statuses)}")
    return measured


@contextmanager
def _users(bench: Bench, url: str) -> Iterator[Users]:
    with ours.opened(url) as rooms:
        slugs = plan(bench).slugs()
        people = ours.introduce_into(rooms.office, slugs, PEOPLE)
        places = [agency_id(slug) for slug in slugs]
        with rooms.pool.connection() as connection:
            signed = dict(connection.execute(_A_LEASE_EACH).fetchall())
            token = create_token(
                connection, Role.SERVICE, places, "measuring", now=datetime.now(UTC)
            )
    env = {
        "DATABASE_URL": url, "DATA_DIR": str(bench.folder), "LOG_LEVEL": "WARNING",
        "MASTER_KEY": ours.MASTER_KEY.get_secret_value(),
    }  # fmt: skip
    writes = [
        (f"/v1/agencies/{slug}/commands/change-contact", person.reference)
        for slug, few in zip(slugs, people, strict=True)
        for person in few
    ]
    with serving("real_app", env, bench.folder / "online.log") as port:
        yield Users(port, token, writes, [(slug, signed[agency_id(slug)]) for slug in slugs])
