"""What does this lease owe, in each of its true states, and which money pays nothing yet?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from psycopg import Connection

from domain.payment import PaymentConfirmed, PaymentSettled
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
from projections.balances_in_sql import BALANCES
from projections.tables import find


@dataclass(frozen=True, slots=True)
class AccountRow(Row):
    """The balance of a lease in its true states; positive when the tenant owes."""

    table: ClassVar = "accounts"
    key: ClassVar = ("lease_id",)
    indexes: ClassVar = ("(agency) WHERE credit_cents > 0",)

    lease_id: UUID
    confirmed_cents: int = 0
    """What is owed once every payment that a bank confirmed is counted."""
    booked_cents: int = 0
    """What is owed by the books: posted and allocated."""
    settled_cents: int = 0
    """What is owed if only money seen on a bank statement counts."""
    credit_cents: int = 0
    """Money of the tenant's that pays nothing yet and may pay what comes due."""


@dataclass(frozen=True, slots=True)
class SourceRow(Row):
    """Money that pays: a payment or a credit, and what of it pays nothing yet."""

    table: ClassVar = "sources"
    key: ClassVar = ("lease_id", "source_id")

    lease_id: UUID
    source_id: UUID
    kind: str
    amount_cents: int
    left_cents: int
    settled: bool

    def with_(self, left_cents: int, *, settled: bool) -> SourceRow:
        """The same money, spent otherwise."""
        return SourceRow(
            self.lease_id, self.source_id, self.kind, self.amount_cents, left_cents, settled
        )


class Balances(Projection):
    name = "balances"
    rows = (AccountRow, SourceRow)
    reads = BALANCES.reads
    in_sql = BALANCES

    def touches(self, entry: Recorded) -> Iterable[tuple[type[Row], Key]]:
        match entry.event:
            case ChargePosted() | CreditPosted() | PaymentBooked() | PaymentConfirmed() as e:
                yield AccountRow, (e.lease_id,)
            case CreditAllocated() as e:
                yield AccountRow, (e.lease_id,)
                yield SourceRow, (e.lease_id, e.credit_id)
            case (
                PaymentAllocated() | AllocationReversed() | PaymentUnbooked() | PaymentSettled()
            ) as e:
                yield AccountRow, (e.lease_id,)
                yield SourceRow, (e.lease_id, e.payment_id)
            case _:
                pass

    def fold(self, rows: Rows, entry: Recorded) -> None:
        match entry.event:
            case ChargePosted() as e:
                _move(rows, e.lease_id, everywhere=e.amount_cents)
            case PaymentConfirmed() as e:
                _move(rows, e.lease_id, confirmed=-e.amount_cents)
            case PaymentBooked() as e:
                cents = e.amount_cents
                rows.put(SourceRow(e.lease_id, e.payment_id, "payment", cents, cents, False))
                _move(rows, e.lease_id, booked=-cents, credit=cents)
            case PaymentAllocated() as e:
                _allocate(rows, e.lease_id, e.payment_id, e.parts)
            case PaymentSettled() as e:
                _move(rows, e.lease_id, settled=-e.amount_cents)
                if source := rows.get(SourceRow, e.lease_id, e.payment_id):
                    rows.put(source.with_(source.left_cents, settled=True))
            case CreditPosted() as e:
                cents = e.amount_cents
                rows.put(SourceRow(e.lease_id, e.credit_id, e.kind, cents, cents, settled=True))
                credit = cents if pays_later(e.kind) else 0
                _move(rows, e.lease_id, everywhere=-cents, credit=credit)
            case CreditAllocated() as e:
                _allocate(rows, e.lease_id, e.credit_id, e.parts)
            case AllocationReversed() as e:
                _reverse(rows, e.lease_id, e.payment_id)
            case PaymentUnbooked() as e:
                _unbook(rows, e)
            case _:
                pass


def pays_later(kind: str) -> bool:
    return kind != "benefit_surplus"


def _move(
    rows: Rows,
    lease_id: UUID,
    *,
    everywhere: int = 0,
    confirmed: int = 0,
    booked: int = 0,
    settled: int = 0,
    credit: int = 0,
) -> None:
    account = rows.get(AccountRow, lease_id) or AccountRow(lease_id)
    rows.put(
        AccountRow(
            lease_id,
            account.confirmed_cents + everywhere + confirmed,
            account.booked_cents + everywhere + booked,
            account.settled_cents + everywhere + settled,
            account.credit_cents + credit,
        )
    )


def _allocate(rows: Rows, lease_id: UUID, source_id: UUID, parts: Iterable[Part]) -> None:
    source = rows.get(SourceRow, lease_id, source_id)
    assert source is not None
    paid_cents = sum(part.amount_cents for part in parts)
    rows.put(source.with_(source.left_cents - paid_cents, settled=source.settled))
    if pays_later(source.kind):
        _move(rows, lease_id, credit=-paid_cents)


def _reverse(rows: Rows, lease_id: UUID, source_id: UUID) -> None:
    source = rows.get(SourceRow, lease_id, source_id)
    assert source is not None
    _move(rows, lease_id, credit=source.amount_cents - source.left_cents)
    rows.put(source.with_(source.amount_cents, settled=source.settled))


def _unbook(rows: Rows, e: PaymentUnbooked) -> None:
    source = rows.get(SourceRow, e.lease_id, e.payment_id)
    assert source is not None
    cents = e.amount_cents
    settled = cents if source.settled else 0
    _move(rows, e.lease_id, confirmed=cents, booked=cents, settled=settled, credit=-cents)
    rows.delete(SourceRow, e.lease_id, e.payment_id)


def account(connection: Connection, agency: UUID, lease_id: UUID) -> AccountRow:
    """The balance of a lease; zero when nothing was ever posted."""
    found = find(connection, AccountRow, "agency = %s AND lease_id = %s", [agency, lease_id])
    return found[0] if found else AccountRow(lease_id)
