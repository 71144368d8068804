"""Verifying stored logs: every hash of a journal recomputed, by one process and by two.

The journal is made up by the bulk loader, charges of some two hundred bytes in ten agencies, so
what is read is what a real one holds. One process is one core of ours; PostgreSQL, which sends
the rows, has the other. `CPU` counts the time that the verifying process itself computed. Beside
it, in the same run: how fast the loader stored these entries, against the same rows, packed
beforehand, by a bare COPY into the same table.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter, process_time
from uuid import UUID

import psycopg

from benchmarks import Bench, Measured
from journal import agency_id
from journal.loading import COPY, Placed, Told, chained, load, rows_of
from journal.verification import verify
from system.readiness import bring_to_shape

TITLE = "recompute the chain of a journal"
GOAL = "200,000 events/s per core; loading 0.4 × bare COPY"

AGENCIES = 10
STATE = (
    b'{"lease_id":"0193b3c1-0000-7000-8000-000000000000","charge":12,"kind":"rent",'
    b'"amount_cents":65000,"due_on":"2026-01-05","effective_on":"2026-01-01","period":"2026-01",'
    b'"invoice_id":"0193b3c1-0000-7000-8000-000000000001"}'
)


def measure(bench: Bench) -> Measured:
    measured = Measured()
    events = bench.size(50_000, 10_000)
    made = {agency_id(f"agence-{n}"): list(_made_up(events)) for n in range(AGENCIES)}
    total = events * AGENCIES
    with bench.database("verified") as url, psycopg.connect(url, autocommit=True) as connection:
        bring_to_shape(url)
        for _ in bench.each_round():
            bare = total / _bare_copy(connection, made)
            ours = total / _loaded(connection, made)
            measured.ratio("loading to bare COPY", ours, bare)
            measured.add("loading", ours, "1/s")
            measured.add("bare COPY", bare, "1/s")
            before, computed = perf_counter(), process_time()
            assert verify(url).findings == []
            measured.add("verify, one process", total / (perf_counter() - before), "1/s")
            measured.add("verify, per second of CPU", total / (process_time() - computed), "1/s")
            before = perf_counter()
            assert verify(url, jobs=2).findings == []
            measured.add("verify, two processes", total / (perf_counter() - before), "1/s")
    measured.note(f"{total:,} entries of {len(STATE)} bytes in {AGENCIES} agencies")
    return measured


def _made_up(events: int) -> Iterator[Told]:
    for number in range(events):
        stream, charge = divmod(number, 20)
        unique = UUID(int=number).bytes
        yield Told(
            1_760_000_000_000_000 + number, UUID(int=stream).bytes, charge + 1, b"ChargePosted", 1,
            unique, 739_000 + number % 700, b"operator", b"", unique, unique, b"", b"", STATE,
        )  # fmt: skip


def _loaded(
    connection: psycopg.Connection[tuple[object, ...]], made: dict[UUID, list[Told]]
) -> float:
    connection.execute("TRUNCATE events, heads")
    connection.execute("CHECKPOINT")
    before = perf_counter()
    for agency, events in made.items():
        load(connection, agency, chained(agency, events))
    return perf_counter() - before


def _bare_copy(
    connection: psycopg.Connection[tuple[object, ...]], made: dict[UUID, list[Told]]
) -> float:
    """Seconds for the same rows, ready before the time is taken; kept by one commit each."""
    connection.execute("TRUNCATE events, heads")
    connection.execute("CHECKPOINT")
    took_seconds = 0.0
    for agency, events in made.items():
        placed: list[Placed] = list(chained(agency, events))
        blocks = list(rows_of(agency, placed))
        before = perf_counter()
        with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            for block in blocks:
                copy.write(block)
        took_seconds += perf_counter() - before
    return took_seconds
