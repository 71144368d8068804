"""The other side: the `eventsourcing` library's own PostgreSQL application, as it comes.

It runs with psycopg's binary package, with a connection for each thread, without the database
functions that lose events, and on aggregates that its threads already hold: no load is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import IntegrityError
from eventsourcing.utils import retry

from benchmarks import STOCK_THREADS, Measured
from benchmarks.race import Pace, race

HELD = 8
"""Aggregates of each thread, taken in turn."""


class Party(Aggregate):
    """An aggregate with one kind of event after its first, as the one of ours that it is up to."""

    class ContactChanged(Aggregate.Event):
        """Its one field is as long as it takes for the stored payload to be as long as ours."""

        contact: str

        def apply(self, aggregate: Any) -> None:
            aggregate.contact = self.contact

    def change_contact(self, contact: str) -> None:
        self.trigger_event(self.ContactChanged, contact=contact)


class Parties(Application[UUID]):
    """The stock application."""


class Stock:
    """The application over a database, with a payload of a given length."""

    def __init__(self, app: Parties, payload_bytes: int) -> None:
        self._app = app
        party = Party()
        party.change_contact("")
        _, changed = party.collect_events()
        empty = len(app.mapper.to_stored_event(changed).state)
        self._contact = "x" * max(0, payload_bytes - empty)
        self.payload_bytes = empty + len(self._contact)

    def held(self, threads: int) -> list[list[Party]]:
        """Existing aggregates for each thread."""
        parties = [[Party() for _ in range(HELD)] for _ in range(threads)]
        for mine in parties:
            self._app.save(*mine)
        return parties

    def save(self, *parties: Party) -> None:
        """One event on each of these, all in one save."""
        for party in parties:
            party.change_contact(self._contact)
        self._app.save(*parties)

    def turns(
        self, seconds: float, threads: Sequence[int] = STOCK_THREADS, *, events: int = 1
    ) -> dict[int, Pace]:
        """A turn with each number of threads, every save with so many events."""
        return {count: self._turn(seconds, count, events) for count in threads}

    def _turn(self, seconds: float, threads: int, events: int) -> Pace:
        parties = self.held(threads)
        done = [0] * threads

        def step(thread: int) -> None:
            first = done[thread] * events
            mine = parties[thread]
            self.save(*(mine[(first + n) % HELD] for n in range(events)))
            done[thread] += 1

        return race(threads, seconds, step)

    def on_one(self, seconds: float, threads: int) -> Pace:
        """All threads on one cached aggregate, by the library's own retry when one was faster."""
        party = Party()
        self._app.save(party)
        # To ask for what is new before each decision costs one thread a query for nothing, and
        # saves many of them most of their conflicts.
        self._app.repository.fastforward = threads > 1

        @retry(IntegrityError, max_attempts=1_000_000)
        def change() -> None:
            found: Party = self._app.repository.get(party.id)
            self.save(found)

        return race(threads, seconds, lambda _thread: change())


@contextmanager
def stock(url: str, payload_bytes: int) -> Iterator[Stock]:
    """The stock application over an empty database."""
    app = Parties(environment(url))
    try:
        yield Stock(app, payload_bytes)
    finally:
        app.close()


def environment(url: str) -> dict[str, str]:
    """The library's settings for a database of ours."""
    parts = urlsplit(url)
    found = parse_qs(parts.query)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": unquote(parts.path.lstrip("/")),
        "POSTGRES_HOST": found["host"][0],
        "POSTGRES_PORT": found["port"][0],
        "POSTGRES_USER": parts.username or "",
        "POSTGRES_PASSWORD": "none",
        "POSTGRES_POOL_SIZE": str(max(STOCK_THREADS)),
        "AGGREGATE_CACHE_MAXSIZE": "1000",
    }


def best(paces: dict[int, Pace]) -> float:
    """The best rate of all numbers of threads."""
    return max(pace.per_second for pace in paces.values())


def tell(measured: Measured, paces: dict[int, Pace], of: Callable[[Pace], float]) -> None:
    """Note the rate with each number of threads."""
    for threads, pace in paces.items():
        many = "threads" if threads > 1 else "thread"
        measured.add(f"stock, {threads} {many}", of(pace), "1/s")
