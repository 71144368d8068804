"""A payment's life, whatever the order in which the bank's words come in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from aggregates.payment import Payment, ProviderReference
from domain.payment import (
    AuthenticationRequired,
    Designation,
    NotPayable,
    PaymentChecked,
    PaymentConfirmed,
    PaymentEvent,
    PaymentFailed,
    PaymentInitiated,
    PaymentOutcomeUnknown,
    PaymentSettled,
    PaymentState,
    PaymentTicketIssued,
    ProviderReferenceRecorded,
    ReferenceTaken,
)
from tests.given import INVOICE, LEASE, OTHER_PAYMENT, PARTY, PAYMENT, Told, given

AT = datetime(2026, 5, 4, 12, 2, tzinfo=UTC)
WISH: dict[str, Any] = {
    "payment_id": PAYMENT,
    "lease_id": LEASE,
    "party_id": PARTY,
    "amount_cents": 71100,
    "provider": "demo",
    "receipt_email": "other@exemple.fr",
    "designation": Designation(kind="implied", invoice_ids=(INVOICE,)),
    "terms_accepted_version": "2026-01",
    "language": "fr",
}
YES: dict[str, Any] = {
    "payment_id": PAYMENT,
    "amount_cents": 71100,
    "authorisation_code": "A1",
    "confirmed_at": AT,
    "brand": "visa",
    "last4": "4242",
}

initiated = PaymentInitiated(**WISH)
sent = AuthenticationRequired(
    payment_id=PAYMENT, lease_id=LEASE, provider_reference="cs_1", opened_at=AT
)
confirmed = PaymentConfirmed(lease_id=LEASE, provider_reference="cs_1", **YES)
ticket = PaymentTicketIssued(payment_id=PAYMENT, lease_id=LEASE, ticket_number="T-2026-000001")
failed = PaymentFailed(payment_id=PAYMENT, lease_id=LEASE, code="declined")
unknown = PaymentOutcomeUnknown(payment_id=PAYMENT, lease_id=LEASE, since_at=AT)
settled = PaymentSettled(
    payment_id=PAYMENT,
    lease_id=LEASE,
    amount_cents=71100,
    value_on=date(2026, 5, 6),
    fee_cents=120,
    statement_line_id="line 7",
)


def checked(check: int) -> PaymentChecked:
    return PaymentChecked(payment_id=PAYMENT, lease_id=LEASE, check=check, checked_at=AT)


def confirm(*history: PaymentEvent, **other: Any) -> Told:
    return given(Payment, *history).when(Payment.confirm, reference="cs_1", **(YES | other))


def fail(*history: PaymentEvent) -> Told:
    return given(Payment, *history).when(Payment.fail, PAYMENT, "declined")


def authenticate(reference: str, *history: PaymentEvent) -> Told:
    payment = given(Payment, *history)
    return payment.when(Payment.start_authentication, PAYMENT, reference, AT)


def test_to_wish_to_pay_takes_nothing() -> None:
    payment = given(Payment)
    payment.when(Payment.initiate, **WISH).then(initiated)
    assert payment.aggregate.state is PaymentState.INITIATED


def test_the_payer_is_sent_to_the_provider_once() -> None:
    authenticate("cs_1", initiated).then(sent)
    authenticate("cs_1", initiated, sent).then()


@pytest.mark.parametrize(
    "history", [(sent,), (unknown,), (failed,), (sent, confirmed), (sent, confirmed, settled)]
)
def test_no_second_page_is_opened_for_a_payment_under_way(
    history: tuple[PaymentEvent, ...],
) -> None:
    authenticate("cs_2", initiated, *history).refused(NotPayable)


def test_the_bank_may_say_yes_before_we_know_that_the_page_was_opened() -> None:
    authenticate("cs_1", initiated, confirmed, ticket).then()


@pytest.mark.parametrize(
    "history",
    [(), (sent,), (sent, unknown), (sent, unknown, checked(1)), (sent, failed), (failed,)],
)
def test_the_banks_yes_counts_whatever_was_thought_before(
    history: tuple[PaymentEvent, ...],
) -> None:
    told = confirm(initiated, *history).then(confirmed)
    assert told.answer is True


@pytest.mark.parametrize("history", [(confirmed,), (confirmed, ticket, settled)])
def test_a_repeated_yes_is_no_news(history: tuple[PaymentEvent, ...]) -> None:
    assert confirm(initiated, sent, *history).then().answer is False
    assert confirm(initiated, sent, *history, amount_cents=1).then().answer is False


def test_what_the_bank_took_is_what_was_paid() -> None:
    told = given(Payment, initiated, sent)
    told.when(Payment.confirm, reference="cs_1", **(YES | {"amount_cents": 71000})).then(
        confirmed.model_copy(update={"amount_cents": 71000})
    )
    assert told.aggregate.amount_cents == 71000


@pytest.mark.parametrize("history", [(), (sent,), (sent, unknown), (sent, unknown, checked(3))])
def test_the_banks_no_ends_a_payment(history: tuple[PaymentEvent, ...]) -> None:
    assert fail(initiated, *history).then(failed).answer is True


@pytest.mark.parametrize("history", [(confirmed,), (confirmed, settled), (failed,)])
def test_a_late_no_is_not_believed(history: tuple[PaymentEvent, ...]) -> None:
    assert fail(initiated, sent, *history).then().answer is False


def test_only_a_payment_under_way_is_lost_from_sight() -> None:
    def lose(*history: PaymentEvent) -> Told:
        return given(Payment, initiated, *history).when(Payment.lose_sight, PAYMENT, AT)

    lose().then(unknown)
    lose(sent).then(unknown)
    for settled_already in ((unknown,), (failed,), (confirmed,), (confirmed, settled)):
        lose(sent, *settled_already).then()


def test_three_checks_then_a_person() -> None:
    payment = given(Payment, initiated, sent, unknown)
    later = AT + timedelta(minutes=5)
    asked = [payment.when(Payment.check, PAYMENT, later) for _ in range(5)]
    assert [told.answer for told in asked] == [False, False, True, False, False]
    assert [event.check for told in asked for event in told.all(PaymentChecked)] == [1, 2, 3]


@pytest.mark.parametrize("state", [sent, failed, confirmed])
def test_what_is_known_is_not_asked_about(state: PaymentEvent) -> None:
    payment = given(Payment, initiated, state)
    assert payment.when(Payment.check, PAYMENT, AT).then().answer is False


def test_money_on_the_statement_settles_a_confirmed_payment_once() -> None:
    def settle(*history: PaymentEvent) -> Told:
        payment = given(Payment, initiated, *history)
        return payment.when(Payment.settle, PAYMENT, date(2026, 5, 6), 120, "line 7")

    settle(sent, confirmed, ticket).then(settled)
    settle(sent, confirmed, settled).then()
    for open_still in ((), (sent,), (unknown,), (failed,)):
        settle(*open_still).refused(NotPayable)


def test_a_reference_belongs_to_one_payment_for_ever() -> None:
    reference = given(ProviderReference)
    reference.when(ProviderReference.record, "demo", "cs_1", PAYMENT).then(
        ProviderReferenceRecorded(provider="demo", provider_reference="cs_1", payment_id=PAYMENT)
    )
    reference.when(ProviderReference.record, "demo", "cs_1", PAYMENT).then()
    reference.when(ProviderReference.record, "demo", "cs_1", OTHER_PAYMENT).refused(ReferenceTaken)
