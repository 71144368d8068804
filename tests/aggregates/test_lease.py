"""What a lease asks for each month, to the cent and to the day."""

from __future__ import annotations

from typing import Any

import pytest

from aggregates.lease import Bill, EndsBeforeItStarts, Lease, Reading
from domain.lease import LeaseAmended, LeaseEnded, LeaseSigned, Tenant
from domain.period import NotAPeriod, Period
from tests.given import LEASE, LOT, PARTY, Given, day, given, month, terms

TENANTS = (Tenant(party_id=PARTY),)


def signed(start: str, **asked: Any) -> LeaseSigned:
    return LeaseSigned(
        lease_id=LEASE,
        reference="L-0312",
        lot_ids=(LOT,),
        tenants=TENANTS,
        start_on=day(start),
        terms=terms(**asked),
    )


def amended(on: str, start: str = "01/01/2026", ended: str | None = None, **asked: Any) -> Any:
    return LeaseAmended(
        lease_id=LEASE,
        effective_on=day(on),
        reason="rent_roll",
        lot_ids=(LOT,),
        tenants=TENANTS,
        start_on=day(start),
        ended_on=None if ended is None else day(ended),
        terms=terms(**asked),
    )


def ended(on: str) -> LeaseEnded:
    return LeaseEnded(lease_id=LEASE, ended_on=day(on))


def reading(start: str = "01/01/2026", ended: str | None = None, **asked: Any) -> Reading:
    return Reading(
        lot_ids=(LOT,),
        tenants=TENANTS,
        start_on=day(start),
        ended_on=None if ended is None else day(ended),
        terms=terms(**asked),
    )


def billed(lease: Given[Lease], period: str) -> Bill:
    bill = lease.aggregate.bill(month(period))
    assert bill is not None
    return bill


def amounts(lease: Given[Lease], period: str) -> list[tuple[str, int]]:
    return [(line.kind, line.amount_cents) for line in billed(lease, period).lines]


def test_a_whole_month_costs_rent_and_charges() -> None:
    lease = given(Lease, signed("01/01/2026"))
    assert amounts(lease, "2026-05") == [("rent", 61240), ("charges", 9860)]
    assert billed(lease, "2026-05").total_cents == 71100
    (rent, charges) = billed(lease, "2026-05").lines
    assert (rent.first_on, rent.last_on) == (day("01/05/2026"), day("31/05/2026"))
    assert (charges.first_on, charges.last_on) == (day("01/05/2026"), day("31/05/2026"))


@pytest.mark.parametrize(
    ("start", "rent", "charges", "expected"),
    [
        ("18/02/2028", 61240, 9860, [25340, 4080]),  # scenario 22, a leap year
        ("18/02/2027", 61240, 9860, [24058, 3873]),  # scenario 22
        ("17/05/2026", 61240, 9860, [29632, 4770]),  # rule C6.2: 15 of 31 days
        ("18/02/2028", 62000, 0, [25655]),
        ("17/02/2027", 62000, 0, [26571]),
        ("25/10/2026", 80000, 0, [18064]),  # the published example: 7 × 800 / 31
        ("31/10/2026", 30, 0, []),  # less than a cent is nothing
    ],
)
def test_a_partial_month_is_counted_in_real_days_and_rounded_down(
    start: str, rent: int, charges: int, expected: list[int]
) -> None:
    lease = given(Lease, signed(start, rent_cents=rent, charges_cents=charges))
    bill = billed(lease, str(Period.of(day(start))))
    assert [line.amount_cents for line in bill.lines] == expected
    assert all(line.first_on == day(start) for line in bill.lines)


def test_the_last_month_is_billed_to_its_last_day() -> None:
    lease = given(Lease, signed("01/01/2026"), ended("15/06/2026"))
    assert amounts(lease, "2026-06") == [("rent", 30620), ("charges", 4930)]  # scenario 35
    assert lease.aggregate.bill(month("2026-07")) is None


