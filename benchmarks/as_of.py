"""The balance of a lease on a date, as it was known at a position, with a million events behind it.

The events are the big demo's. The read model of accounts is folded from all of them, by the
engine that serves; then one thread asks for random leases, dates and positions, and reads what
the API reads. The longest hundredth of the accounts is told apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from random import Random
from time import perf_counter
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from benchmarks import Bench, Measured, ours
from benchmarks.demo_copy import JOBS, plan
from projections.account import Account
from projections.engine import Engine
from projections.statement import balance_as_of
from system.demo_loading import make
from system.demo_many import Plan
from system.office import Premises
from system.postgres import with_database

TITLE = "the balance on a date as known at a position, with a million events in the journal"
GOAL = "p99 20 ms"

WARM_UP = 200


def measure(bench: Bench) -> Measured:
    measured = Measured()
    asked = bench.size(5_000, 500)
    the_plan = plan(bench)
    with filled(bench, "as_of", the_plan) as connection:
        events = _count(connection, "events")
        leases, heads = _leases(connection), _heads(connection)
        longest = _leases(connection, longest=len(leases) // 100 or 1)
        latencies(connection, leases, heads, the_plan, WARM_UP, seed=0)
        for number in bench.each_round():
            took = latencies(connection, leases, heads, the_plan, asked, seed=number)
            measured.add("p50", took[len(took) // 2], "ms")
            measured.add("p99", took[len(took) * 99 // 100], "ms")
            some = latencies(connection, longest, heads, the_plan, asked // 5, seed=number)
            measured.add("p99, longest accounts", some[len(some) * 99 // 100], "ms")
        measured.note(f"{events} events, {len(leases)} accounts; one thread, one connection")
    return measured


@contextmanager
def filled(bench: Bench, name: str, the_plan: Plan) -> Iterator[Connection[Any]]:
    """A database with a demo in it, its accounts folded and its tables analysed."""
    with bench.database(name):
        url = with_database(bench.server_url, name)
        with ours.opened(url) as rooms:
            make(rooms, the_plan, jobs=JOBS)
            _fold(rooms)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            yield connection


def _fold(rooms: Premises) -> None:
    engine = Engine(rooms.connect, rooms.journal, [Account()])
    try:
        while engine.cycle():
            pass
    finally:
        engine.close()


def latencies(
    connection: Connection[Any],
    leases: list[tuple[UUID, UUID]],
    heads: dict[UUID, int],
    the_plan: Plan,
    count: int,
    *,
    seed: int,
) -> list[float]:
    """Milliseconds of so many questions, shortest first."""
    chance = Random(f"as of {seed}")
    first = the_plan.periods[0].first_on
    days = (the_plan.periods[-1].last_on - first).days
    took = []
    for _ in range(count):
        agency, lease = chance.choice(leases)
        on: date = first + timedelta(days=chance.randrange(days))
        known = chance.choice((None, chance.randrange(1, heads[agency])))
        began = perf_counter()
        balance_as_of(connection, agency, lease, on=on, known=known)
        took.append((perf_counter() - began) * 1000)
    return sorted(took)


def _leases(connection: Connection[Any], *, longest: int | None = None) -> list[tuple[UUID, UUID]]:
    return connection.execute(
        "SELECT agency, lease_id FROM read.postings GROUP BY 1, 2"
        " ORDER BY count(*) DESC, lease_id LIMIT %s",
        [longest],
    ).fetchall()


def _heads(connection: Connection[Any]) -> dict[UUID, int]:
    return dict(connection.execute("SELECT agency, position FROM heads").fetchall())


def _count(connection: Connection[Any], table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    return int(row[0])
