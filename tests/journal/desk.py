"""A running journal with all its parts, as one process has it; several can share a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg_pool import ConnectionPool

from aggregates.cells import Cell, Cells, Room
from commands import (
    Answer,
    Asked,
    Command,
    Office,
    _append,
    _decide,
    _Decision,
    _open,
    execute,
    utc_now,
)
from domain.principal import OPERATOR, Principal, Role
from journal import agency_id
from journal.append import Append
from journal.journal import Journal
from journal.keys import Keyring
from journal.wakeup import Bell

METZ, NANCY = agency_id("metz"), agency_id("nancy")
AGENT = Principal("token:1", Role.AGENT, frozenset((METZ, NANCY)))
MASTER_KEY = b"m" * 32
WRITER, READER = "quittance-writer", "quittance-reader"
"""Names under which the server shows the two kinds of connections."""


class Decided:
    """What one try of `execute` has come to, before it is queued."""

    def __init__(self, room: Room, decision: _Decision, append: Append | None) -> None:
        self._room = room
        self._decision = decision
        self._append = append

    @property
    def refused(self) -> bool:
        return self._append is None

    @property
    def append(self) -> Append:
        assert self._append is not None
        return self._append

    def queue(self) -> None:
        """Raises Conflict if somebody was faster."""
        self._room.submit(self.append, self._decision.store.read, self._decision.states)

    def pretend(self) -> None:
        """Let its states be decided upon without queueing it, as when it fell out of a batch."""
        for state in self._decision.states:
            self._room.cells[state.stream] = Cell(state, 0, self.append)


@dataclass
class Desk:
    """One process's parts, over a database that others may use too."""

    url: str
    office: Office
    pool: ConnectionPool[Connection[Any]]
    clock: list[datetime] = field(default_factory=list)

    @property
    def journal(self) -> Journal:
        return self.office.journal

    def do(
        self,
        command: Command,
        *,
        key: str | None = None,
        agency: UUID = METZ,
        who: Principal = OPERATOR,
    ) -> Answer:
        return execute(self.office, command, Asked(who, agency, key))

    def begin(self, command: Command, *, agency: UUID = METZ, actor: str = "operator") -> Append:
        """Decide and queue, without waiting for the answer: what one try of `execute` does."""
        decided = self.decide(command, agency=agency, actor=actor)
        assert not decided.refused
        decided.queue()
        return decided.append

    def decide(self, command: Command, *, agency: UUID = METZ, actor: str = "operator") -> Decided:
        """Decide, and do not queue yet."""
        room = self.office.cells.room(agency)
        decision = _decide(_open(self.office, room), command)
        if decision.refused is not None:
            return Decided(room, decision, None)
        asked = Asked(Principal(actor, Role.SYSTEM, None), agency)
        return Decided(room, decision, _append(self.office, asked, decision, b""))

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query, values).fetchall()

    def tags(self, agency: UUID = METZ) -> list[str]:
        """The tags of all that was counted, in the order of the log."""
        query = """SELECT convert_from(state, 'UTF8')::jsonb ->> 'tag' FROM events
            WHERE agency = %s AND name = 'Counted' ORDER BY position"""
        return [tag for (tag,) in self.rows(query, agency)]


@contextmanager
def desk(
    url: str, clock: Callable[[], datetime] = utc_now, *, pool_size: int = 8
) -> Iterator[Desk]:
    """Open the parts over a migrated database, with the logs of two agencies."""

    def connect() -> Connection[Any]:
        return psycopg.connect(url, autocommit=True, application_name=WRITER)

    with ConnectionPool(
        url,
        min_size=1,
        max_size=pool_size,
        kwargs={"autocommit": True, "application_name": READER},
        open=True,
    ) as pool:
        journal = Journal(pool, connect, Keyring(pool, MASTER_KEY), Bell(connect))
        try:
            for agency in (METZ, NANCY):
                journal.open_log(agency)
            yield Desk(url, Office(journal, Cells(journal), clock, b"h" * 32), pool)
        finally:
            journal.close()


@contextmanager
def holding(url: str, agency: UUID) -> Iterator[Connection[Any]]:
    """Another session holds the head of an agency's log meanwhile."""
    with psycopg.connect(url) as connection:
        connection.execute("SELECT 1 FROM heads WHERE agency = %s FOR UPDATE", [agency])
        yield connection


def noon(year: int, month: int, day: int) -> Callable[[], datetime]:
    """A clock that stands still."""
    return lambda: datetime(year, month, day, 12, tzinfo=UTC)
