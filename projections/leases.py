"""Which leases are there, with whom, on which terms?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from domain.lease import LeaseAmended, LeaseEnded, LeaseSigned
from domain.period import Period
from journal import Recorded
from projections import Key, Projection, Row, Rows


@dataclass(frozen=True, slots=True)
class LeaseRow(Row):
    table: ClassVar = "leases"
    key: ClassVar = ("lease_id",)
    indexes: ClassVar = ("(agency, reference)",)

    lease_id: UUID
    reference: str
    kind: str
    lot_ids: tuple[UUID, ...]
    tenant_ids: tuple[UUID, ...]
    start_on: date
    ended_on: date | None
    rent_cents: int
    charges_cents: int
    benefit_cents: int
    deposit_cents: int
    payment_term: str
    due_day: int
    taken_over_on: date | None

    def __post_init__(self) -> None:
        # PostgreSQL's arrays come as lists; a row holds what cannot change.
        object.__setattr__(self, "lot_ids", tuple(self.lot_ids))
        object.__setattr__(self, "tenant_ids", tuple(self.tenant_ids))


class Leases(Projection):
    name = "leases"
    rows = (LeaseRow,)
    reads = (LeaseSigned, LeaseAmended, LeaseEnded)

    def touches(self, entry: Recorded) -> Iterable[tuple[type[Row], Key]]:
        match entry.event:
            case LeaseAmended() | LeaseEnded() as e:
                yield LeaseRow, (e.lease_id,)
            case _:
                pass

    def fold(self, rows: Rows, entry: Recorded) -> None:
        match entry.event:
            case LeaseSigned() as e:
                rows.put(_row(e, e.reference, None, e.taken_over_on))
            case LeaseAmended() as e if lease := rows.get(LeaseRow, e.lease_id):
                rows.put(_row(e, lease.reference, e.ended_on, lease.taken_over_on))
            case LeaseEnded() as e if lease := rows.get(LeaseRow, e.lease_id):
                rows.put(replace(lease, ended_on=e.ended_on))
            case _:
                pass


def _row(
    e: LeaseSigned | LeaseAmended, reference: str, ended_on: date | None, taken_over: date | None
) -> LeaseRow:
    terms = e.terms
    return LeaseRow(
        e.lease_id, reference, terms.kind, e.lot_ids, tuple(t.party_id for t in e.tenants),
        e.start_on, ended_on, terms.rent_cents, terms.charges_cents, terms.benefit_cents,
        terms.deposit_cents, terms.payment_term, terms.due_day, taken_over,
    )  # fmt: skip


_COLUMNS = LeaseRow.columns()


def lease_by_reference(connection: Connection, agency: UUID, reference: str) -> LeaseRow | None:
    """The lease under the agency's own reference."""
    cursor = connection.cursor(row_factory=class_row(LeaseRow))
    return cursor.execute(
        f"SELECT {_COLUMNS} FROM read.leases WHERE agency = %s AND reference = %s",
        [agency, reference],
    ).fetchone()


def lease(connection: Connection, agency: UUID, lease_id: UUID) -> LeaseRow | None:
    """One lease."""
    cursor = connection.cursor(row_factory=class_row(LeaseRow))
    return cursor.execute(
        f"SELECT {_COLUMNS} FROM read.leases WHERE agency = %s AND lease_id = %s",
        [agency, lease_id],
    ).fetchone()


def leases_after(connection: Connection, agency: UUID, after: str, limit: int) -> list[LeaseRow]:
    """Leases by reference, from the one after `after` on."""
    cursor = connection.cursor(row_factory=class_row(LeaseRow))
    return cursor.execute(
        f"SELECT {_COLUMNS} FROM read.leases WHERE agency = %s AND reference > %s"
        " ORDER BY reference LIMIT %s",
        [agency, after, limit],
    ).fetchall()


def running_in(connection: Connection, agency: UUID, period: Period) -> list[UUID]:
    """The leases that run at least one day of a period, by reference."""
    rows = connection.execute(
        "SELECT lease_id FROM read.leases WHERE agency = %s AND start_on <= %s"
        " AND (ended_on IS NULL OR ended_on >= %s) ORDER BY reference",
        [agency, period.last_on, period.first_on],
    ).fetchall()
    return [lease_id for (lease_id,) in rows]
