"""What did a lease owe on one date, and what had been paid of it, by what was known?

Every entry counts from the day on which it takes effect. What is paid of what counts once both
the money and the debt do; an allocation that was decided with a booking counts from the booking's
day, as the two are one fact told in two events.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from domain.payment import PaymentConfirmed, PaymentSettled
from domain.rent_account import (
    AllocationReversed,
    ChargePosted,
    CreditAllocated,
    CreditPosted,
    PaymentAllocated,
    PaymentBooked,
    PaymentUnbooked,
)
from domain.words import PARIS
from journal import Recorded
from projections import projected
from projections.account import Account, PostingRow
from projections.balances import pays_later


@dataclass(frozen=True, slots=True)
class ChargeThen:
    """One debit, how much of it was paid, and the entries that made it so."""

    charge: int
    kind: str
    period: str | None
    amount_cents: int
    paid_cents: int
    due_on: date
    invoice_id: UUID | None
    positions: tuple[int, ...]

    @property
    def open_cents(self) -> int:
        return self.amount_cents - self.paid_cents


@dataclass(frozen=True, slots=True)
class AccountThen:
    """The account of a lease on one date, in its true states; positive when the tenant owes."""

    booked_cents: int = 0
    confirmed_cents: int = 0
    settled_cents: int = 0
    credit_cents: int = 0
    """Money of the tenant's that paid nothing yet."""
    charges: tuple[ChargeThen, ...] = ()
    """All that was called for, paid or not, oldest due date first."""
    postings: tuple[PostingRow, ...] = ()
    """The lines that make the balance, in the order in which they were recorded."""
    moved_by: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """The positions of what moved each of the balances: booked, confirmed, settled."""

    @property
    def open_charges(self) -> tuple[ChargeThen, ...]:
        return tuple(charge for charge in self.charges if charge.open_cents > 0)


@dataclass(slots=True)
class _Money:
    """A payment or a credit, as far as it counts on the date."""

    kind: str
    amount_cents: int
    paid: dict[int, int] = field(default_factory=dict)
    """By charge."""
    by: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    """The positions of what paid each charge, or took it back."""


@dataclass(slots=True)
class _Ledger:
    """What counts on the date."""

    charges: dict[int, Recorded] = field(default_factory=dict)
    money: dict[UUID, _Money] = field(default_factory=dict)
    settled: set[UUID] = field(default_factory=set)
    booked_cents: int = 0
    confirmed_cents: int = 0
    settled_cents: int = 0
    moved_by: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def move(self, entry: Recorded, **cents: int) -> None:
        """Move balances by name: booked, confirmed, settled."""
        self.booked_cents += cents.get("booked", 0)
        self.confirmed_cents += cents.get("confirmed", 0)
        self.settled_cents += cents.get("settled", 0)
        for balance in cents:
            self.moved_by[balance].append(entry.position)


def account_then(entries: Sequence[Recorded], lease_id: UUID, on: date) -> AccountThen:
    """The account of a lease on a date, by the entries that were known, in their order."""
    ours = [entry for entry in entries if getattr(entry.event, "lease_id", None) == lease_id]
    ledger = _Ledger()
    dated = _dates_of_postings(ours)
    for entry in ours:
        if _counts_from(entry, dated) <= on:
            _take_in(ledger, entry)
    postings = projected(Account(), ours).all(PostingRow)
    charges = sorted(_charges(ledger), key=lambda charge: (charge.due_on, charge.charge))
    return AccountThen(
        ledger.booked_cents,
        ledger.confirmed_cents,
        ledger.settled_cents,
        sum(_left(ledger, m) for m in ledger.money.values() if pays_later(m.kind)),
        tuple(charges),
        tuple(posting for posting in postings if posting.effective_on <= on),
        {balance: tuple(by) for balance, by in ledger.moved_by.items()},
    )


