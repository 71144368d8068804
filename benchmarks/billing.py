"""A month's invoices for 10,000 leases against stock saves of as many events.

Ours is the billing run itself (`system.billing.bill`, some hundreds of leases in one append, on
what a process finds that has just been started): invoices, postings and numbers, without PDFs and
without the projector. Each round bills the same month in a fresh copy of the same agency. The
other side is the stock application at its best of 1, 8 and 32 threads, measured for some seconds
and taken at that rate: one event in a save, as in the other rows, and told apart, as many events
in a save as our run has for each lease, as an application that bills a lease at a time would.
All events are as long as ours are on average.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import date
from time import perf_counter
from typing import NamedTuple
from uuid import UUID

import psycopg

from benchmarks import Bench, Measured, ours
from benchmarks.stock import best, stock, tell
from commands import Asked, Office, execute
from commands.rent_roll import TakeOverLease
from domain.lease import Terms
from domain.period import Period
from domain.principal import OPERATOR
from journal import agency_id
from system.billing import bill
from system.postgres import with_database

TITLE = "a month billed, postings included, without PDFs, against stock saves of as many events"
GOAL = "8 ×"

AGENCY = agency_id("agence-0")
PERIOD = Period(2026, 11)
SEEDING_THREADS = 16
SEEDED = "seeded"


class Run(NamedTuple):
    """One billing run."""

    invoices: int
    events: int
    seconds: float


def measure(bench: Bench) -> Measured:
    measured = Measured()
    with ExitStack() as stack:
        stack.enter_context(bench.database(SEEDED))
        lease_ids = _seed(bench)
        first, payload_bytes = _billed(bench, lease_ids)
        theirs = stack.enter_context(
            stock(stack.enter_context(bench.database("stock")), payload_bytes)
        )
        per_lease = round(first.events / first.invoices)
        for _ in bench.each_round():
            run, _ = _billed(bench, lease_ids)
            singly = theirs.turns(bench.turn_seconds / 2)
            by_lease = theirs.turns(bench.turn_seconds / 2, events=per_lease)
            rate = run.events / run.seconds
            measured.ratio("ours to stock, one event a save", rate, best(singly))
            measured.ratio("ours to stock, one lease a save", rate, per_lease * best(by_lease))
            measured.add("ours, events", rate, "1/s")
            measured.add("ours, leases", run.invoices / run.seconds, "1/s")
            measured.add("ours, the whole month", run.seconds, "s")
            tell(measured, singly, lambda pace: pace.per_second)
            measured.add("stock, events at a lease a save", per_lease * best(by_lease), "1/s")
        measured.note(
            f"{first.invoices} leases, {first.events} events of {payload_bytes} bytes on average, "
            f"{per_lease} for each lease; stock measured for seconds, not for as many events"
        )
    return measured


def _seed(bench: Bench) -> list[UUID]:
    """One agency with its leases, as an import leaves it, in a database to be copied."""
    leases = bench.size(10_000, 1_000)
    with _connected(bench, SEEDED) as office:
        office.journal.open_log(AGENCY)
        asked = Asked(OPERATOR, AGENCY)
        with ThreadPoolExecutor(SEEDING_THREADS) as threads:
            answers = threads.map(
                lambda number: execute(office, _row(number), asked), range(leases)
            )
            return [UUID(str(answer.ids["lease_id"])) for answer in answers]


def _billed(bench: Bench, lease_ids: list[UUID]) -> tuple[Run, int]:
    """Bill the month in a fresh copy; what came of it, and how long its events are."""
    with bench.database("ours", template=SEEDED), _connected(bench, "ours") as office:
        before, _ = office.journal.head(AGENCY)
        began = perf_counter()
        billed = bill(office, AGENCY, PERIOD, lease_ids)
        took_seconds = perf_counter() - began
        after, _ = office.journal.head(AGENCY)
        with psycopg.connect(with_database(bench.server_url, "ours")) as connection:
            row = connection.execute(
                "SELECT round(avg(octet_length(state)))::int FROM events WHERE position > %s",
                [before],
            ).fetchone()
    assert row is not None
    return Run(billed.invoices, after - before, took_seconds), int(row[0])


@contextmanager
def _connected(bench: Bench, name: str) -> Iterator[Office]:
    with ours.opened(with_database(bench.server_url, name)) as rooms:
        yield rooms.office


def _row(number: int) -> TakeOverLease:
    return TakeOverLease(
        client_reference=f"C-{number:06d}",
        title="Mme",
        last_name="Schmitt",
        first_name="Anaïs",
        born_on=date(1990, 1, 2),
        email=f"locataire.{number}@exemple.fr",
        phone="+33387000000",
        lease_reference=f"L-{number:06d}",
        lot_reference=f"LOT-{number:06d}",
        street="12 rue des Lilas",
        postcode="57000",
        city="Metz",
        energy_class="C",
        entered_on=date(2024, 3, 1),
        terms=Terms(
            kind="unfurnished",
            rent_cents=61_240,
            charges_cents=9_860,
            charges_mode="provision",
            payment_term="advance",
            due_day=5,
        ),
        iban="FR7630006000011234567890189",
        balance_cents=-12_300 if number % 10 == 0 else 0,
        balance_on=date(2026, 10, 31),
    )
