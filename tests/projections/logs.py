"""Real logs of two agencies to project, and two small questions to ask of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar
from uuid import UUID, uuid4, uuid5

import psycopg
from psycopg import Connection
from psycopg_pool import ConnectionPool

from domain import Event
from domain.rent_account import AllocationReversed, PaymentBooked, PaymentUnbooked
from journal import Envelope, Fact, Recorded, agency_id
from journal.append import Append
from journal.journal import Journal
from journal.keys import Keyring
from journal.wakeup import Bell
from projections import Key, Projection, Row, Rows
from projections.generations import create_tables
from projections.tables import find

LILAS, ROSES = agency_id("lilas"), agency_id("roses")
FIRST, SECOND = uuid5(LILAS, "first"), uuid5(LILAS, "second")
"""Two leases; the other agency has leases of the same ids, so that a lost condition shows."""
THE_DAY = date(2026, 11, 5)


@dataclass(frozen=True, slots=True)
class TakingRow(Row):
    """What came in on a lease."""

    table: ClassVar = "takings"
    key: ClassVar = ("lease_id",)
    indexes: ClassVar = ("(agency, total_cents)",)

    lease_id: UUID
    total_cents: int
    last_on: date | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ReceivedRow(Row):
    """One payment, as it came in."""

    table: ClassVar = "received"
    key: ClassVar = ("lease_id", "payment_id")

    lease_id: UUID
    payment_id: UUID
    amount_cents: int


class Takings(Projection):
    """How much came in on each lease? A reversal empties a lease, whatever came in before."""

    name = "takings"
    rows = (TakingRow, ReceivedRow)

    def touches(self, entry: Recorded) -> Iterable[tuple[type[Row], Key]]:
        match entry.event:
            case PaymentBooked() as e:
                yield TakingRow, (e.lease_id,)
            case AllocationReversed() as e:
                yield ReceivedRow, (e.lease_id,)
            case _:
                pass

    def fold(self, rows: Rows, entry: Recorded) -> None:
        match entry.event:
            case PaymentBooked() as e:
                row = rows.get(TakingRow, e.lease_id) or TakingRow(e.lease_id, 0)
                total = row.total_cents + e.amount_cents
                rows.put(replace(row, total_cents=total, last_on=e.effective_on))
                rows.add(ReceivedRow(e.lease_id, e.payment_id, e.amount_cents))
                if e.amount_cents == 13:
                    raise ValueError("Madame Martin, 12 rue des Lilas")
            case PaymentUnbooked() as e:
                rows.delete(ReceivedRow, e.lease_id, e.payment_id)
            case AllocationReversed() as e:
                for received in rows.under(ReceivedRow, e.lease_id):
                    rows.delete(ReceivedRow, received.lease_id, received.payment_id)
                rows.delete(TakingRow, e.lease_id)
            case _:
                pass


@dataclass(frozen=True, slots=True)
class CountRow(Row):
    """How often something happened."""

    table: ClassVar = "counts"
    key: ClassVar = ("name",)

    name: str
    count: int


class Counts(Projection):
    """How often did what happen?"""

    name = "counts"
    rows: ClassVar[tuple[type[Row], ...]] = (CountRow,)

    def touches(self, entry: Recorded) -> Iterable[tuple[type[Row], Key]]:
        yield CountRow, (entry.name,)

    def fold(self, rows: Rows, entry: Recorded) -> None:
        row = rows.get(CountRow, entry.name)
        rows.put(CountRow(entry.name, row.count + 1 if row else 1))


QUESTIONS: tuple[Projection, ...] = (Takings(), Counts())


def booked(amount_cents: int, lease: UUID = FIRST, payment: UUID | None = None) -> PaymentBooked:
    return PaymentBooked(
        lease_id=lease,
        payment_id=payment or uuid4(),
        amount_cents=amount_cents,
        effective_on=THE_DAY,
    )


def reversed_(lease: UUID = FIRST) -> AllocationReversed:
    return AllocationReversed(lease_id=lease, payment_id=uuid4(), reason="returned")


class Logs:
    """Appends to the agencies' logs, and looks at what became of it."""

    def __init__(self, url: str, journal: Journal) -> None:
        self.url = url
        self.journal = journal
        self._versions: dict[UUID, int] = defaultdict(int)

    def connect(self) -> Connection[Any]:
        return psycopg.connect(self.url, autocommit=True)

    def append(self, *events: Event, agency: UUID = LILAS) -> int:
        """One append; returns the position of its last entry."""
        stream = uuid5(agency, "stream")
        facts = []
        for event in events:
            self._versions[stream] += 1
            facts.append(Fact(stream, self._versions[stream], event))
        command_id = uuid4()
        envelope = Envelope("a test", command_id, command_id, THE_DAY)
        append = Append(agency.bytes, self.journal.entries(agency, facts, envelope))
        self.journal.submit(append)
        return append.result()

    def entries(self, agency: UUID = LILAS) -> list[Recorded]:
        return list(self.journal.read_all(agency))

    def rows(self, kind: type[Row], agency: UUID = LILAS) -> list[Any]:
        order = ", ".join(f'"{name}"' for name in kind.key)
        with self.connect() as connection:
            return find(connection, kind, f"agency = %s ORDER BY {order}", [agency])

    def ask(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def position(self, projection: str, agency: UUID = LILAS) -> int:
        ((position,),) = self.ask(
            "SELECT position FROM read.positions WHERE projection = %s AND agency = %s",
            projection,
            agency,
        )
        return int(position)

    def why_stopped(self, projection: str, agency: UUID = LILAS) -> str | None:
        ((error,),) = self.ask(
            "SELECT error FROM read.positions WHERE projection = %s AND agency = %s",
            projection,
            agency,
        )
        return None if error is None else str(error)

    def cut_connections(self) -> None:
        """End every connection to this database but the one that asks."""
        self.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@contextmanager
def open_logs(url: str, *, bell_url: str | None = None) -> Iterator[Logs]:
    """The logs of two agencies. A bell that rings in another database is not heard in this one."""

    def connect(to: str = url) -> Connection[Any]:
        return psycopg.connect(to, autocommit=True)

    with ConnectionPool(
        url, min_size=1, max_size=4, open=True, kwargs={"autocommit": True},
        check=ConnectionPool.check_connection,
    ) as pool:  # fmt: skip
        bell = Bell(lambda: connect(bell_url or url))
        journal = Journal(pool, connect, Keyring(pool, bytes(32)), bell)
        try:
            with connect() as connection:
                create_tables(connection, QUESTIONS)
            for agency in (LILAS, ROSES):
                journal.open_log(agency)
            yield Logs(url, journal)
        finally:
            journal.close()
