"""A rent account: what a lease owes and has paid, to the cent; nothing is ever deleted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import assert_never
from uuid import UUID, uuid5

from aggregates import Aggregate
from aggregates.allocation import Charge, allocate
from aggregates.lease import Bill
from domain.money import split_pro_rata
from domain.period import Period
from domain.rent_account import (
    AllocationReversed,
    ChargeKind,
    ChargePosted,
    CreditAllocated,
    CreditKind,
    CreditPosted,
    NotBooked,
    Part,
    PaymentAllocated,
    PaymentBooked,
    PaymentUnbooked,
    RentAccountEvent,
)


@dataclass(frozen=True, slots=True)
class Source:
    """Money that can pay charges: a payment, or a credit of the account."""

    id: UUID
    kind: CreditKind | None
    """None for a payment."""
    amount_cents: int
    left_cents: int
    on: date

    @property
    def allocatable(self) -> bool:
        # Benefit above the rent belongs to the tenant; it is not kept for the next month.
        return self.left_cents > 0 and self.kind != "benefit_surplus"


class RentAccount(Aggregate):
    """The ledger of one lease; its natural key is the lease's id."""

    kind = "rent_account"

    lease_id: UUID
    balance_cents: int = 0
    """Debits minus credits: positive when the tenant owes."""
    charges: dict[int, Charge] = {}  # noqa: RUF012 replaced, never changed
    sources: dict[UUID, Source] = {}  # noqa: RUF012 replaced, never changed

    def open_with(self, lease_id: UUID, balance_cents: int, on: date) -> None:
        """Take over the balance of the former books."""
        if balance_cents > 0:
            self._charge(lease_id, "opening_balance", balance_cents, due_on=on, effective_on=on)
        elif balance_cents < 0:
            self._credit(lease_id, "opening_balance", -balance_cents, on)

    def correct(self, lease_id: UUID, difference_cents: int, on: date) -> None:
        """Post what the books were wrong by, as a debit or credit of its own."""
        if difference_cents > 0:
            self._charge(lease_id, "correction", difference_cents, due_on=on, effective_on=on)
        elif difference_cents < 0:
            self._credit(lease_id, "correction", -difference_cents, on)

    @property
    def opening_cents(self) -> int:
        """The balance taken over, corrections included."""
        taken_over = ("opening_balance", "correction")
        owed = sum(c.amount_cents for c in self.charges.values() if c.kind in taken_over)
        return owed - sum(s.amount_cents for s in self.sources.values() if s.kind in taken_over)

    @property
    def newest_on(self) -> date | None:
        """The newest date of a posting: when a charge was due, or money came in."""
        dates = [c.due_on for c in self.charges.values()] + [s.on for s in self.sources.values()]
        return max(dates, default=None)

    def bill(
        self, lease_id: UUID, invoice_id: UUID, period: Period, bill: Bill, today: date
    ) -> None:
        """Post an invoice: its lines, the benefit that pays of them, and credit if it is due."""
        numbers: list[int] = []
        for line in bill.lines:
            numbers.append(len(self.charges) + 1)
            self.trigger_event(
                ChargePosted,
                lease_id=lease_id,
                charge=numbers[-1],
                kind=line.kind,
                amount_cents=line.amount_cents,
                due_on=bill.due_on,
                effective_on=line.first_on,
                period=period,
                invoice_id=invoice_id,
            )
        if bill.benefit_cents:
            self._deduct_benefit(invoice_id, period, bill.benefit_cents, numbers)
        if bill.benefit_surplus_cents:
            surplus = bill.benefit_surplus_cents
            self._credit(
                lease_id,
                "benefit_surplus",
                surplus,
                period.first_on,
                period=period,
                invoice_id=invoice_id,
            )
        self.allocate_credit(today)

    def book(
        self,
        lease_id: UUID,
        payment_id: UUID,
        amount_cents: int,
        designated: Sequence[UUID],
        today: date,
        *,
        paid_on: date | None = None,
    ) -> None:
        """A confirmed payment: booked as of the day it was made, and allocated, once."""
        if payment_id in self.sources:
            return
        self.trigger_event(
            PaymentBooked,
            lease_id=lease_id,
            payment_id=payment_id,
            amount_cents=amount_cents,
            effective_on=paid_on or today,
        )
        self._allocate(self.sources[payment_id], designated, today)

    def unbook(self, payment_id: UUID, reason: str, today: date) -> None:
        """A payment went back: what it had paid is open again, with its old due date."""
        source = self.sources.get(payment_id)
        if source is None or source.kind is not None:
            raise NotBooked(
                "Ce paiement n'est pas inscrit dans ce compte.",
                "This payment is not booked in this account.",
            )
        if source.left_cents < source.amount_cents:
            self.trigger_event(
                AllocationReversed, lease_id=self.lease_id, payment_id=payment_id, reason=reason
            )
        self.trigger_event(
            PaymentUnbooked,
            lease_id=self.lease_id,
            payment_id=payment_id,
            amount_cents=source.amount_cents,
            reason=reason,
            effective_on=today,
        )

    def allocate_credit(self, today: date) -> None:
        """Let what the tenant has ahead pay what is due by today, oldest credit first."""
        for source in sorted(self.sources.values(), key=lambda s: s.on):
            if source.allocatable:
                self._allocate(source, (), today)

    def of_period(self, period: Period) -> list[Charge]:
        """The rent and charges of one period, in order."""
        return [
            c for c in self.charges.values() if c.period == period and c.kind in ("rent", "charges")
        ]

    def open_before(self, period: Period, today: date) -> int:
        """What is due and unpaid from before a period."""
        return sum(
            c.open_cents
            for c in self.charges.values()
            if c.due_on <= today and (c.period is None or c.period < period)
        )

    def _charge(
        self,
        lease_id: UUID,
        kind: ChargeKind,
        amount_cents: int,
        *,
        due_on: date,
        effective_on: date,
    ) -> None:
        self.trigger_event(
            ChargePosted,
            lease_id=lease_id,
            charge=len(self.charges) + 1,
            kind=kind,
            amount_cents=amount_cents,
            due_on=due_on,
            effective_on=effective_on,
        )

    def _credit(
        self,
        lease_id: UUID,
        kind: CreditKind,
        amount_cents: int,
        effective_on: date,
        *,
        period: Period | None = None,
        invoice_id: UUID | None = None,
    ) -> UUID:
        credit_id = uuid5(self.id, f"credit {self.version + 1}")
        self.trigger_event(
            CreditPosted,
            lease_id=lease_id,
            credit_id=credit_id,
            kind=kind,
            amount_cents=amount_cents,
            effective_on=effective_on,
            period=period,
            invoice_id=invoice_id,
        )
        return credit_id

    def _deduct_benefit(
        self, invoice_id: UUID, period: Period, cents: int, numbers: list[int]
    ) -> None:
        """Housing benefit pays of the rent first, then of the charges."""
        credit_id = self._credit(
            self.lease_id,
            "benefit",
            cents,
            period.first_on,
            period=period,
            invoice_id=invoice_id,
        )
        parts: list[Part] = []
        for kind in ("rent", "charges"):
            lines = [self.charges[n] for n in numbers if self.charges[n].kind == kind]
            open_cents = [line.open_cents for line in lines]
            paying = min(cents, sum(open_cents))
            shares = split_pro_rata(paying, open_cents)
            parts += [
                Part(charge=line.number, amount_cents=share)
                for line, share in zip(lines, shares, strict=True)
                if share
            ]
            cents -= paying
        self.trigger_event(
            CreditAllocated,
            lease_id=self.lease_id,
            credit_id=credit_id,
            parts=tuple(parts),
            rule="designated",
        )

    def _allocate(self, source: Source, designated: Sequence[UUID], today: date) -> None:
        parts, rule = allocate(source.left_cents, self.charges.values(), designated, today)
        if not parts:
            return
        if source.kind is None:
            self.trigger_event(
                PaymentAllocated,
                lease_id=self.lease_id,
                payment_id=source.id,
                parts=parts,
                rule=rule,
            )
        else:
            self.trigger_event(
                CreditAllocated, lease_id=self.lease_id, credit_id=source.id, parts=parts, rule=rule
            )

    def evolve(self, event: RentAccountEvent) -> None:
        self.lease_id = event.lease_id
        match event:
            case ChargePosted():
                charge = Charge(
                    event.charge, event.kind, event.amount_cents, event.due_on, event.period,
                    event.invoice_id,
                )  # fmt: skip
                self.charges = {**self.charges, event.charge: charge}
                self.balance_cents += event.amount_cents
            case CreditPosted():
                self._take_in(event.credit_id, event.kind, event.amount_cents, event.effective_on)
            case PaymentBooked():
                self._take_in(event.payment_id, None, event.amount_cents, event.effective_on)
            case PaymentAllocated():
                self._pay(event.payment_id, event.parts)
            case CreditAllocated():
                self._pay(event.credit_id, event.parts)
            case AllocationReversed():
                source = self.sources[event.payment_id]
                self.charges = {n: c.without(source.id) for n, c in self.charges.items()}
                self._replace(replace(source, left_cents=source.amount_cents))
            case PaymentUnbooked():
                self.sources = {k: s for k, s in self.sources.items() if k != event.payment_id}
                self.balance_cents += event.amount_cents
            case _:
                assert_never(event)

    def _take_in(self, source_id: UUID, kind: CreditKind | None, cents: int, on: date) -> None:
        self._replace(Source(source_id, kind, cents, cents, on))
        self.balance_cents -= cents

    def _pay(self, source_id: UUID, parts: Iterable[Part]) -> None:
        source = self.sources[source_id]
        charges = dict(self.charges)
        left = source.left_cents
        for part in parts:
            charges[part.charge] = charges[part.charge].paid_by(source_id, part.amount_cents)
            left -= part.amount_cents
        self.charges = charges
        self._replace(replace(source, left_cents=left))

    def _replace(self, source: Source) -> None:
        self.sources = {**self.sources, source.id: source}
