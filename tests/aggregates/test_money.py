"""In no order of invoices, payments, returns and corrections does a cent appear or vanish."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid5

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from aggregates.lease import Bill
from aggregates.rent_account import RentAccount
from domain import Event
from domain.invoice import Line
from domain.payment import PaymentConfirmed, PaymentSettled
from domain.period import Period
from domain.rent_account import (
    ChargePosted,
    CreditPosted,
    PaymentBooked,
    PaymentUnbooked,
)
from projections import projected
from projections.account import Account, AllocationRow, ChargeRow, PostingRow
from projections.balances import AccountRow, Balances, SourceRow
from tests.given import LEASE, given, recorded

cents = st.integers(1, 90000)
START = date(2026, 1, 20)


class Ledger(RuleBasedStateMachine):
    """One account, asked anything in any order, and the read model that follows it."""

    def __init__(self) -> None:
        super().__init__()
        self.account = given(RentAccount)
        self.events: list[Event] = []
        self.today = START
        self.period = Period(2026, 2)
        self.invoices: list[UUID] = []
        self.payments: dict[UUID, int] = {}
        self.count = 0

    def ask(self, decide: Any, *what: Any) -> None:
        self.events += self.account.when(decide, *what).accepted().events

    @rule(days=st.integers(1, 40))
    def time_passes(self, days: int) -> None:
        self.today += timedelta(days=days)
        self.ask(RentAccount.allocate_credit, self.today)

    @precondition(lambda self: not self.events)
    @rule(owed=st.integers(-90000, 90000))
    def taken_over(self, owed: int) -> None:
        self.ask(RentAccount.open_with, LEASE, owed, self.today)

    @rule(difference=st.integers(-90000, 90000))
    def corrected(self, difference: int) -> None:
        self.ask(RentAccount.correct, LEASE, difference, self.today)

    @rule(rent=cents, charges=cents, benefit=st.integers(0, 200000), due=st.integers(0, 40))
    def billed(self, rent: int, charges: int, benefit: int, due: int) -> None:
        first, last = self.period.first_on, self.period.last_on
        lines = (
            Line(kind="rent", first_on=first, last_on=last, amount_cents=rent),
            Line(kind="charges", first_on=first, last_on=last, amount_cents=charges),
        )
        deducted = min(benefit, rent + charges)
        bill = Bill(lines, deducted, benefit - deducted, self.today + timedelta(days=due))
        self.invoices.append(uuid5(LEASE, str(self.period)))
        self.ask(RentAccount.bill, LEASE, self.invoices[-1], self.period, bill, self.today)
        self.period = self.period.next()

    @rule(amount=st.integers(1, 200000), named=st.lists(st.integers(0, 9), max_size=2))
    def paid(self, amount: int, named: list[int]) -> None:
        self.count += 1
        self._pay(uuid5(LEASE, f"payment {self.count}"), amount, named)

    def _pay(self, payment: UUID, amount: int, named: list[int]) -> None:
        self.payments[payment] = amount
        self.events.append(
            PaymentConfirmed(
                payment_id=payment,
                lease_id=LEASE,
                amount_cents=amount,
                provider_reference=f"ref {payment}",
                authorisation_code=None,
                confirmed_at=datetime.combine(self.today, time(10), UTC),
            )
        )
        designated = [self.invoices[n] for n in named if n < len(self.invoices)]
        self.ask(RentAccount.book, LEASE, payment, amount, designated, self.today)

    @precondition(lambda self: self.payments)
    @rule(which=st.integers(0, 9))
    def booked_again(self, which: int) -> None:
        payment = list(self.payments)[which % len(self.payments)]
        told = self.account.when(
            RentAccount.book, LEASE, payment, self.payments[payment], (), self.today
        )
        assert told.accepted().events == []

    @precondition(lambda self: self.payments)
    @rule(which=st.integers(0, 9), seen=st.booleans())
    def went_back(self, which: int, seen: bool) -> None:
        payment = list(self.payments)[which % len(self.payments)]
        amount = self.payments.pop(payment)
        if seen:
            self.events.append(
                PaymentSettled(
                    payment_id=payment,
                    lease_id=LEASE,
                    amount_cents=amount,
                    value_on=self.today,
                    statement_line_id="line",
                )
            )
        self.ask(RentAccount.unbook, payment, "returned", self.today)

    @invariant()
    def no_cent_appears_or_vanishes(self) -> None:
        debits = sum(e.amount_cents for e in self.events if isinstance(e, ChargePosted))
        credits = sum(e.amount_cents for e in self.events if isinstance(e, CreditPosted))
        held = sum(self.payments.values())
        account = self.account.aggregate
        assert account.balance_cents == debits - credits - held
        allocated: Counter[UUID] = Counter()
        for charge in account.charges.values():
            assert 0 <= charge.paid_cents <= charge.amount_cents
            assert all(part > 0 for _, part in charge.parts)
            for source_id, part in charge.parts:
                allocated[source_id] += part
        for source in account.sources.values():
            assert allocated.pop(source.id, 0) == source.amount_cents - source.left_cents
            assert 0 <= source.left_cents <= source.amount_cents
        assert not allocated, "a charge is paid by money that is not there"
        open_cents = sum(c.open_cents for c in account.charges.values())
        left = sum(s.left_cents for s in account.sources.values())
        assert account.balance_cents == open_cents - left

    @invariant()
    def what_is_due_leaves_no_credit(self) -> None:
        """Once the clock has looked, a tenant is never both ahead and late."""
        account = self.account.aggregate.copy()
        account.allocate_credit(self.today)
        late = sum(c.open_cents for c in account.charges.values() if c.due_on <= self.today)
        ahead = sum(s.left_cents for s in account.sources.values() if s.allocatable)
        assert late == 0 or ahead == 0

    def teardown(self) -> None:
        account = self.account.aggregate
        rows = projected(Account(), recorded(*self.events))
        balances = projected(Balances(), recorded(*self.events))
        row = balances.get(AccountRow, LEASE) or AccountRow(LEASE)
        assert row.booked_cents == row.confirmed_cents == account.balance_cents
        assert row.settled_cents == account.balance_cents + sum(self.payments.values())
        assert row.credit_cents == sum(
            s.left_cents for s in account.sources.values() if s.allocatable
        )
        assert {c.charge: (c.amount_cents, c.paid_cents) for c in rows.all(ChargeRow)} == {
            c.number: (c.amount_cents, c.paid_cents) for c in account.charges.values()
        }
        assert {s.source_id: (s.amount_cents, s.left_cents) for s in balances.all(SourceRow)} == {
            s.id: (s.amount_cents, s.left_cents) for s in account.sources.values()
        }
        paid: Counter[tuple[UUID, int]] = Counter()
        for charge in account.charges.values():
            for source_id, part in charge.parts:
                paid[source_id, charge.number] += part
        allocations = rows.all(AllocationRow)
        assert {(a.source_id, a.charge): a.amount_cents for a in allocations} == dict(paid)
        lines = rows.all(PostingRow)
        assert sum(p.debit_cents - p.credit_cents for p in lines) == account.balance_cents
        posted = (ChargePosted, CreditPosted, PaymentBooked, PaymentUnbooked)
        assert len(lines) == sum(isinstance(event, posted) for event in self.events)


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
