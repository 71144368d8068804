"""What a lease owes and has paid, event by event."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid5

import pytest

from aggregates.lease import Bill
from aggregates.rent_account import RentAccount
from domain.invoice import Line
from domain.rent_account import (
    AllocationReversed,
    ChargePosted,
    CreditAllocated,
    CreditPosted,
    NotBooked,
    Part,
    PaymentAllocated,
    PaymentBooked,
    PaymentUnbooked,
)
from tests.given import (
    INVOICE,
    LEASE,
    OTHER_INVOICE,
    OTHER_PAYMENT,
    PAYMENT,
    Given,
    day,
    given,
    month,
)

MAY, JUNE = month("2026-05"), month("2026-06")
DUE, LATER = day("05/05/2026"), day("05/06/2026")
BEFORE, ON_TIME = day("25/04/2026"), day("05/05/2026")


def bill(due: date = DUE, benefit: int = 0, surplus: int = 0) -> Bill:
    first, last = due.replace(day=1), due.replace(day=30)
    lines = (
        Line(kind="rent", first_on=first, last_on=last, amount_cents=61240),
        Line(kind="charges", first_on=first, last_on=last, amount_cents=9860),
    )
    return Bill(lines, benefit, surplus, due)


def charge(number: int, kind: str, cents: int, **other: Any) -> ChargePosted:
    fields: dict[str, Any] = {
        "lease_id": LEASE,
        "charge": number,
        "kind": kind,
        "amount_cents": cents,
        "due_on": DUE,
        "effective_on": day("01/05/2026"),
        "period": MAY,
        "invoice_id": INVOICE,
    }
    return ChargePosted(**(fields | other))


def opening(cents: int, on: str = "31/03/2026") -> ChargePosted:
    taken_over = {"due_on": day(on), "effective_on": day(on), "period": None, "invoice_id": None}
    return charge(1, "opening_balance", cents, **taken_over)


def credit_id(version: int) -> UUID:
    return uuid5(LEASE, f"credit {version}")


def credit(version: int, kind: str, cents: int, on: str, **other: Any) -> CreditPosted:
    fields: dict[str, Any] = {"lease_id": LEASE, "credit_id": credit_id(version), "kind": kind}
    return CreditPosted(**(fields | {"amount_cents": cents, "effective_on": day(on)} | other))


def booked(cents: int, payment: UUID = PAYMENT, on: date = ON_TIME) -> PaymentBooked:
    return PaymentBooked(lease_id=LEASE, payment_id=payment, amount_cents=cents, effective_on=on)


def paid(rule: Any, payment: UUID = PAYMENT, **parts: int) -> PaymentAllocated:
    return PaymentAllocated(
        lease_id=LEASE,
        payment_id=payment,
        parts=pieces(parts),
        rule=rule,
    )


def credited(rule: Any, version: int, **parts: int) -> CreditAllocated:
    return CreditAllocated(
        lease_id=LEASE,
        credit_id=credit_id(version),
        parts=pieces(parts),
        rule=rule,
    )


def pieces(parts: dict[str, int]) -> tuple[Part, ...]:
    return tuple(Part(charge=int(name[1:]), amount_cents=cents) for name, cents in parts.items())


RENT, CHARGES = charge(1, "rent", 61240), charge(2, "charges", 9860)
JUNE_RENT = charge(
    3, "rent", 61240, due_on=LATER, effective_on=day("01/06/2026"), period=JUNE,
    invoice_id=OTHER_INVOICE,
)  # fmt: skip
JUNE_CHARGES = JUNE_RENT.model_copy(update={"charge": 4, "kind": "charges", "amount_cents": 9860})


def book(account: Given[RentAccount], cents: int, *designated: UUID, today: date = ON_TIME) -> Any:
    return account.when(RentAccount.book, LEASE, PAYMENT, cents, designated, today)


def test_a_debt_taken_over_is_due_on_the_day_of_the_old_books() -> None:
    account = given(RentAccount)
    account.when(RentAccount.open_with, LEASE, 41131, day("31/03/2026")).then(opening(41131))
    assert account.aggregate.balance_cents == 41131


def test_a_credit_taken_over_waits_for_a_debt() -> None:
    account = given(RentAccount)
    account.when(RentAccount.open_with, LEASE, -6100, day("31/03/2026")).then(
        credit(1, "opening_balance", 6100, "31/03/2026")
    )
    assert account.aggregate.balance_cents == -6100


def test_nothing_taken_over_is_no_posting() -> None:
    given(RentAccount).when(RentAccount.open_with, LEASE, 0, day("31/03/2026")).then()


def test_a_correction_is_a_posting_of_its_own() -> None:
    account = given(RentAccount, opening(41131))
    account.when(RentAccount.correct, LEASE, -1131, day("31/03/2026")).then(
        credit(2, "correction", 1131, "31/03/2026")
    )
    assert account.aggregate.opening_cents == 40000
    account.when(RentAccount.correct, LEASE, 500, day("31/03/2026")).then(
        opening(500).model_copy(update={"charge": 2, "kind": "correction"})
    )
    assert account.aggregate.opening_cents == account.aggregate.balance_cents == 40500
    account.when(RentAccount.correct, LEASE, 0, day("31/03/2026")).then()


def test_an_invoice_is_posted_line_by_line() -> None:
    account = given(RentAccount)
    account.when(RentAccount.bill, LEASE, INVOICE, MAY, bill(), BEFORE).then(RENT, CHARGES)
    assert account.aggregate.balance_cents == 71100


def test_a_posting_is_dated_with_the_first_day_that_it_pays_for() -> None:
    from_the_18th = tuple(
        line.model_copy(update={"first_on": day("18/05/2026")}) for line in bill().lines
    )
    told = given(RentAccount).when(
        RentAccount.bill, LEASE, INVOICE, MAY, Bill(from_the_18th, 0, 0, DUE), BEFORE
    )
    assert [e.effective_on for e in told.all(ChargePosted)] == [day("18/05/2026")] * 2


def test_benefit_pays_of_the_rent_first_and_the_tenant_owes_the_net() -> None:
    account = given(RentAccount)
    account.when(RentAccount.bill, LEASE, INVOICE, MAY, bill(benefit=24500), BEFORE).then(
        RENT,
        CHARGES,
        credit(3, "benefit", 24500, "01/05/2026", period=MAY, invoice_id=INVOICE),
        credited("designated", 3, c1=24500),
    )
    assert account.aggregate.balance_cents == 46600  # scenario 15


def test_benefit_above_the_rent_goes_on_to_the_charges() -> None:
    account = given(RentAccount)
    told = account.when(RentAccount.bill, LEASE, INVOICE, MAY, bill(benefit=62000), BEFORE)
    assert told.one(CreditAllocated) == credited("designated", 3, c1=61240, c2=760)


def test_surplus_benefit_is_due_to_the_tenant_and_pays_nothing_later() -> None:
    account = given(RentAccount)
    told = account.when(
        RentAccount.bill, LEASE, INVOICE, MAY, bill(benefit=71100, surplus=8900), BEFORE
    )
    surplus = credit(5, "benefit_surplus", 8900, "01/05/2026", period=MAY, invoice_id=INVOICE)
    assert told.all(CreditPosted)[1] == surplus
    assert account.aggregate.balance_cents == -8900
    account.when(RentAccount.bill, LEASE, OTHER_INVOICE, JUNE, bill(LATER), LATER).then(
        JUNE_RENT, JUNE_CHARGES
    )
    account.when(RentAccount.allocate_credit, day("31/12/2026")).then()


def test_a_payment_is_booked_and_allocated_at_once() -> None:
    account = given(RentAccount, RENT, CHARGES)
    book(account, 71100).then(booked(71100), paid("oldest", c1=61240, c2=9860))
    assert account.aggregate.balance_cents == 0


def test_a_part_payment_is_shared_pro_rata() -> None:
    account = given(RentAccount, RENT, CHARGES)
    book(account, 30000).then(booked(30000), paid("pro_rata", c1=25840, c2=4160))
    assert account.aggregate.balance_cents == 41100


def test_a_payment_is_booked_once() -> None:
    account = given(RentAccount, RENT, CHARGES, booked(30000))
    book(account, 30000).then()


def test_a_payment_ahead_stays_credit_until_the_due_date() -> None:
    account = given(RentAccount, RENT, CHARGES)
    book(account, 71100, today=BEFORE).then(booked(71100, on=BEFORE))
    account.when(RentAccount.allocate_credit, day("04/05/2026")).then()
    account.when(RentAccount.allocate_credit, DUE).then(paid("oldest", c1=61240, c2=9860))
    account.when(RentAccount.allocate_credit, DUE).then()


def test_surplus_pays_the_next_invoice_when_it_is_due_and_not_before() -> None:
    account = given(RentAccount, RENT, CHARGES, booked(80000), paid("oldest", c1=61240, c2=9860))
    account.when(RentAccount.bill, LEASE, OTHER_INVOICE, JUNE, bill(LATER), day("25/05/2026")).then(
        JUNE_RENT, JUNE_CHARGES
    )
    account.when(RentAccount.allocate_credit, LATER).then(paid("pro_rata", c3=7666, c4=1234))


def test_an_invoice_that_is_due_already_takes_the_credit_at_once() -> None:
    account = given(RentAccount, credit(1, "opening_balance", 6100, "31/03/2026"))
    told = account.when(RentAccount.bill, LEASE, INVOICE, MAY, bill(), DUE)
    assert told.one(CreditAllocated) == credited("pro_rata", 1, c1=5254, c2=846)


def test_the_oldest_credit_pays_first() -> None:
    account = given(
        RentAccount,
        booked(100, on=day("02/04/2026")),
        credit(2, "opening_balance", 100, "31/03/2026"),
        charge(1, "rent", 150),
    )
    told = account.when(RentAccount.allocate_credit, DUE)
    assert told.events == [credited("oldest", 2, c1=100), paid("oldest", c1=50)]


def test_a_designated_invoice_is_paid_before_an_older_one() -> None:
    account = given(RentAccount, RENT, CHARGES, JUNE_RENT, JUNE_CHARGES)
    book(account, 71100, OTHER_INVOICE).then(booked(71100), paid("designated", c3=61240, c4=9860))
    assert [c.open_cents for c in account.aggregate.of_period(MAY)] == [61240, 9860]


def test_a_payment_that_went_back_opens_the_debt_with_its_old_due_date() -> None:
    account = given(RentAccount, RENT, CHARGES, booked(71100), paid("oldest", c1=61240, c2=9860))
    account.when(RentAccount.unbook, PAYMENT, "chargeback", day("20/07/2026")).then(
        AllocationReversed(lease_id=LEASE, payment_id=PAYMENT, reason="chargeback"),
        PaymentUnbooked(
            lease_id=LEASE,
            payment_id=PAYMENT,
            amount_cents=71100,
            reason="chargeback",
            effective_on=day("20/07/2026"),
        ),
    )
    assert account.aggregate.balance_cents == 71100  # scenario 13
    assert [(c.open_cents, c.due_on) for c in account.aggregate.of_period(MAY)] == [
        (61240, DUE),
        (9860, DUE),
    ]


def test_what_others_paid_of_a_charge_stays_paid() -> None:
    account = given(
        RentAccount,
        charge(1, "rent", 1000),
        booked(400),
        paid("oldest", c1=400),
        booked(600, OTHER_PAYMENT),
        paid("oldest", OTHER_PAYMENT, c1=600),
    )
    account.when(RentAccount.unbook, PAYMENT, "returned", DUE)
    assert [c.open_cents for c in account.aggregate.of_period(MAY)] == [400]
    assert account.aggregate.balance_cents == 400


def test_a_payment_of_which_nothing_was_used_is_unbooked_without_a_reversal() -> None:
    told = given(RentAccount, booked(100)).when(RentAccount.unbook, PAYMENT, "refunded", DUE)
    assert [type(event) for event in told.events] == [PaymentUnbooked]


@pytest.mark.parametrize("payment", [OTHER_PAYMENT, credit_id(1)])
def test_only_a_booked_payment_is_unbooked(payment: UUID) -> None:
    account = given(RentAccount, credit(1, "opening_balance", 6100, "31/03/2026"), booked(100))
    account.when(RentAccount.unbook, payment, "returned", DUE).refused(NotBooked)


def test_a_payment_is_unbooked_once_and_may_be_booked_again() -> None:
    account = given(RentAccount, RENT, CHARGES, booked(100))
    account.when(RentAccount.unbook, PAYMENT, "chargeback", DUE).accepted()
    account.when(RentAccount.unbook, PAYMENT, "chargeback", DUE).refused(NotBooked)
    book(account, 100).then(booked(100), paid("pro_rata", c1=86, c2=14))


def test_what_is_due_from_before_a_period() -> None:
    account = given(
        RentAccount, opening(500), RENT.model_copy(update={"charge": 2}), JUNE_RENT
    ).aggregate
    assert account.open_before(MAY, DUE) == 500
    assert account.open_before(JUNE, DUE) == 500 + 61240
    assert account.open_before(MAY, day("30/03/2026")) == 0
