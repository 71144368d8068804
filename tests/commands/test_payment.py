"""To pay by card: one wish, one booking, whatever the bank says and however often it says it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st
from pydantic import ValidationError

from aggregates.payment import Payment
from aggregates.rent_account import RentAccount
from commands import Command
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
from domain import NotFound
from domain.invoice import InvoiceIssued, NoSuchInvoice
from domain.lease import NoSuchLease
from domain.payment import (
    AboveCeiling,
    AuthenticationRequired,
    Designation,
    NoSuchPayment,
    NotPayable,
    PaymentChecked,
    PaymentConfirmed,
    PaymentFailed,
    PaymentInitiated,
    PaymentOutcomeUnknown,
    PaymentState,
    PaymentTicketIssued,
    ProviderReferenceRecorded,
    ReferenceTaken,
)
from domain.rent_account import PaymentAllocated, PaymentBooked
from domain.task import TaskDone, TaskRaised
from tests.given import Books, Told, day, month, row


class Desk:
    """A lease billed for May and due, and a tenant who pays."""

    def __init__(self, on: str = "06/05/2026", **other: Any) -> None:
        self.books = Books(today="25/04/2026")
        taken = row(balance_on=day("31/03/2026"), **other)
        self.lease: UUID = self.books.do(taken)["lease_id"]
        self.invoice = self.bill("2026-05")
        self.books.on(on)

    def bill(self, period: str) -> UUID:
        asked = IssueInvoices(period=month(period), lease_ids=(self.lease,))
        return self.books.when(asked).one(InvoiceIssued).invoice_id

    def wish(self, cents: int = 71100, *designated: UUID, **other: Any) -> InitiatePayment:
        known = {
            "lease_id": self.lease,
            "amount_cents": cents,
            "terms_accepted_version": "2026-01",
            "designation": Designation(kind="explicit", invoice_ids=designated)
            if designated
            else Designation(),
        }
        return InitiatePayment(**(known | other))

    def initiate(self, cents: int = 71100, *designated: UUID) -> UUID:
        payment: UUID = self.books.do(self.wish(cents, *designated))["payment_id"]
        return payment

    def open_page(self, payment: UUID, reference: str = "cs_1") -> Told:
        return self.books.when(
            StartAuthentication(payment_id=payment, provider_reference=reference)
        )

    def confirm(self, payment: UUID, cents: int = 71100, reference: str = "cs_1") -> Told:
        return self.books.when(self.yes(payment, cents, reference))

    def yes(self, payment: UUID, cents: int = 71100, reference: str = "cs_1") -> ConfirmPayment:
        return ConfirmPayment(
            payment_id=payment,
            provider_reference=reference,
            amount_cents=cents,
            confirmed_at=self.books.now,
            authorisation_code="A1",
        )

    @property
    def account(self) -> RentAccount:
        return self.books.get(RentAccount, self.lease)

    def state(self, payment: UUID) -> PaymentState:
        return self.books.get(Payment, payment).state


def test_a_wish_to_pay_takes_nothing() -> None:
    desk = Desk()
    told = desk.books.when(desk.wish(71100, receipt_email="other@exemple.fr", language="en"))
    initiated = told.one(PaymentInitiated)
    assert told.events == [initiated]
    assert told.answer == {"payment_id": initiated.payment_id}
    assert (initiated.amount_cents, initiated.lease_id) == (71100, desk.lease)
    assert (initiated.receipt_email, initiated.language) == ("other@exemple.fr", "en")
    assert desk.account.balance_cents == 71100


def test_two_wishes_are_two_payments() -> None:
    desk = Desk()
    assert desk.initiate() != desk.initiate()


@pytest.mark.parametrize("cents", [1, 71101, 500_000])
def test_any_amount_up_to_the_ceiling_may_be_paid(cents: int) -> None:
    desk = Desk()
    desk.books.when(desk.wish(cents)).one(PaymentInitiated)
    desk.books.when(desk.wish(500_001)).refused(AboveCeiling)


@pytest.mark.parametrize("cents", [0, -1, 711.0, "711", 10**14, None])
def test_what_is_no_amount_is_invalid(cents: Any) -> None:
    with pytest.raises(ValidationError):
        Desk().wish(cents)


@pytest.mark.parametrize("email", ["", "x", "a b@c.fr", "a@b", "a@b.c\x00d", "a" * 250 + "@b.fr"])
def test_a_receipt_goes_to_an_address(email: str) -> None:
    with pytest.raises(ValidationError):
        Desk().wish(receipt_email=email)


def test_only_a_known_lease_is_paid() -> None:
    desk = Desk()
    desk.books.when(desk.wish(lease_id=uuid4())).refused(NoSuchLease)
    something_else = desk.books.when(desk.wish(lease_id=desk.invoice))
    assert isinstance(something_else.refusal, NotFound)


def test_only_an_invoice_of_the_lease_is_designated() -> None:
    desk = Desk()
    other = desk.books.do(row("L-0313"))["lease_id"]
    theirs = desk.books.when(IssueInvoices(period=month("2026-05"), lease_ids=(other,))).one(
        InvoiceIssued
    )
    desk.books.when(desk.wish(100, uuid4())).refused(NoSuchInvoice)
    desk.books.when(desk.wish(100, desk.invoice, theirs.invoice_id)).refused(NoSuchInvoice)
    assert isinstance(desk.books.when(desk.wish(100, desk.lease)).refusal, NotFound)


def test_who_designates_nothing_names_no_invoice() -> None:
    with pytest.raises(ValidationError):
        Designation(kind="none", invoice_ids=(uuid4(),))


def test_a_former_tenant_may_pay() -> None:
    desk = Desk(left_on=day("31/05/2026"))
    desk.books.on("20/07/2026")
    desk.confirm(desk.initiate()).accepted()
    assert desk.account.balance_cents == 0


def test_confirmed_ticket_booked_and_allocated_are_one_append() -> None:
    desk = Desk()
    payment = desk.initiate(71100, desk.invoice)
    desk.open_page(payment).accepted()
    told = desk.confirm(payment)
    assert told.one(PaymentConfirmed).amount_cents == 71100
    assert told.one(PaymentTicketIssued).ticket_number == "T-2026-000001"
    assert told.one(PaymentBooked).effective_on == day("06/05/2026")
    assert told.one(PaymentAllocated).rule == "designated"
    assert told.all(TaskRaised) == []
    assert told.answer == {"payment_id": payment, "ticket_number": "T-2026-000001"}
    assert desk.account.balance_cents == 0


def test_a_designated_invoice_is_paid_before_an_older_one() -> None:
    desk = Desk()
    june = desk.bill("2026-06")
    told = desk.confirm(desk.initiate(71100, june))
    open_cents = [charge.open_cents for charge in desk.account.of_period(month("2026-05"))]
    assert open_cents == [61240, 9860]
    assert told.one(PaymentAllocated).rule == "designated"


def test_without_designation_the_oldest_debt_is_paid_pro_rata() -> None:
    desk = Desk()
    told = desk.confirm(desk.initiate(30000), 30000).one(PaymentAllocated)
    assert (told.rule, [part.amount_cents for part in told.parts]) == ("pro_rata", [25840, 4160])


def test_a_partial_payment_and_the_rest() -> None:
    desk = Desk("04/05/2026")
    desk.confirm(desk.initiate(40000, desk.invoice), 40000).accepted()
    desk.books.on("12/05/2026")
    assert desk.account.balance_cents == 31100
    desk.confirm(desk.initiate(31100, desk.invoice), 31100, "cs_2").accepted()
    assert desk.account.balance_cents == 0


def test_a_page_is_opened_once() -> None:
    desk = Desk()
    payment = desk.initiate()
    told = desk.open_page(payment)
    assert told.one(AuthenticationRequired).opened_at == desk.books.now
    assert told.one(ProviderReferenceRecorded).payment_id == payment
    desk.open_page(payment).then()
    desk.open_page(payment, "cs_2").refused(NotPayable)


def test_the_page_may_be_reported_after_the_banks_yes() -> None:
    desk = Desk()
    payment = desk.initiate()
    desk.confirm(payment).accepted()
    desk.open_page(payment).then()


def test_a_reference_belongs_to_one_payment_for_ever() -> None:
    desk = Desk()
    first, second = desk.initiate(), desk.initiate()
    desk.open_page(first).accepted()
    desk.open_page(second).refused(ReferenceTaken)
    desk.confirm(second).refused(ReferenceTaken)
    desk.confirm(first).accepted()
    desk.confirm(second).refused(ReferenceTaken)
    assert desk.account.balance_cents == 0
    assert desk.state(second) is PaymentState.INITIATED


def test_the_same_news_three_more_times_is_one_confirmation() -> None:
    desk = Desk()
    payment = desk.initiate()
    desk.open_page(payment)
    desk.books.when(MarkUnknown(payment_id=payment)).one(PaymentOutcomeUnknown)
    first = desk.confirm(payment)  # scenario 10
    for _ in range(3):
        assert desk.confirm(payment).then().answer == first.answer
    assert (
        desk.books.when(FailPayment(payment_id=payment, code="declined")).then().answer["ignored"]
    )
    assert desk.account.balance_cents == 0


def test_a_yes_after_a_no_counts() -> None:
    desk = Desk()
    payment = desk.initiate()
    desk.books.when(FailPayment(payment_id=payment, code="declined")).one(PaymentFailed)
    desk.confirm(payment).one(PaymentTicketIssued)
    assert desk.account.balance_cents == 0


def test_another_amount_than_asked_is_booked_as_taken_and_a_person_is_told() -> None:
    desk = Desk()
    payment = desk.initiate(71100)
    told = desk.confirm(payment, 71000)
    task = told.one(TaskRaised)
    assert (task.kind, task.about_id, task.lease_id) == (
        "payment_amount_differs",
        payment,
        desk.lease,
    )
    assert told.one(PaymentBooked).amount_cents == 71000
    assert desk.account.balance_cents == 100
    desk.confirm(payment, 71000).then()
    desk.confirm(payment, 71100).then()


def test_three_checks_then_a_task() -> None:
    desk = Desk()
    payment = desk.initiate()
    desk.open_page(payment)
    check = CheckPayment(payment_id=payment)
    desk.books.when(check).then()
    desk.books.when(MarkUnknown(payment_id=payment)).accepted()
    tasks = []
    for hours in (0.1, 1, 24, 48):
        desk.books.later(hours=hours)
        told = desk.books.when(check)
        tasks.append([type(event) for event in told.events])
    assert tasks == [[PaymentChecked], [PaymentChecked], [PaymentChecked, TaskRaised], []]
    assert desk.books.told(TaskRaised)[0].kind == "payment_unknown"
    answered = desk.confirm(payment)
    answered.one(PaymentTicketIssued)
    assert answered.one(TaskDone).outcome == "bank_answered"


def test_a_yes_of_last_night_is_booked_as_of_last_night() -> None:
    desk = Desk(on="06/05/2026")
    yes = ConfirmPayment(
        payment_id=desk.initiate(),
        provider_reference="cs_1",
        amount_cents=71100,
        confirmed_at=datetime(2026, 5, 5, 21, 59, tzinfo=UTC),
    )
    assert desk.books.when(yes).one(PaymentBooked).effective_on == day("05/05/2026")


@pytest.mark.parametrize("ask", [MarkUnknown, CheckPayment])
def test_only_a_known_payment_is_spoken_of(ask: type[MarkUnknown | CheckPayment]) -> None:
    Desk().books.when(ask(payment_id=uuid4())).refused(NoSuchPayment)


def test_no_word_about_an_unknown_payment_is_kept() -> None:
    desk = Desk()
    known = list(desk.books.entries)
    desk.confirm(uuid4()).refused(NoSuchPayment)
    desk.open_page(uuid4()).refused(NoSuchPayment)
    desk.books.when(FailPayment(payment_id=uuid4(), code="x")).refused(NoSuchPayment)
    assert desk.books.entries == known


def test_money_on_the_statement_settles_once() -> None:
    desk = Desk()
    payment = desk.initiate()
    settle = SettlePayment(
        payment_id=payment, value_on=day("07/05/2026"), fee_cents=100, statement_line_id="line 7"
    )
    desk.books.when(settle).refused(NotPayable)
    desk.confirm(payment).accepted()
    desk.books.when(settle).accepted()
    desk.books.when(settle).then()
    assert desk.state(payment) is PaymentState.SETTLED
    assert desk.account.balance_cents == 0


def message(desk: Desk, payment: UUID, word: str) -> Command:
    said: dict[str, Command] = {
        "yes": desk.yes(payment),
        "yes, otherwise": desk.yes(payment, 70000),
        "no": FailPayment(payment_id=payment, code="declined"),
        "unknown": MarkUnknown(payment_id=payment),
        "check": CheckPayment(payment_id=payment),
        "page": StartAuthentication(payment_id=payment, provider_reference="cs_1"),
        "other page": StartAuthentication(payment_id=payment, provider_reference="cs_2"),
        "seen": SettlePayment(
            payment_id=payment, value_on=day("07/05/2026"), statement_line_id="line"
        ),
    }
    return said[word]


WORDS = ("yes", "yes, otherwise", "no", "unknown", "check", "page", "other page", "seen")


@settings(max_examples=100, deadline=None)
@any_of(st.lists(st.sampled_from(WORDS), max_size=14))
def test_whatever_is_said_in_any_order_money_is_booked_at_most_once(words: list[str]) -> None:
    desk = Desk()
    payment, bystander = desk.initiate(), desk.initiate()
    for word in words:
        told = desk.books.when(message(desk, payment, word))
        assert told.refusal is None or isinstance(told.refusal, NotPayable)
        assert (told.refusal is None) or word in ("page", "other page", "seen")
    confirmed = desk.books.told(PaymentConfirmed)
    assert len(confirmed) == len(desk.books.told(PaymentTicketIssued)) <= 1
    assert len(desk.books.told(PaymentBooked)) == len(confirmed)
    assert len(confirmed) == any(word.startswith("yes") for word in words)
    taken = sum(event.amount_cents for event in confirmed)
    assert desk.account.balance_cents == 71100 - taken
    assert sum(charge.paid_cents for charge in desk.account.charges.values()) == taken
    paid = desk.state(payment) in (PaymentState.CONFIRMED, PaymentState.SETTLED)
    assert paid == bool(confirmed)
    assert desk.state(bystander) is PaymentState.INITIATED
    checks = desk.books.told(PaymentChecked)
    assert [event.check for event in checks] == list(range(1, len(checks) + 1))
    assert len(checks) <= 3
    tasks = [task.kind for task in desk.books.told(TaskRaised)]
    assert tasks.count("payment_unknown") == (len(checks) == 3)
    assert tasks.count("payment_amount_differs") == (taken == 70000)