def test_a_lease_of_one_month_starts_and_ends_within_it() -> None:
    lease = given(Lease, signed("10/06/2026"), ended("19/06/2026"))
    assert amounts(lease, "2026-06") == [("rent", 61240 * 10 // 30), ("charges", 9860 * 10 // 30)]
    (rent, _) = billed(lease, "2026-06").lines
    assert (rent.first_on, rent.last_on) == (day("10/06/2026"), day("19/06/2026"))
    assert lease.aggregate.bill(month("2026-05")) is None
    assert lease.aggregate.bill(month("2026-07")) is None


def test_a_lease_of_one_day_owes_one_day() -> None:
    lease = given(Lease, signed("29/02/2028"), ended("29/02/2028"))
    assert amounts(lease, "2028-02") == [("rent", 61240 // 29), ("charges", 9860 // 29)]


@pytest.mark.parametrize(
    ("term", "due_day", "period", "due"),
    [
        ("advance", 5, "2026-11", "05/11/2026"),
        ("arrears", 5, "2026-11", "05/12/2026"),
        ("arrears", 10, "2026-12", "10/01/2027"),
        ("advance", 29, "2027-02", "28/02/2027"),
        ("advance", 29, "2028-02", "29/02/2028"),
        ("advance", 30, "2028-02", "29/02/2028"),
        ("advance", 31, "2026-11", "30/11/2026"),
        ("advance", 31, "2026-12", "31/12/2026"),
        ("arrears", 31, "2027-01", "28/02/2027"),
        ("arrears", 31, "2026-10", "30/11/2026"),
        ("arrears", 30, "2027-12", "30/01/2028"),
    ],
)
def test_the_due_day_is_the_last_day_of_a_month_that_is_too_short(
    term: str, due_day: int, period: str, due: str
) -> None:
    lease = given(Lease, signed("01/01/2026", payment_term=term, due_day=due_day))
    assert billed(lease, period).due_on == day(due)


def test_nothing_is_due_before_the_day_of_entry() -> None:
    lease = given(Lease, signed("18/11/2026", payment_term="advance", due_day=5))
    assert billed(lease, "2026-11").due_on == day("18/11/2026")
    assert billed(lease, "2026-12").due_on == day("05/12/2026")


def test_no_month_comes_after_the_last_that_can_be_billed() -> None:
    lease = given(Lease, signed("01/01/2026", payment_term="arrears")).aggregate
    with pytest.raises(NotAPeriod):
        lease.bill(month("2199-12"))


def test_an_amendment_splits_its_month() -> None:
    lease = given(Lease, signed("01/01/2026"), amended("11/11/2026", rent_cents=70000))
    assert amounts(lease, "2026-10") == [("rent", 61240), ("charges", 9860)]
    lines = billed(lease, "2026-11").lines
    assert [(x.kind, x.first_on, x.last_on, x.amount_cents) for x in lines if x.kind == "rent"] == [
        ("rent", day("01/11/2026"), day("10/11/2026"), 61240 * 10 // 30),
        ("rent", day("11/11/2026"), day("30/11/2026"), 70000 * 20 // 30),
    ]
    assert amounts(lease, "2026-12") == [("rent", 70000), ("charges", 9860)]


@pytest.mark.parametrize(
    ("on", "before"), [("01/11/2026", 0), ("02/11/2026", 1), ("30/11/2026", 29)]
)
def test_an_amendment_counts_from_its_own_day_on(on: str, before: int) -> None:
    lease = given(Lease, signed("01/01/2026"), amended(on, rent_cents=70000))
    rents = [cents for kind, cents in amounts(lease, "2026-11") if kind == "rent"]
    shares = [61240 * before // 30, 70000 * (30 - before) // 30]
    assert rents == [cents for cents in shares if cents]


def test_what_is_in_force_at_the_end_of_a_month_decides_its_benefit_and_due_date() -> None:
    lease = given(Lease, signed("01/01/2026"), amended("11/11/2026", benefit_cents=100, due_day=9))
    assert billed(lease, "2026-11").benefit_cents == 100
    assert billed(lease, "2026-11").due_on == day("09/11/2026")
    assert billed(lease, "2026-10").benefit_cents == 0


def test_what_an_amendment_leaves_alone_is_not_split() -> None:
    """A month whose rent did not change costs the rent, not a cent less."""
    others: list[dict[str, Any]] = [{"due_day": 10}, {"charges_cents": 1}, {"deposit_cents": 1}]
    for other in others:
        lease = given(Lease, signed("01/01/2026"), amended("11/11/2026", **other))
        assert ("rent", 61240) in amounts(lease, "2026-11")


def test_a_start_that_was_corrected_does_not_split_the_first_month() -> None:
    lease = given(Lease, signed("18/02/2026"), amended("20/03/2026", start="10/02/2026"))
    assert amounts(lease, "2026-02") == [("rent", 61240 * 19 // 28), ("charges", 9860 * 19 // 28)]


def test_an_amendment_taken_back_on_the_same_day_leaves_no_trace_in_the_bill() -> None:
    lease = given(
        Lease, signed("01/01/2026"), amended("11/11/2026", rent_cents=1), amended("11/11/2026")
    )
    assert amounts(lease, "2026-11") == [("rent", 61240), ("charges", 9860)]


def test_an_amendment_before_the_lease_starts_counts_from_its_start() -> None:
    lease = given(
        Lease, signed("18/02/2027"), amended("01/12/2026", start="18/02/2027", rent_cents=62000)
    )
    assert amounts(lease, "2027-02")[0] == ("rent", 62000 * 11 // 28)


def test_a_later_amendment_counts_over_an_earlier_one() -> None:
    lease = given(
        Lease,
        signed("01/01/2026"),
        amended("11/11/2026", rent_cents=62000),
        amended("21/11/2026", rent_cents=63000),
    )
    rents = [cents for kind, cents in amounts(lease, "2026-11") if kind == "rent"]
    assert rents == [61240 * 10 // 30, 62000 * 10 // 30, 63000 * 10 // 30]


def test_benefit_is_deducted_for_a_whole_month() -> None:
    bill = billed(given(Lease, signed("01/01/2026", benefit_cents=24500)), "2026-05")
    assert (bill.total_cents, bill.benefit_cents, bill.benefit_surplus_cents) == (71100, 24500, 0)


@pytest.mark.parametrize("lease", [("18/05/2026", "31/12/2026"), ("01/01/2026", "30/05/2026")])
def test_benefit_is_not_deducted_for_a_partial_month(lease: tuple[str, str]) -> None:
    bill = billed(given(Lease, signed(lease[0], benefit_cents=24500), ended(lease[1])), "2026-05")
    assert (bill.benefit_cents, bill.benefit_surplus_cents) == (0, 0)


def test_benefit_is_deducted_for_a_last_month_that_is_whole() -> None:
    lease = given(Lease, signed("01/05/2026", benefit_cents=24500), ended("31/05/2026"))
    assert billed(lease, "2026-05").benefit_cents == 24500


def test_benefit_never_takes_the_month_below_zero() -> None:
    bill = billed(given(Lease, signed("01/01/2026", benefit_cents=80000)), "2026-05")
    assert (bill.benefit_cents, bill.benefit_surplus_cents) == (71100, 8900)


def test_to_sign_is_told_once_with_its_end() -> None:
    given(Lease).when(
        Lease.sign, "L-0312", reading("01/01/2026", "30/06/2026"), day("31/10/2026")
    ).then(
        signed("01/01/2026").model_copy(update={"taken_over_on": day("31/10/2026")}),
        ended("30/06/2026"),
    )


def test_a_lease_does_not_end_before_it_starts() -> None:
    backwards = reading("02/01/2026", "01/01/2026")
    given(Lease).when(Lease.sign, "L-0312", backwards, None).refused(EndsBeforeItStarts)
    lease = given(Lease, signed("01/01/2026"))
    lease.when(Lease.amend, backwards, day("01/05/2026"), "rent_roll").refused(EndsBeforeItStarts)


def test_an_amendment_that_says_the_same_is_none() -> None:
    lease = given(Lease, signed("01/01/2026"))
    lease.when(Lease.amend, reading(), day("11/11/2026"), "rent_roll").then()
    lease.when(Lease.amend, reading(rent_cents=1), day("11/11/2026"), "rent_roll").then(
        amended("11/11/2026", rent_cents=1)
    )


def test_an_amendment_may_take_an_end_back() -> None:
    lease = given(Lease, signed("01/01/2026"), ended("30/06/2026"), amended("01/07/2026"))
    assert lease.aggregate.bill(month("2026-08")) is not None


def test_ended_twice_is_ended_once() -> None:
    lease = given(Lease, signed("01/01/2026"), ended("30/06/2026"))
    lease.when(Lease.end, day("30/06/2026")).then()
    lease.when(Lease.end, day("15/07/2026")).then(ended("15/07/2026"))
