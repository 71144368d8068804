"""A month is billed once for each lease, without a gap, wherever and how often it is stopped."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from threading import Barrier

import pytest

from commands import PARIS
from domain.period import Period
from projections import projected
from projections.balances import AccountRow, Balances
from projections.invoices import InvoiceRow, Invoices
from system.billing import TooFarAhead, bill, look_out, refuse_too_far_ahead
from system.rent_roll import import_rent_roll
from tests.system.engines import PROJECT
from tests.system.rolls import new_agency, roll, rooms, row

NOVEMBER = Period(2026, 11)
LEASES = 40

BILLING = """
import sys
from pathlib import Path
from domain.period import Period
from journal import agency_id
from system.billing import bill, look_out
from tests.system.rolls import rooms
url, data_dir = sys.argv[1:]
with rooms(url, Path(data_dir)) as parts:
    agency, month = agency_id("metz"), Period(2026, 11)
    leases = look_out(parts, agency, month).leases
    bill(parts.office, agency, month, leases, at_once=2,
         on_progress=lambda done, total: print(done, flush=True))
"""


@pytest.fixture
def parts(database_url, tmp_path):
    with rooms(database_url, tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def agency(parts):
    agency = new_agency(parts)
    import_rent_roll(parts.office, agency, roll(map(row, range(1, LEASES + 1))))
    return agency


def leases_of(parts, agency, period=NOVEMBER):
    return look_out(parts, agency, period).leases


def on(parts, now):
    """The same premises on another day."""
    return replace(parts, office=replace(parts.office, clock=lambda: now))


def invoices_of(parts, agency):
    entries = list(parts.journal.read_all(agency))
    return projected(Invoices(), entries).all(InvoiceRow)


def assert_each_lease_has_one(parts, agency, count=LEASES):
    invoices = invoices_of(parts, agency)
    assert len({invoice.lease_id for invoice in invoices}) == len(invoices) == count
    year = parts.office.clock().astimezone(PARIS).year
    assert sorted(invoice.number for invoice in invoices) == [
        f"F-{year}-{number:06d}" for number in range(1, count + 1)
    ]


def test_a_dry_run_reckons_what_the_real_run_issues(parts, agency):
    leases = leases_of(parts, agency)
    before = parts.journal.head(agency)

    reckoned = bill(parts.office, agency, NOVEMBER, leases, dry_run=True, at_once=7)

    assert parts.journal.head(agency) == before
    assert reckoned.invoices == LEASES
    assert bill(parts.office, agency, NOVEMBER, leases, at_once=7) == reckoned
    assert_each_lease_has_one(parts, agency)
    assert sum(invoice.total_cents for invoice in invoices_of(parts, agency)) == (
        reckoned.total_cents
    )


def test_a_month_that_is_billed_is_passed_over(parts, agency):
    leases = leases_of(parts, agency)
    bill(parts.office, agency, NOVEMBER, leases)
    balances = projected(Balances(), parts.journal.read_all(agency)).all(AccountRow)

    for dry_run in (True, False):
        again = bill(parts.office, agency, NOVEMBER, leases, dry_run=dry_run)
        assert (again.invoices, again.total_cents, again.already_issued) == (0, 0, LEASES)
    assert projected(Balances(), parts.journal.read_all(agency)).all(AccountRow) == balances


def test_only_leases_that_run_in_the_month_are_billed(parts):
    agency = new_agency(parts)
    rows = [
        row(1, left_on="31/10/2026"),
        row(2, left_on="01/11/2026", rent="300,00", charges="0,00"),
        row(3, entered_on="01/12/2026"),
        row(4, rent="300,00", charges="0,00"),
    ]
    import_rent_roll(parts.office, agency, roll(rows))

    billed = bill(parts.office, agency, NOVEMBER, leases_of(parts, agency))

    assert (billed.invoices, billed.total_cents) == (2, 300_00 + 10_00)


@pytest.mark.parametrize("heard", [1, 2, 6, 15])
def test_killed_anywhere_and_run_again_it_ends_with_one_invoice_each(
    parts, agency, database_url, tmp_path, heard
):
    killed = subprocess.Popen(
        [sys.executable, "-c", BILLING, database_url, str(tmp_path / "data")],
        stdout=subprocess.PIPE,
        cwd=PROJECT,
    )
    with killed:
        for _ in range(heard):
            killed.stdout.readline()
        killed.kill()
    begun = len(invoices_of(parts, agency))
    assert begun >= 2 * (heard - 1)
    assert begun % 2 == 0

    rest = bill(parts.office, agency, NOVEMBER, leases_of(parts, agency))

    assert (rest.invoices, rest.already_issued) == (LEASES - begun, begun)
    assert_each_lease_has_one(parts, agency)


def test_two_billings_of_one_month_at_once_bill_it_once(parts, agency, database_url, tmp_path):
    together = Barrier(2)

    def billing(own_parts):
        leases = leases_of(own_parts, agency)
        together.wait()
        return bill(own_parts.office, agency, NOVEMBER, leases, at_once=3)

    with (
        rooms(database_url, tmp_path / "data") as other,
        ThreadPoolExecutor(2) as threads,
    ):
        results = list(threads.map(billing, (parts, other)))

    assert sum(result.invoices for result in results) == LEASES
    assert sum(result.already_issued for result in results) == LEASES
    assert_each_lease_has_one(parts, agency)


def test_a_month_far_ahead_of_today_and_of_the_books_is_refused(parts, agency):
    parts = on(parts, datetime(2026, 11, 21, 12, tzinfo=UTC))

    for period, allowed in (((2027, 1), True), ((2027, 2), False), ((2199, 12), False)):
        outlook = look_out(parts, agency, Period(*period))
        if allowed:
            refuse_too_far_ahead(outlook, Period(*period))
        else:
            with pytest.raises(TooFarAhead):
                refuse_too_far_ahead(outlook, Period(*period))


def test_the_month_after_the_books_is_never_too_far_ahead(parts, agency):
    parts = on(parts, datetime(2020, 1, 1, tzinfo=UTC))

    outlook = look_out(parts, agency, NOVEMBER)

    assert (outlook.months_ahead, outlook.in_former_books) == (1, 0)
    assert look_out(parts, agency, Period(2026, 10)).in_former_books == LEASES
