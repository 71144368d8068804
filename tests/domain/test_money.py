"""Money is cut and shared so that no cent appears or vanishes."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.money import (
    LIMIT_CENTS,
    Cents,
    PositiveCents,
    round_down,
    share_of_month,
    split_pro_rata,
)
from domain.period import Period

amounts = st.integers(0, LIMIT_CENTS)
weights = st.lists(st.integers(0, 10**9), max_size=8)
months = st.builds(Period, st.integers(1990, 2100), st.integers(1, 12))


@pytest.mark.parametrize(
    ("rent_cents", "index", "reference", "revised_cents"),
    [
        (50_000, 12_938, 12_722, 50_848),  # ANIL's own example, C4.6
        (61_240, 14_346, 13_861, 63_382),
        (48_025, 14_464, 14_206, 48_897),
    ],
)
def test_a_revised_rent_is_cut_to_the_cent(
    rent_cents: int, index: int, reference: int, revised_cents: int
) -> None:
    assert round_down(Fraction(rent_cents * index, reference)) == revised_cents


@pytest.mark.parametrize(
    ("monthly_cents", "first_on", "last_on", "share_cents"),
    [
        (80_000, date(2026, 1, 1), date(2026, 1, 7), 18_064),  # PAP's example, C6.2
        (61_240, date(2026, 5, 17), date(2026, 5, 31), 29_632),
        (9_860, date(2026, 5, 17), date(2026, 5, 31), 4_770),
        (62_000, date(2028, 2, 18), date(2028, 2, 29), 25_655),
        (62_000, date(2027, 2, 17), date(2027, 2, 28), 26_571),
        (61_240, date(2028, 2, 18), date(2028, 2, 29), 25_340),  # scenario 22
        (9_860, date(2028, 2, 18), date(2028, 2, 29), 4_080),
        (61_240, date(2027, 2, 18), date(2027, 2, 28), 24_058),
        (9_860, date(2027, 2, 18), date(2027, 2, 28), 3_873),
        (61_240, date(2026, 6, 1), date(2026, 6, 15), 30_620),  # scenario 35
        (9_860, date(2026, 6, 1), date(2026, 6, 15), 4_930),
    ],
)
def test_a_partial_month_is_real_days_cut_to_the_cent(
    monthly_cents: int, first_on: date, last_on: date, share_cents: int
) -> None:
    assert share_of_month(monthly_cents, first_on, last_on) == share_cents


@given(amounts, months, st.integers(1, 30))
def test_two_parts_of_a_month_never_exceed_it(cents: int, month: Period, cut: int) -> None:
    cut = min(cut, month.days() - 1)
    before = share_of_month(cents, month.first_on, month.first_on.replace(day=cut))
    after = share_of_month(cents, month.first_on.replace(day=cut + 1), month.last_on)
    assert 0 <= cents - before - after <= 1
    assert share_of_month(cents, month.first_on, month.last_on) == cents


@pytest.mark.parametrize(
    ("first_on", "last_on"),
    [
        (date(2026, 1, 31), date(2026, 2, 1)),
        (date(2026, 1, 2), date(2026, 1, 1)),
        (date(2026, 1, 1), date(2027, 1, 1)),
    ],
)
def test_a_share_of_a_month_lies_within_it(first_on: date, last_on: date) -> None:
    with pytest.raises(ValueError, match="within one month"):
        share_of_month(100, first_on, last_on)


def test_one_payment_is_shared_by_rent_and_charges() -> None:
    assert split_pro_rata(30_000, [61_240, 9_860]) == [25_840, 4_160]  # scenario 12


def test_equal_remainders_go_to_the_first_line() -> None:
    assert split_pro_rata(1, [50, 50]) == [1, 0]
    assert split_pro_rata(2, [100, 100, 100]) == [1, 1, 0]


@given(weights, st.data())
def test_the_parts_of_a_split_sum_to_it(shares: list[int], drawn: st.DataObject) -> None:
    amount = drawn.draw(st.integers(0, sum(shares)))
    parts = split_pro_rata(amount, shares)
    assert sum(parts) == amount
    assert all(0 <= part <= share for part, share in zip(parts, shares, strict=True))
    for part, share in zip(parts, shares, strict=True):
        assert not share or abs(Fraction(amount * share, sum(shares)) - part) < 1


@pytest.mark.parametrize(("amount", "shares"), [(-1, [1]), (2, [1]), (1, []), (1, [0, 0])])
def test_more_than_there_is_cannot_be_split(amount: int, shares: list[int]) -> None:
    with pytest.raises(ValueError, match="can be split"):
        split_pro_rata(amount, shares)


def test_nothing_is_split_into_nothing() -> None:
    assert split_pro_rata(0, []) == []
    assert split_pro_rata(0, [0, 0]) == [0, 0]


@given(st.fractions())
def test_rounding_goes_towards_zero(amount: Fraction) -> None:
    rounded = round_down(amount)
    assert abs(rounded) <= abs(amount) < abs(rounded) + 1
    assert round_down(-amount) == -rounded


@pytest.mark.parametrize("wrong", [1.0, "1", True, None, LIMIT_CENTS + 1, float("nan")])
def test_only_whole_cents_within_the_limit_are_money(wrong: object) -> None:
    for kind in (Cents, PositiveCents):
        with pytest.raises(ValidationError):
            TypeAdapter(kind).validate_python(wrong)


def test_what_is_paid_is_at_least_a_cent() -> None:
    assert TypeAdapter(PositiveCents).validate_python(1) == 1
    for wrong in (0, -1):
        with pytest.raises(ValidationError):
            TypeAdapter(PositiveCents).validate_python(wrong)
