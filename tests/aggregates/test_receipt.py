"""What is proved of a period: a quittance once all is paid, else a reçu; never more than is so."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

from hypothesis import given as any_of
from hypothesis import strategies as st

from aggregates.receipt import Receipts
from aggregates.rent_account import RentAccount
from domain.receipt import (
    NothingBilled,
    NothingPaid,
    PaidPart,
    PartialReceiptIssued,
    RentReceiptIssued,
)
from domain.rent_account import PaymentUnbooked
from tests.aggregates.test_rent_account import (
    CHARGES,
    JUNE_CHARGES,
    JUNE_RENT,
    RENT,
    booked,
    credit,
    credit_id,
    credited,
    opening,
    paid,
)
from tests.given import LEASE, OTHER_PAYMENT, PAYMENT, Given, Told, day, given, month

MAY, JUNE = month("2026-05"), month("2026-06")
TODAY = day("06/05/2026")
RECEIPTS = uuid5(LEASE, "receipts of May")
ALL = (booked(71100), paid("oldest", c1=61240, c2=9860))


def account(*history: Any) -> RentAccount:
    return given(RentAccount, RENT, CHARGES, *history).aggregate


def receipts() -> Given[Receipts]:
    return given(Receipts, stream=RECEIPTS)


def ask(receipts: Given[Receipts], account: RentAccount, number: str = "Q-2026-000001") -> Told:
    return receipts.when(Receipts.request, account, MAY, lambda: number, TODAY)


def by_card(cents: int, payment: UUID = PAYMENT) -> PaidPart:
    return PaidPart(by="card", amount_cents=cents, paid_on=day("05/05/2026"), source_id=payment)


def test_a_period_paid_in_full_has_a_quittance_with_rent_and_charges_apart() -> None:
    ask(receipts(), account(*ALL)).then(
        RentReceiptIssued(
            receipt_id=uuid5(RECEIPTS, "1"),
            number="Q-2026-000001",
            lease_id=LEASE,
            period=MAY,
            rent_cents=61240,
            charges_cents=9860,
            parts=(by_card(71100),),
            older_debt_cents=0,
            issued_on=TODAY,
            account_version=4,
        )
    )


def test_a_part_has_a_recu_with_what_is_missing() -> None:
    part = (booked(40000), paid("pro_rata", c1=34453, c2=5547))
    ask(receipts(), account(*part)).then(
        PartialReceiptIssued(
            receipt_id=uuid5(RECEIPTS, "1"),
            number="Q-2026-000001",
            lease_id=LEASE,
            period=MAY,
            paid_cents=40000,
            shortfall_cents=31100,  # scenario 11
            parts=(by_card(40000),),
            issued_on=TODAY,
            account_version=4,
        )
    )


def test_the_last_cent_makes_the_quittance() -> None:
    almost = (booked(71099), paid("pro_rata", c1=61239, c2=9860))
    assert ask(receipts(), account(*almost)).one(PartialReceiptIssued).shortfall_cents == 1


def test_what_is_unchanged_keeps_its_number() -> None:
    asked = receipts()
    ask(asked, account(*ALL)).one(RentReceiptIssued)
    ask(asked, account(*ALL), "Q-2026-000002").then()


def test_the_rest_makes_a_new_receipt() -> None:
    asked = receipts()
    first = (booked(40000), paid("pro_rata", c1=34453, c2=5547))
    ask(asked, account(*first)).one(PartialReceiptIssued)
    rest = (booked(31100, OTHER_PAYMENT), paid("oldest", OTHER_PAYMENT, c1=26787, c2=4313))
    quittance = ask(asked, account(*first, *rest), "Q-2026-000002").one(RentReceiptIssued)
    assert (quittance.rent_cents, quittance.charges_cents) == (61240, 9860)
    assert {part.source_id: part.amount_cents for part in quittance.parts} == {
        PAYMENT: 40000,
        OTHER_PAYMENT: 31100,
    }


def test_without_an_invoice_there_is_nothing_to_prove() -> None:
    empty = given(RentAccount).aggregate
    ask(receipts(), empty).refused(NothingBilled)
    ask(receipts(), given(RentAccount, opening(500)).aggregate).refused(NothingBilled)


def test_before_a_payment_there_is_nothing_to_prove() -> None:
    ask(receipts(), account()).refused(NothingPaid)
    ahead = account(JUNE_RENT, JUNE_CHARGES, booked(71100), paid("designated", c3=61240, c4=9860))
    ask(receipts(), ahead).refused(NothingPaid)


def test_another_months_payment_proves_nothing_of_this_one() -> None:
    both = account(*ALL, JUNE_RENT, JUNE_CHARGES, booked(100, OTHER_PAYMENT))
    assert ask(receipts(), both).one(RentReceiptIssued).parts == (by_card(71100),)


def test_benefit_and_credit_are_named_for_what_they_are() -> None:
    helped = account(
        credit(3, "benefit", 61240, "01/05/2026"),
        credited("designated", 3, c1=61240),
        credit(5, "opening_balance", 9860, "31/03/2026"),
        credited("oldest", 5, c2=9860),
    )
    parts = ask(receipts(), helped).one(RentReceiptIssued).parts
    assert [(part.by, part.amount_cents, part.source_id) for part in parts] == [
        ("credit", 9860, credit_id(5)),
        ("benefit", 61240, credit_id(3)),
    ]


def test_a_quittance_may_say_that_an_older_debt_remains() -> None:
    owing = given(
        RentAccount,
        opening(500),
        RENT.model_copy(update={"charge": 2}),
        CHARGES.model_copy(update={"charge": 3}),
        booked(71100),
        paid("designated", c2=61240, c3=9860),
    ).aggregate
    assert ask(receipts(), owing).one(RentReceiptIssued).older_debt_cents == 500


def unbooked(account: RentAccount, payment: UUID = PAYMENT) -> RentAccount:
    account.unbook(payment, "chargeback", TODAY)
    assert any(isinstance(fact.event, PaymentUnbooked) for fact in account.collect_events())
    return account


def test_once_the_payment_has_gone_back_the_truth_is_told() -> None:
    asked = receipts()
    ask(asked, account(*ALL)).one(RentReceiptIssued)
    ask(asked, unbooked(account(*ALL))).refused(NothingPaid)
    rest = (booked(100, OTHER_PAYMENT), paid("oldest", OTHER_PAYMENT, c1=100))
    again = ask(asked, unbooked(account(*ALL, *rest)), "Q-2026-000002").one(PartialReceiptIssued)
    assert again.parts == (by_card(100, OTHER_PAYMENT),)


def test_the_same_sum_paid_otherwise_is_another_receipt() -> None:
    """A receipt names the payments it rests on; one that went back proves nothing (C2.6)."""
    asked = receipts()
    ask(asked, account(*ALL)).one(RentReceiptIssued)
    replaced = unbooked(account(*ALL))
    replaced.book(LEASE, OTHER_PAYMENT, 71100, (), TODAY)
    again = ask(asked, replaced, "Q-2026-000002").one(RentReceiptIssued)
    assert [part.source_id for part in again.parts] == [OTHER_PAYMENT]
    assert again.receipt_id == uuid5(RECEIPTS, "2")


def test_what_is_billed_since_makes_another_receipt() -> None:
    asked = receipts()
    more = JUNE_CHARGES.model_copy(update={"charge": 3, "amount_cents": 500, "period": MAY})
    again = more.model_copy(update={"charge": 4})
    ask(asked, account(*ALL)).one(RentReceiptIssued)
    recu = ask(asked, account(*ALL, more), "Q-2026-000002").one(PartialReceiptIssued)
    assert recu.shortfall_cents == 500
    ask(asked, account(*ALL, more), "Q-2026-000003").then()
    recu = ask(asked, account(*ALL, more, again), "Q-2026-000003").one(PartialReceiptIssued)
    assert recu.shortfall_cents == 1000


@any_of(st.lists(st.integers(1, 80000), min_size=1, max_size=5))
def test_a_receipt_proves_what_was_paid_and_no_more(sums: list[int]) -> None:
    asked, rented = receipts(), account()
    for number, cents in enumerate(sums):
        rented.book(LEASE, uuid5(LEASE, f"payment {number}"), cents, (), TODAY)
        told = ask(asked, rented, f"Q-2026-{number:06d}")
        paid_cents = min(71100, sum(sums[: number + 1]))
        for event in told.events:
            assert isinstance(event, RentReceiptIssued | PartialReceiptIssued)
            assert sum(part.amount_cents for part in event.parts) == paid_cents
            assert isinstance(event, RentReceiptIssued) == (paid_cents == 71100)
            if isinstance(event, PartialReceiptIssued):
                assert event.paid_cents + event.shortfall_cents == 71100
        assert asked.aggregate.newest_id is not None
