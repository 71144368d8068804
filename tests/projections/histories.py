"""Random histories of two leases, told by the real commands, and the plainest way to add up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from aggregates.lease import Lease
from aggregates.rent_account import RentAccount
from commands.invoice import IssueInvoices
from commands.payment import (
    ConfirmPayment,
    FailPayment,
    InitiatePayment,
    SettlePayment,
    StartAuthentication,
)
from commands.receipt import RequestReceipt
from commands.rent_account import AllocateCredit
from domain.payment import PaymentConfirmed, PaymentSettled
from domain.period import Period
from domain.rent_account import ChargePosted, CreditPosted, PaymentBooked, PaymentUnbooked
from domain.words import PARIS
from journal import Recorded
from tests.given import Books, day, row, terms

FIRST_ON = day("20/04/2026")
DAYS = st.dates(day("01/03/2026"), day("31/12/2026"))

Step = tuple[str, int, int, int]
"""What happens, to which lease, how much or how often, and after how many days."""

steps = st.lists(
    st.tuples(
        st.sampled_from(
            ("bill", "pay", "pay_late", "settle", "unbook", "amend", "end", "allocate", "fail")
        ),
        st.integers(0, 1),
        st.integers(1, 9),
        st.integers(0, 12),
    ),
    min_size=3,
    max_size=14,
)


class History:
    """Two leases from April 2026 on; what cannot be done at its turn is left out."""

    def __init__(self, told: Iterable[Step]) -> None:
        self.books = Books(today="20/04/2026")
        before: dict[str, Any] = {"balance_on": day("31/03/2026")}
        self.references = ("L-1", "L-2")
        self.leases: list[UUID] = [
            self.books.do(row("L-1", balance_cents=41_131, **before))["lease_id"],
            self.books.do(row("L-2", balance_cents=-6_100, **before))["lease_id"],
        ]
        self.months = [Period(2026, 5), Period(2026, 5)]
        self.payments: list[list[UUID]] = [[], []]
        acts: dict[str, Callable[[int, int], None]] = {
            "bill": self._bill, "pay": self._pay, "settle": self._settle, "unbook": self._unbook,
            "amend": self._amend, "end": self._end, "allocate": self._allocate,
            "fail": self._fail, "pay_late": lambda n, much: self._pay(n, much, hours=20),
        }  # fmt: skip
        for what, lease, much, days in told:
            self.books.later(days=days)
            acts[what](lease, much)

    @property
    def entries(self) -> list[Recorded]:
        return self.books.entries

    def _bill(self, n: int, much: int) -> None:
        self.books.when(IssueInvoices(period=self.months[n], lease_ids=(self.leases[n],)))
        self.months[n] = self.months[n].next()
        self.books.when(RequestReceipt(lease_id=self.leases[n], period=Period(2026, 5)))

    def _wish(self, n: int, much: int) -> UUID:
        asked = InitiatePayment(
            lease_id=self.leases[n], amount_cents=much * 10_000, terms_accepted_version="2026-01"
        )
        payment: UUID = self.books.do(asked)["payment_id"]
        self.books.do(StartAuthentication(payment_id=payment, provider_reference=f"cs_{payment}"))
        return payment

    def _pay(self, n: int, much: int, hours: int = 0) -> None:
        payment = self._wish(n, much)
        confirmed = ConfirmPayment(
            payment_id=payment,
            provider_reference=f"cs_{payment}",
            amount_cents=much * 10_000,
            confirmed_at=self.books.now - timedelta(hours=hours),
        )
        self.books.do(confirmed)
        self.payments[n].append(payment)

    def _fail(self, n: int, much: int) -> None:
        self.books.do(FailPayment(payment_id=self._wish(n, much), code="card_declined"))

    def _settle(self, n: int, much: int) -> None:
        for payment in self.payments[n][-1:]:
            on = self.books.now.astimezone(PARIS).date()
            settled = SettlePayment(payment_id=payment, value_on=on, statement_line_id=f"{payment}")
            self.books.when(settled)

    def _unbook(self, n: int, much: int) -> None:
        if self.payments[n]:
            payment = self.payments[n].pop()
            self.books.decide(
                lambda store: store.get(RentAccount, self.leases[n]).unbook(
                    payment, "returned", store.today
                )
            )

    def _amend(self, n: int, much: int) -> None:
        on = self.books.now.astimezone(PARIS).date() + timedelta(days=5 * (much - 4))
        changed = terms(rent_cents=60_000 + 100 * much)
        self.books.decide(lambda store: _amended(store, self.references[n], changed, on)).accepted()

    def _end(self, n: int, much: int) -> None:
        on = self.books.now.astimezone(PARIS).date() + timedelta(days=10 * much)
        self.books.decide(lambda store: _lease(store, self.references[n]).end(on)).accepted()

    def _allocate(self, n: int, much: int) -> None:
        self.books.when(AllocateCredit(lease_id=self.leases[n]))


def _lease(store: Any, reference: str) -> Any:
    return store.get(Lease, reference)


def _amended(store: Any, reference: str, changed: Any, on: date) -> None:
    lease = _lease(store, reference)
    lease.amend(lease.reading.model_copy(update={"terms": changed}), on, "an index")


def naive(entries: Iterable[Recorded], lease_id: UUID, on: date, known: int) -> tuple[int, ...]:
    """Booked, confirmed and settled by adding up, one entry after the other."""
    booked = confirmed = settled = 0
    seen: set[UUID] = set()
    for entry in entries:
        if entry.position > known or getattr(entry.event, "lease_id", None) != lease_id:
            continue
        match entry.event:
            case ChargePosted() as e if e.effective_on <= on:
                booked, confirmed, settled = (
                    cents + e.amount_cents for cents in (booked, confirmed, settled)
                )
            case CreditPosted() as e if e.effective_on <= on:
                booked, confirmed, settled = (
                    cents - e.amount_cents for cents in (booked, confirmed, settled)
                )
            case PaymentBooked() as e if e.effective_on <= on:
                booked -= e.amount_cents
            case PaymentConfirmed() as e if e.confirmed_at.astimezone(PARIS).date() <= on:
                confirmed -= e.amount_cents
            case PaymentSettled() as e if e.value_on <= on:
                settled -= e.amount_cents
                seen.add(e.payment_id)
            case PaymentUnbooked() as e if e.effective_on <= on:
                booked += e.amount_cents
                confirmed += e.amount_cents
                settled += e.amount_cents if e.payment_id in seen else 0
            case _:
                pass
    return booked, confirmed, settled
