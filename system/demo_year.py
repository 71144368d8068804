"""The year of the demo agency as a plan: which command is asked when, by whom, under which key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from uuid import UUID

from aggregates.invoice import RENT, Invoice
from aggregates.lease import Lease, Reading
from aggregates.party import Party
from commands import PARIS, Command
from commands.invoice import IssueInvoices
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
from domain import stream_id
from domain.lease import Tenant
from domain.payment import Designation
from domain.period import Period
from domain.principal import CLOCK, OPERATOR, WEBHOOK, Principal
from projections.payments import LOOKS_AFTER
from system.demo_leases import MONTHS, DemoLease, leases

OfPayment = Callable[[UUID], Command]


@dataclass(frozen=True, slots=True)
class Step:
    """One command at its time. What is asked about a payment takes the payment's id."""

    at: datetime
    principal: Principal
    key: str
    command: Command | OfPayment
    payment: str = ""
    """Which payment it begins or is about."""
    lease: str | None = None
    """Steps of one lease come one after the other; None for what concerns all."""
    on_behalf_of: UUID | None = None


def year_before(day: date, agency: UUID, ceiling_cents: int) -> list[Step]:
    """All steps of the twelve months up to the eve of a day, in the order of their times."""
    last = Period.of(day - timedelta(days=1))
    periods = [last]
    while len(periods) < MONTHS:
        periods.insert(0, periods[0].previous())
    known = leases(periods[0])
    steps = [step for period in periods for step in _billing(period, known, agency)]
    for lease in known:
        steps += _Tenancy(lease, periods, agency, ceiling_cents).steps()
    before = datetime.combine(day, time(), PARIS)
    steps = sorted((s for s in steps if s.at < before), key=lambda step: (step.at, step.key))
    return [*steps, _last(known[0], before)]


def _last(lease: DemoLease, before: datetime) -> Step:
    """A tenant's new telephone number: once it is known, the year is complete."""
    changed = {"phone": "06 39 98 99 99", "accept_differences": True}
    command = lease.reads.model_copy(update=changed)
    return Step(before - timedelta(hours=1), OPERATOR, "demo: the year is complete", command)


def _billing(period: Period, known: list[DemoLease], agency: UUID) -> list[Step]:
    """The invoices of a month, on its first day."""
    there = [lease for lease in known if lease.taken_over_on <= period.first_on]
    ids = tuple(stream_id(agency, Lease.kind, lease.reference) for lease in there)
    command = IssueInvoices(period=period, lease_ids=ids)
    return [Step(_at(period.first_on, 6), OPERATOR, f"demo: invoices of {period}", command)]


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), PARIS)


