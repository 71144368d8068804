"""The kinds of tenancies of the big demo: each is lived once, by the real commands, in memory.

What a tenancy decides does not depend on who lives it: one life is told again for many leases,
with their own ids, numbers and names. So that it can be, it says `@lease@` where those go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any, NamedTuple, cast
from uuid import UUID

from aggregates.cells import Cells
from aggregates.invoice import RENT, Invoice
from aggregates.lease import Lease
from aggregates.party import Party
from aggregates.rent_account import RentAccount
from aggregates.store import Store
from commands import PARIS, Command
from commands.invoice import IssueInvoices
from commands.party import ChangeContact
from commands.payment import (
    CheckPayment,
    ConfirmPayment,
    FailPayment,
    InitiatePayment,
    MarkUnknown,
    SettlePayment,
    StartAuthentication,
)
from commands.receipt import RequestReceipt
from commands.rent_account import AllocateCredit
from commands.rent_roll import TakeOverLease
from domain import Event, stream_id
from domain.lease import LeaseKind, Terms
from domain.payment import Designation
from domain.period import Period
from domain.principal import CLOCK, OPERATOR, WEBHOOK, Principal
from journal import Fact
from journal.journal import Journal

LEASE_MARK, CLIENT_MARK, LOT_MARK = "@lease@", "@client@", "@lot@"
AGENCY = UUID("0b6f9a1e-2f44-5d7c-8a52-6a8f7d1f0a11")
"""The agency in which lives are lived; it exists nowhere else."""
PARTY = stream_id(AGENCY, Party.kind, CLIENT_MARK)
LEASE = stream_id(AGENCY, Lease.kind, LEASE_MARK)
_RENTS_CENTS: dict[LeaseKind, tuple[int, int]] = {
    "unfurnished": (48_000, 98_000),
    "furnished": (42_000, 76_000),
    "social": (29_000, 46_000),
    "garage": (4_500, 8_500),
}

Ask = Callable[[Store], Mapping[str, object] | None]


def reference_mark(payment: int) -> str:
    """Where the provider's reference of a payment goes."""
    return f"@reference {payment}@"


class Lived(NamedTuple):
    """One command of a life, and what it came to."""

    at: datetime
    principal: Principal
    for_the_tenant: bool
    billing: bool
    """Whether it is done for all leases of the agency at once."""
    facts: Sequence[Fact]


class _Step(NamedTuple):
    at: datetime
    principal: Principal
    ask: Ask
    for_the_tenant: bool = False
    billing: bool = False


class _NothingKept:
    """A journal without a past: all that is decided upon is in memory."""

    def __init__(self) -> None:
        self.moved: list[Any] = []

    def load(
        self, _agency: UUID, _streams: Sequence[UUID], *, newest_only: bool = False
    ) -> tuple[int, dict[UUID, list[tuple[int, Event]]]]:
        return 0, {}


def live(number: int, periods: Sequence[Period], seed: int) -> list[Lived]:
    """The life of one kind of tenancy, from a rent roll on through these months."""
    nothing = cast("Journal", _NothingKept())
    room = Cells(nothing).room(AGENCY)
    life = []
    for step in sorted(_Life(number, periods, seed).steps(), key=lambda step: step.at):
        now, today = step.at.astimezone(UTC), step.at.date()
        store = Store(room, nothing, now=now, today=today)
        step.ask(store)
        facts, states = store.collect()
        room.remember(states, 0)
        if facts:
            life.append(Lived(step.at, step.principal, step.for_the_tenant, step.billing, facts))
    return life


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), PARIS)


@dataclass(slots=True)
class _Payment:
    """One payment of a life, known by its number until it has an id."""

    number: int
    cents: int
    id: UUID | None = None

    @property
    def reference(self) -> str:
        return reference_mark(self.number)

    def ask(self, of: Callable[[UUID], Command]) -> Ask:
        def handle(store: Store) -> Mapping[str, object] | None:
            assert self.id is not None
            return of(self.id).handle(store)

        return handle


