"""How did this account come to its balance: what was posted, and what paid which charge?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from psycopg import Connection

from domain.rent_account import (
    AllocationReversed,
    ChargePosted,
    CreditAllocated,
    CreditPosted,
    Part,
    PaymentAllocated,
    PaymentBooked,
    PaymentUnbooked,
)
from journal import Recorded
from projections import Key, Projection, Row, Rows
from projections.tables import find


@dataclass(frozen=True, slots=True)
class ChargeRow(Row):
    """One debit, and how much of it is paid."""

    table: ClassVar = "charges"
    key: ClassVar = ("lease_id", "charge")
    indexes: ClassVar = ("(agency, due_on) WHERE paid_cents < amount_cents", "(agency, invoice_id)")

    lease_id: UUID
    charge: int
    kind: str
    amount_cents: int
    paid_cents: int
    due_on: date
    period: str | None
    invoice_id: UUID | None

    def paid(self, cents: int) -> ChargeRow:
        """The same charge, with so much more of it paid."""
        return ChargeRow(
            self.lease_id, self.charge, self.kind, self.amount_cents, self.paid_cents + cents,
            self.due_on, self.period, self.invoice_id,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AllocationRow(Row):
    """What one source paid of one charge."""

    table: ClassVar = "allocations"
    key: ClassVar = ("lease_id", "source_id", "charge")

    lease_id: UUID
    source_id: UUID
    charge: int
    amount_cents: int


@dataclass(frozen=True, slots=True)
class PostingRow(Row):
    """One line of the account: dated by the business, placed by the journal."""

    table: ClassVar = "postings"
    key: ClassVar = ("lease_id", "position")
    appended: ClassVar = True
    indexes: ClassVar = ("(agency, lease_id, effective_on, position)",)

    lease_id: UUID
    position: int
    effective_on: date
    recorded_at: datetime
    kind: str
    period: str | None
    due_on: date | None
    debit_cents: int
    credit_cents: int
    ref_id: UUID | None
    """The invoice, payment or credit that the line comes from."""


class Account(Projection):
    name = "account"
    rows = (ChargeRow, AllocationRow, PostingRow)
    reads = (
        ChargePosted,
        CreditPosted,
        PaymentBooked,
        PaymentAllocated,
        CreditAllocated,
        AllocationReversed,
        PaymentUnbooked,
    )

    def touches(self, entry: Recorded) -> Iterable[tuple[type[Row], Key]]:
        match entry.event:
            case PaymentAllocated() as e:
                yield from _touched(e.lease_id, e.payment_id, e.parts)
            case CreditAllocated() as e:
                yield from _touched(e.lease_id, e.credit_id, e.parts)
            case AllocationReversed() as e:
                yield AllocationRow, (e.lease_id, e.payment_id)
                yield ChargeRow, (e.lease_id,)
            case _:
                pass

    def fold(self, rows: Rows, entry: Recorded) -> None:
        match entry.event:
            case ChargePosted() as e:
                rows.add(
                    ChargeRow(
                        e.lease_id, e.charge, e.kind, e.amount_cents, 0, e.due_on,
                        _text(e.period), e.invoice_id,
                    )
                )  # fmt: skip
                _post(rows, entry, e.lease_id, e.kind, debit=e.amount_cents, ref=e.invoice_id)
            case CreditPosted() as e:
                _post(rows, entry, e.lease_id, e.kind, credit=e.amount_cents, ref=e.credit_id)
            case PaymentBooked() as e:
                _post(rows, entry, e.lease_id, "payment", credit=e.amount_cents, ref=e.payment_id)
            case PaymentAllocated() as e:
                _allocate(rows, e.lease_id, e.payment_id, e.parts)
            case CreditAllocated() as e:
                _allocate(rows, e.lease_id, e.credit_id, e.parts)
            case AllocationReversed() as e:
                _reverse(rows, e.lease_id, e.payment_id)
            case PaymentUnbooked() as e:
                _post(rows, entry, e.lease_id, e.reason, debit=e.amount_cents, ref=e.payment_id)
            case _:
                pass


def _touched(
    lease_id: UUID, source_id: UUID, parts: Iterable[Part]
) -> Iterable[tuple[type[Row], Key]]:
    for part in parts:
        yield ChargeRow, (lease_id, part.charge)
        yield AllocationRow, (lease_id, source_id, part.charge)


def _text(period: object) -> str | None:
    return None if period is None else str(period)


def _post(
    rows: Rows,
    entry: Recorded,
    lease_id: UUID,
    kind: str,
    *,
    debit: int = 0,
    credit: int = 0,
    ref: UUID | None,
) -> None:
    rows.add(
        PostingRow(
            lease_id, entry.position, entry.effective_on, entry.recorded_at, kind,
            _text(getattr(entry.event, "period", None)), getattr(entry.event, "due_on", None),
            debit, credit, ref,
        )
    )  # fmt: skip


def _allocate(rows: Rows, lease_id: UUID, source_id: UUID, parts: Iterable[Part]) -> None:
    for part in parts:
        charge = rows.get(ChargeRow, lease_id, part.charge)
        assert charge is not None
        rows.put(charge.paid(part.amount_cents))
        before = rows.get(AllocationRow, lease_id, source_id, part.charge)
        cents = part.amount_cents + (before.amount_cents if before else 0)
        rows.put(AllocationRow(lease_id, source_id, part.charge, cents))


def _reverse(rows: Rows, lease_id: UUID, source_id: UUID) -> None:
    for allocation in rows.under(AllocationRow, lease_id, source_id):
        charge = rows.get(ChargeRow, lease_id, allocation.charge)
        assert charge is not None
        rows.put(charge.paid(-allocation.amount_cents))
        rows.delete(AllocationRow, lease_id, source_id, allocation.charge)


def open_charges(connection: Connection, agency: UUID, lease_id: UUID) -> list[ChargeRow]:
    """What is not paid in full, oldest due date first."""
    return find(
        connection,
        ChargeRow,
        "agency = %s AND lease_id = %s AND paid_cents < amount_cents ORDER BY due_on, charge",
        [agency, lease_id],
    )


def credit_to_allocate(connection: Connection, today: date) -> list[tuple[UUID, UUID]]:
    """(agency, lease) of the accounts whose credit can pay something that is due by today."""
    return connection.execute(
        "SELECT DISTINCT a.agency, a.lease_id FROM read.accounts a"
        " JOIN read.charges c ON c.agency = a.agency AND c.lease_id = a.lease_id"
        " WHERE a.credit_cents > 0 AND c.paid_cents < c.amount_cents AND c.due_on <= %s",
        [today],
    ).fetchall()