class _Tenancy:
    """One lease through the year."""

    def __init__(
        self, lease: DemoLease, periods: list[Period], agency: UUID, ceiling_cents: int
    ) -> None:
        self._lease = lease
        self._periods = periods
        self._agency = agency
        self._id = stream_id(agency, Lease.kind, lease.reference)
        self._party = stream_id(agency, Party.kind, lease.reads.client_reference)
        self._chance = Random(lease.number)  # noqa: S311 the year is to be the same always
        self._asks_for_receipts = lease.number % 3 != 0
        self._payments = 0
        bills = [bill for period in periods if (bill := self._reads().bill(period))]
        # Who could not pay two months at once here pays in no way that the demo shows.
        self._pays = 2 * max(bill.total_cents for bill in bills) <= ceiling_cents

    def steps(self) -> Iterator[Step]:
        lease = self._lease
        yield self._step(_at(lease.taken_over_on, 4), OPERATOR, "is taken over", lease.reads)
        for change in lease.changes:
            key = f"is amended on {change.on}"
            yield self._step(_at(change.on, 5), OPERATOR, key, change.reads)
        if lease.taken_over_on > self._periods[0].first_on:
            period = Period.of(lease.taken_over_on)
            command = IssueInvoices(period=period, lease_ids=(self._id,))
            yield self._step(_at(lease.taken_over_on, 6), OPERATOR, f"invoice {period}", command)
        for month, period in enumerate(self._periods):
            bill = self._reads().bill(period)
            if bill is None:
                continue
            net_cents = bill.total_cents - bill.benefit_cents
            # Whatever is ahead pays at midnight; without credit this changes nothing.
            if lease.habit == "ahead" or (lease.number, month) == (8, 6):
                credit = AllocateCredit(lease_id=self._id)
                yield self._step(_at(bill.due_on, 0), CLOCK, f"credit of {period}", credit)
            yield from self._pay(month, period, max(bill.due_on, lease.taken_over_on), net_cents)

    def _reads(self) -> Lease:
        """The lease as its year makes it, to know what each month costs."""
        signed = Lease(self._id)
        signed.sign(self._lease.reference, _reading(self._lease.reads), None)
        for change in self._lease.changes:
            signed.amend(_reading(change.reads), change.on, "rent_roll")
        return signed

    def _pay(self, month: int, period: Period, due_on: date, cents: int) -> Iterator[Step]:
        """How this tenant pays this month."""
        number, habit = self._lease.number, self._lease.habit
        later = timedelta(days=self._chance.randrange(3))
        if (number, month) == (6, 4):
            yield from self._card(period, due_on, 10, cents, fails="card_declined")
            yield from self._card(period, due_on, 11, cents, receipt=True)
        elif (number, month) == (13, 8):
            yield from self._card(period, due_on, 18, cents, vanishes=True)
            yield from self._card(period, due_on + timedelta(days=6), 9, cents)
        elif (number, month) == (8, 5):
            yield from self._card(period, due_on, 9, 2 * cents, receipt=True)
        elif (number, month) == (8, 6) or (habit == "behind" and month in (2, 7)):
            return
        elif habit == "early":
            on = max(due_on - timedelta(days=3), period.first_on)
            yield from self._card(period, on, 19, cents, receipt=True, designated=True)
        elif habit == "late":
            yield from self._card(period, due_on + timedelta(days=12), 21, cents, receipt=True)
        elif habit == "in_two_parts":
            part = cents * 3 // 5
            yield from self._card(period, due_on, 12, part, receipt=True)
            rest_on = due_on + timedelta(days=9)
            yield from self._card(period, rest_on, 12, cents - part, receipt=True)
        elif habit == "behind":
            yield from self._card(period, due_on + later, 20, cents + 4_000)
        elif habit == "steady":
            yield from self._card(period, due_on, 9, cents)
        else:
            yield from self._card(period, due_on + later, 8, cents, receipt=habit == "prompt")

    def _card(
        self,
        period: Period,
        on: date,
        hour: int,
        cents: int,
        *,
        receipt: bool = False,
        designated: bool = False,
        fails: str | None = None,
        vanishes: bool = False,
    ) -> Iterator[Step]:
        """One payment by card, from the wish to pay to the bank statement."""
        if cents <= 0 or not self._pays:
            return
        self._payments += 1
        reference = f"demo_{self._lease.reference}_{self._payments:03d}"
        at = _at(on, hour, self._chance.randrange(50))
        initiate = self._wish(period, cents, designated)
        yield self._paying(at, OPERATOR, "is initiated", initiate)
        yield self._paying(at + timedelta(seconds=20), WEBHOOK, "is sent", _sent(reference))
        soon = at + timedelta(minutes=2)
        if fails is not None:
            yield self._paying(soon, WEBHOOK, "fails", _failed(fails))
        elif vanishes:
            since_at = at + timedelta(minutes=15)
            yield self._paying(since_at, CLOCK, "is out of sight", _lost)
            for check, after in enumerate(LOOKS_AFTER, 1):
                what = f"is asked about, {check}"
                yield self._paying(since_at + after, CLOCK, what, _asked_about)
        else:
            yield self._paying(soon, WEBHOOK, "succeeds", _confirmed(reference, cents, soon))
            settled = _settled(reference, cents, on + timedelta(days=2))
            yield self._paying(_at(on + timedelta(days=2), 5), CLOCK, "is settled", settled)
            if receipt and self._asks_for_receipts:
                command = RequestReceipt(lease_id=self._id, period=period)
                yield self._paying(soon + timedelta(minutes=7), OPERATOR, "is receipted", command)

    def _wish(self, period: Period, cents: int, designated: bool) -> InitiatePayment:
        invoice_id = stream_id(self._agency, Invoice.kind, self._id, period, *RENT)
        return InitiatePayment(
            lease_id=self._id,
            amount_cents=cents,
            terms_accepted_version="demo",
            designation=Designation(kind="explicit", invoice_ids=(invoice_id,))
            if designated
            else Designation(),
        )

    def _paying(self, at: datetime, who: Principal, what: str, of: Command | OfPayment) -> Step:
        """A step of the payment in hand; what the tenant asks is asked on the tenant's behalf."""
        reference = self._lease.reference
        name = f"payment {self._payments} of {reference}"
        behalf = self._party if who is OPERATOR else None
        return Step(at, who, f"demo: {name} {what}", of, name, reference, behalf)

    def _step(self, at: datetime, who: Principal, what: str, command: Command) -> Step:
        reference = self._lease.reference
        return Step(at, who, f"demo: {reference} {what}", command, lease=reference)


def _reading(reads: object) -> Reading:
    """A roll's row as a lease reads it; lots and people do not change what a month costs."""
    fields = vars(reads)
    return Reading(
        lot_ids=(),
        tenants=(Tenant(party_id=UUID(int=0)),),
        start_on=fields["entered_on"],
        ended_on=fields["left_on"],
        terms=fields["terms"],
    )


def _sent(reference: str) -> OfPayment:
    return lambda payment: StartAuthentication(payment_id=payment, provider_reference=reference)


def _confirmed(reference: str, cents: int, at: datetime) -> OfPayment:
    return lambda payment: ConfirmPayment(
        payment_id=payment,
        provider_reference=reference,
        amount_cents=cents,
        confirmed_at=at,
        authorisation_code=f"{sum(reference.encode()) * 7919 % 1_000_000:06d}",
        brand="visa",
        last4="4242",
    )


def _failed(code: str) -> OfPayment:
    return lambda payment: FailPayment(payment_id=payment, code=code)


def _lost(payment: UUID) -> Command:
    return MarkUnknown(payment_id=payment)


def _asked_about(payment: UUID) -> Command:
    return CheckPayment(payment_id=payment)


def _settled(reference: str, cents: int, value_on: date) -> OfPayment:
    return lambda payment: SettlePayment(
        payment_id=payment,
        value_on=value_on,
        fee_cents=25 + cents // 125,
        statement_line_id=f"demo-{value_on}-{reference}",
    )
