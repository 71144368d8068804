"""The demo agency's year is the same always, and whole however often its making is stopped."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta

import psycopg

from commands import PARIS
from domain.payment import PaymentInitiated
from journal import agency_id
from projections import projected
from projections.balances import AccountRow, Balances
from projections.invoices import InvoiceRow, Invoices
from projections.payments import PaymentRow, Payments
from system.demo import SLUG, seed
from system.demo_year import year_before
from system.postgres import create_database, drop_database
from tests.system.engines import PROJECT
from tests.system.rolls import rooms

SEEDING = """
import sys
from pathlib import Path
from system.demo import seed
from tests.system.rolls import rooms
with rooms(sys.argv[1], Path(sys.argv[2])) as parts:
    seed(parts)
"""
DEMO = agency_id(SLUG)


def year_of(parts):
    """What a year came to, apart from the ids that are given by time."""
    entries = list(parts.journal.read_all(DEMO))
    invoices = projected(Invoices(), entries).all(InvoiceRow)
    payments = projected(Payments(), entries).all(PaymentRow)
    names = [entry.name for entry in entries]
    return {
        "accounts": projected(Balances(), entries).all(AccountRow),
        "invoices": sorted(
            (i.lease_id, i.period, i.total_cents, i.due_on, i.issued_on) for i in invoices
        ),
        "payments": sorted((p.lease_id, p.amount_cents, p.state) for p in payments),
        "names": {name: names.count(name) for name in names if name != "NumbersTaken"},
    }


def test_a_start_that_was_killed_is_completed_by_the_next(empty_database_url, tmp_path):
    whole_url = create_database(empty_database_url, f"{empty_database_url.split('/')[-1]}_whole")
    try:
        with rooms(whole_url, tmp_path / "data") as parts:
            assert seed(parts) is True
            whole = year_of(parts)
            position = parts.journal.head(DEMO)[0]
            assert seed(parts) is False
            assert parts.journal.head(DEMO)[0] == position
    finally:
        drop_database(empty_database_url, whole_url.split("/")[-1])

    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("LISTEN journal")
        killed = subprocess.Popen(
            [sys.executable, "-c", SEEDING, empty_database_url, str(tmp_path / "data")],
            cwd=PROJECT,
        )
        with killed:
            heard = list(connection.notifies(timeout=30, stop_after=60))
            killed.kill()
    assert heard

    with rooms(empty_database_url, tmp_path / "data") as parts:
        begun = parts.journal.head(DEMO)[0]
        assert 0 < begun < position
        assert seed(parts) is True
        assert year_of(parts) == whole
        assert_a_year_of_all_kinds(parts, whole)


def assert_a_year_of_all_kinds(parts, year):
    states = {state for _, _, state in year["payments"]}
    assert states >= {"settled", "failed", "unknown"}
    assert len(year["accounts"]) == 40
    assert len({period for _, period, *_ in year["invoices"]}) == 12
    due = [account.booked_cents for account in year["accounts"]]
    assert min(due) < 0 < max(due)
    for name in ("LeaseAmended", "RentReceiptIssued", "PartialReceiptIssued", "TaskRaised"):
        assert year["names"][name]
    today = parts.office.clock().astimezone(PARIS).date()
    issued_on = [issued for *_, issued in year["invoices"]]
    assert max(issued_on) < today
    assert min(issued_on) < today - timedelta(days=330)
    first = next(e for e in parts.journal.read_all(DEMO) if isinstance(e.event, PaymentInitiated))
    assert first.effective_on < today - timedelta(days=300)


def test_the_plan_of_any_day_has_distinct_keys_in_order_and_ends_before_it():
    for day in (date(2026, 1, 1), date(2026, 3, 1), date(2028, 2, 29), date(2026, 12, 31)):
        steps = year_before(day, DEMO, 500_000)
        assert len({step.key for step in steps}) == len(steps)
        assert [step.at for step in steps] == sorted(step.at for step in steps)
        assert steps[-1].at.astimezone(PARIS).date() == day - timedelta(days=1)