class _Life:
    """One kind of tenancy: its terms, its habits and what happens in it."""

    def __init__(self, number: int, periods: Sequence[Period], seed: int) -> None:
        self._chance = Random(f"{seed} {number}")  # noqa: S311 the same demo for the same seed
        self._number = number
        self._periods = periods
        self._payments = 0
        kinds: tuple[LeaseKind, ...] = ("unfurnished", "unfurnished", "social", "furnished")
        self._kind: LeaseKind = "garage" if number % 10 == 9 else kinds[number % 4]
        self._roll = self._taken_over()
        self._leaves = number % 12 == 7 and len(periods) > 4
        self._raised = number % 5 == 1 and len(periods) > 6

    def steps(self) -> Iterator[_Step]:
        first, middle = self._periods[0], len(self._periods) // 2
        roll = self._roll
        yield _Step(_at(first.first_on, 4), OPERATOR, roll.handle)
        for month, period in enumerate(self._periods):
            if self._raised and month == middle:
                raised = roll.terms.model_copy(update={"rent_cents": roll.terms.rent_cents + 900})
                roll = roll.model_copy(update={"terms": raised, "accept_differences": True})
                yield _Step(_at(period.first_on, 5), OPERATOR, roll.handle)
            if self._leaves and month == middle + 1:
                left_on = period.first_on + timedelta(days=16)
                roll = roll.model_copy(update={"left_on": left_on, "accept_differences": True})
                yield _Step(_at(period.first_on, 5), OPERATOR, roll.handle)
            if roll.left_on is not None and roll.left_on < period.first_on:
                return
            bill = IssueInvoices(period=period, lease_ids=(LEASE,))
            yield _Step(_at(period.first_on, 6), OPERATOR, bill.handle, billing=True)
            yield from self._month(month, period, roll)
        if self._number % 6 == 2:
            mail = f"nouveau{self._number}@demo.example"
            moved = ChangeContact(client_reference=CLIENT_MARK, email=mail, phone=None)
            yield _Step(_at(self._periods[-1].first_on, 12), OPERATOR, moved.handle)

    def _month(self, month: int, period: Period, roll: TakeOverLease) -> Iterator[_Step]:
        """How the tenant of this life pays a month; what is ahead pays at midnight."""
        terms = roll.terms
        cents = terms.rent_cents + terms.charges_cents - terms.benefit_cents
        due_on = max(period.first_on.replace(day=terms.due_day), period.first_on)
        habit = self._number % 8
        later = timedelta(days=self._chance.randrange(3))
        credit = AllocateCredit(lease_id=LEASE)
        if habit == 3 and month % 3 == 2:
            return
        if habit == 3:
            yield from self._pay(period, due_on + later, cents * 5 // 4)
        elif habit == 4 and month % 2:
            yield _Step(_at(due_on, 0), CLOCK, credit.handle)
            yield from self._receipt(period, due_on, 9)
        elif habit == 4:
            yield from self._pay(period, due_on, 2 * cents)
        elif habit == 5:
            yield from self._pay(period, due_on, cents * 3 // 5)
            yield from self._pay(period, due_on + timedelta(days=9), cents - cents * 3 // 5)
        elif habit == 6:
            yield from self._pay(period, due_on + timedelta(days=11), cents)
        elif habit == 7:
            yield from self._pay(period, due_on - timedelta(days=2), cents, designated=True)
        else:
            yield from self._incident(month, period, due_on + later, cents)

    def _incident(self, month: int, period: Period, on: date, cents: int) -> Iterator[_Step]:
        """A tenant who pays in time, to whom something happens now and then."""
        what = (month * 7 + self._number) % 40
        if what == 1:
            yield from self._pay(period, on, cents, how="fails")
            yield from self._pay(period, on + timedelta(days=1), cents)
        elif what == 2:
            yield from self._pay(period, on, cents, how="is unknown for a while")
        elif what == 3:
            yield from self._pay(period, on, cents, how="is charged back")
            yield from self._pay(period, on + timedelta(days=15), cents)
        else:
            yield from self._pay(period, on, cents)

    def _pay(
        self, period: Period, on: date, cents: int, *, how: str = "", designated: bool = False
    ) -> Iterator[_Step]:
        """One payment by card, from the wish to pay to the bank statement."""
        self._payments += 1
        payment = _Payment(self._payments, cents)
        at = _at(on, 8 + self._payments % 12, self._chance.randrange(50))
        yield _Step(at, OPERATOR, self._wish(payment, period, designated), for_the_tenant=True)
        sent = payment.ask(
            lambda id_: StartAuthentication(payment_id=id_, provider_reference=payment.reference)
        )
        yield _Step(at + timedelta(seconds=20), WEBHOOK, sent)
        soon = at + timedelta(minutes=2)
        if how == "fails":
            failed = payment.ask(lambda id_: FailPayment(payment_id=id_, code="card_declined"))
            yield _Step(soon, WEBHOOK, failed)
            return
        if how == "is unknown for a while":
            lost = payment.ask(lambda id_: MarkUnknown(payment_id=id_))
            yield _Step(at + timedelta(minutes=15), CLOCK, lost)
            again = payment.ask(lambda id_: CheckPayment(payment_id=id_))
            yield _Step(at + timedelta(minutes=20), CLOCK, again)
            soon = at + timedelta(minutes=80)
        yield _Step(soon, WEBHOOK, payment.ask(lambda id_: _confirmed(id_, payment, soon)))
        if self._number % 3:
            yield from self._receipt(period, on, at.hour + 2)
        settled_on = on + timedelta(days=2)
        seen = payment.ask(lambda id_: _settled(id_, payment, settled_on))
        yield _Step(_at(settled_on, 5), CLOCK, seen)
        if how == "is charged back":
            yield _Step(_at(on + timedelta(days=9), 7), WEBHOOK, _charged_back(payment))

    def _receipt(self, period: Period, on: date, hour: int) -> Iterator[_Step]:
        def ask(store: Store) -> Mapping[str, object] | None:
            account = store.get(RentAccount, LEASE)
            if not any(charge.paid_cents for charge in account.of_period(period)):
                return None
            return RequestReceipt(lease_id=LEASE, period=period).handle(store)

        yield _Step(_at(on, hour, 55), OPERATOR, ask, for_the_tenant=True)

    def _wish(self, payment: _Payment, period: Period, designated: bool) -> Ask:
        invoice = stream_id(AGENCY, Invoice.kind, LEASE, period, *RENT)
        named = Designation(kind="explicit", invoice_ids=(invoice,))
        wish = InitiatePayment(
            lease_id=LEASE,
            amount_cents=payment.cents,
            terms_accepted_version="demo",
            designation=named if designated else Designation(),
        )

        def ask(store: Store) -> Mapping[str, object]:
            answer = wish.handle(store)
            payment.id = UUID(str(answer["payment_id"]))
            return answer

        return ask

    def _taken_over(self) -> TakeOverLease:
        chance, kind = self._chance, self._kind
        rent = chance.randrange(*_RENTS_CENTS[kind])
        charges = 0 if kind == "garage" else chance.randrange(4_000, 12_000)
        terms = Terms(
            kind=kind,
            rent_cents=rent,
            charges_cents=charges,
            charges_mode=None if not charges else "provision",
            benefit_cents=chance.randrange(9_000, 21_000) if kind == "social" else 0,
            deposit_cents=rent,
            payment_term="advance",
            due_day=chance.choice((5, 5, 8)),
            index_quarter=None if kind == "garage" else "T2",
        )
        first_on = self._periods[0].first_on
        owed = {3: rent, 4: -rent // 2}.get(self._number % 8, 0)
        return TakeOverLease(
            client_reference=CLIENT_MARK, title="M.", last_name="Nom", first_name="Prénom",
            born_on=date(1970, 1, 1), email="locataire@demo.example", phone="06 39 98 00 00",
            lease_reference=LEASE_MARK, lot_reference=LOT_MARK, street="1 rue des Exemples",
            postcode="57000", city="Metz", energy_class=None if kind == "garage" else "D",
            entered_on=first_on - timedelta(days=chance.randrange(200, 3_000)), terms=terms,
            balance_cents=owed, balance_on=first_on - timedelta(days=1),
        )  # fmt: skip


def _confirmed(payment_id: UUID, payment: _Payment, at: datetime) -> Command:
    return ConfirmPayment(
        payment_id=payment_id,
        provider_reference=payment.reference,
        amount_cents=payment.cents,
        confirmed_at=at,
        authorisation_code=f"{payment.number * 7919 % 1_000_000:06d}",
        brand="visa",
        last4="4242",
    )


def _settled(payment_id: UUID, payment: _Payment, value_on: date) -> Command:
    return SettlePayment(
        payment_id=payment_id,
        value_on=value_on,
        fee_cents=25 + payment.cents // 125,
        statement_line_id=f"{value_on} {payment.reference}",
    )


def _charged_back(payment: _Payment) -> Ask:
    def ask(store: Store) -> None:
        assert payment.id is not None
        store.get(RentAccount, LEASE).unbook(payment.id, "chargeback", store.today)

    return ask
