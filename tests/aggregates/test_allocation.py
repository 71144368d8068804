"""What a sum pays first: designated, then due and oldest, pro rata within a date (rule C3)."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given as any_of
from hypothesis import strategies as st

from aggregates.allocation import Charge, allocate
from domain.rent_account import ChargeKind
from tests.given import INVOICE, OTHER_INVOICE, PAYMENT, day

MAY, JUNE, TODAY = day("05/05/2026"), day("05/06/2026"), day("06/05/2026")


def charge(
    number: int, cents: int, due_on: date = MAY, invoice: object = INVOICE, paid: int = 0
) -> Charge:
    kind: ChargeKind = "rent" if number % 2 else "charges"
    parts = ((PAYMENT, paid),) if paid else ()
    return Charge(number, kind, cents, due_on, None, invoice, parts)  # type: ignore[arg-type]


FLAT = [charge(1, 61240), charge(2, 9860)]
NEXT = [charge(3, 61240, JUNE, OTHER_INVOICE), charge(4, 9860, JUNE, OTHER_INVOICE)]


def paid(cents: int, charges: list[Charge], *designated: object, today: date = TODAY) -> object:
    parts, rule = allocate(cents, charges, designated, today)  # type: ignore[arg-type]
    return {part.charge: part.amount_cents for part in parts}, rule


def test_cents_of_one_due_date_are_shared_pro_rata() -> None:
    assert paid(30000, FLAT) == ({1: 25840, 2: 4160}, "pro_rata")  # scenario 12


def test_a_tie_of_remainders_goes_to_the_first_line() -> None:
    assert paid(1, [charge(1, 100), charge(2, 100)]) == ({1: 1}, "pro_rata")
    assert paid(3, [charge(1, 100), charge(2, 100)]) == ({1: 2, 2: 1}, "pro_rata")


def test_the_oldest_due_date_comes_first() -> None:
    assert paid(80000, [*NEXT, *FLAT], today=JUNE) == (
        {1: 61240, 2: 9860, 3: 7666, 4: 1234},
        "pro_rata",
    )
    assert paid(71100, [*NEXT, *FLAT], today=JUNE) == ({1: 61240, 2: 9860}, "oldest")


def test_an_older_debt_that_was_posted_later_comes_first() -> None:
    corrected = charge(5, 500, MAY - timedelta(days=35))
    assert paid(600, [*FLAT, corrected]) == ({5: 500, 1: 86, 2: 14}, "pro_rata")


def test_what_is_not_due_is_not_paid() -> None:
    assert paid(100000, [*FLAT, *NEXT]) == ({1: 61240, 2: 9860}, "oldest")
    assert paid(100000, NEXT) == ({}, "oldest")
    assert paid(100, NEXT, today=JUNE - timedelta(days=1)) == ({}, "oldest")


def test_a_designated_invoice_is_paid_first_even_before_it_is_due() -> None:
    assert paid(71100, [*FLAT, *NEXT], OTHER_INVOICE) == ({3: 61240, 4: 9860}, "designated")


def test_what_a_designated_invoice_does_not_take_pays_the_oldest_debt() -> None:
    assert paid(71200, [*FLAT, *NEXT], OTHER_INVOICE) == (
        {3: 61240, 4: 9860, 1: 86, 2: 14},
        "designated",
    )


def test_a_designated_invoice_that_is_paid_already_leaves_the_rule_to_the_law() -> None:
    settled = [charge(1, 61240, paid=61240), charge(2, 9860, paid=9860)]
    assert paid(71100, [*settled, *NEXT], INVOICE, today=JUNE) == ({3: 61240, 4: 9860}, "oldest")


def test_only_what_is_open_is_paid() -> None:
    half = [charge(1, 61240, paid=61000), charge(2, 9860, paid=9000)]
    assert paid(100000, half) == ({1: 240, 2: 860}, "oldest")


charges = st.lists(
    st.tuples(st.integers(1, 10**6), st.integers(0, 3), st.booleans(), st.integers(0, 10**6)),
    max_size=8,
).map(
    lambda drawn: [
        charge(
            number,
            cents,
            MAY + timedelta(days=31 * later),
            INVOICE if ours else OTHER_INVOICE,
            min(cents, already),
        )
        for number, (cents, later, ours, already) in enumerate(drawn, 1)
    ]
)


@any_of(st.integers(1, 10**7), charges, st.sampled_from([(), (INVOICE,), (OTHER_INVOICE, INVOICE)]))
def test_no_sum_pays_more_than_itself_or_than_what_is_open(
    cents: int, asked: list[Charge], designated: tuple[object, ...]
) -> None:
    parts, _ = allocate(cents, asked, designated, TODAY)  # type: ignore[arg-type]
    by_number = {c.number: c for c in asked}
    assert len({part.charge for part in parts}) == len(parts)
    assert all(part.amount_cents <= by_number[part.charge].open_cents for part in parts)
    payable = sum(c.open_cents for c in asked if c.due_on <= TODAY or c.invoice_id in designated)
    assert sum(part.amount_cents for part in parts) == min(cents, payable)