def _dates_of_postings(entries: Iterable[Recorded]) -> dict[tuple[UUID, UUID], date]:
    """When the money that each command moved counts from, by command and payment or credit."""
    dated: dict[tuple[UUID, UUID], date] = {}
    for entry in entries:
        match entry.event:
            case PaymentBooked() | PaymentUnbooked() as e:
                dated[entry.command_id, e.payment_id] = e.effective_on
            case CreditPosted() as e:
                dated[entry.command_id, e.credit_id] = e.effective_on
            case _:
                pass
    return dated


def _counts_from(entry: Recorded, dated: dict[tuple[UUID, UUID], date]) -> date:
    match entry.event:
        case PaymentAllocated() | AllocationReversed() as e:
            return dated.get((entry.command_id, e.payment_id), entry.effective_on)
        case CreditAllocated() as e:
            return dated.get((entry.command_id, e.credit_id), entry.effective_on)
        case PaymentConfirmed() as e:
            # The bank's day, like the booking's: it may be told to us on the next.
            return e.confirmed_at.astimezone(PARIS).date()
        case _:
            return entry.effective_on


def _take_in(ledger: _Ledger, entry: Recorded) -> None:
    match entry.event:
        case ChargePosted() as e:
            ledger.charges[e.charge] = entry
            cents = e.amount_cents
            ledger.move(entry, booked=cents, confirmed=cents, settled=cents)
        case CreditPosted() as e:
            ledger.money[e.credit_id] = _Money(e.kind, e.amount_cents)
            cents = -e.amount_cents
            ledger.move(entry, booked=cents, confirmed=cents, settled=cents)
        case PaymentConfirmed() as e:
            ledger.move(entry, confirmed=-e.amount_cents)
        case PaymentBooked() as e:
            ledger.money[e.payment_id] = _Money("payment", e.amount_cents)
            ledger.move(entry, booked=-e.amount_cents)
        case PaymentSettled() as e:
            ledger.settled.add(e.payment_id)
            ledger.move(entry, settled=-e.amount_cents)
        case PaymentUnbooked() as e:
            cents = e.amount_cents
            ledger.move(entry, booked=cents, confirmed=cents)
            if e.payment_id in ledger.settled:
                ledger.move(entry, settled=cents)
            _take_out(ledger, e.payment_id)
        case _:
            _allocate(ledger, entry)


def _allocate(ledger: _Ledger, entry: Recorded) -> None:
    match entry.event:
        case PaymentAllocated() | CreditAllocated() as e:
            source = e.payment_id if isinstance(e, PaymentAllocated) else e.credit_id
            if (money := ledger.money.get(source)) is None:
                return
            for part in e.parts:
                money.paid[part.charge] = money.paid.get(part.charge, 0) + part.amount_cents
                money.by[part.charge].append(entry.position)
        case AllocationReversed() as e:
            if (money := ledger.money.get(e.payment_id)) is None:
                return
            for charge in money.paid:
                money.by[charge].append(entry.position)
            money.paid.clear()
        case _:
            pass


def _take_out(ledger: _Ledger, payment_id: UUID) -> None:
    """The money has left; what it had paid stays as the history of its charges."""
    if (money := ledger.money.get(payment_id)) is not None:
        money.amount_cents = 0
        money.paid.clear()


def _left(ledger: _Ledger, money: _Money) -> int:
    used = sum(cents for charge, cents in money.paid.items() if charge in ledger.charges)
    return money.amount_cents - used


def _charges(ledger: _Ledger) -> Iterable[ChargeThen]:
    for number, entry in ledger.charges.items():
        event = entry.event
        assert isinstance(event, ChargePosted)
        positions = {entry.position}
        for money in ledger.money.values():
            positions.update(money.by.get(number, ()))
        yield ChargeThen(
            number, event.kind, None if event.period is None else str(event.period),
            event.amount_cents,
            sum(money.paid.get(number, 0) for money in ledger.money.values()),
            event.due_on, event.invoice_id, tuple(sorted(positions)),
        )  # fmt: skip


__all__ = ["AccountThen", "ChargeThen", "account_then"]
