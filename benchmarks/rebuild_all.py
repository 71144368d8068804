"""Every read model rebuilt in one pass over the journal, against each rebuilt alone.

Rows are all rows of all tables; bare COPY is the same rows, packed before, into the same tables
with their keys and indexes, on one connection.
"""

from __future__ import annotations

from contextlib import ExitStack
from time import perf_counter

import psycopg

from benchmarks import Bench, Measured
from benchmarks.rebuilding import filled, seconds_of
from system.office import PROJECTIONS
from system.one_cpu import all_cpus

TITLE = "every read model rebuilt at once, against the sum of each alone; rows against bare COPY"
GOAL = "at most 0.6 ×; 0.4 ×"


def measure(bench: Bench) -> Measured:
    measured = Measured()
    with ExitStack() as stack:
        url, events = stack.enter_context(filled(bench))
        seconds_of(url, *PROJECTIONS)
        for _ in bench.each_round():
            together = seconds_of(url, *PROJECTIONS)
            alone = sum(seconds_of(url, projection) for projection in PROJECTIONS)
            rows, copied = _bare_copy(url)
            measured.ratio("time at once to the sum of each alone", together, alone)
            measured.ratio("rows a second to bare COPY", rows / together, rows / copied)
            measured.add("at once", together, "s")
            measured.add("each alone, in sum", alone, "s")
            measured.add("events, at once", events / together, "1/s")
            measured.add("rows, at once", rows / together, "1/s")
            measured.add("rows, bare COPY", rows / copied, "1/s")
    measured.note(f"{events} events, {rows} rows")
    return measured


def _bare_copy(url: str) -> tuple[int, float]:
    """Copy what serves into empty twins of its tables; how many rows, and how long it took."""
    tables = [kind.table for projection in PROJECTIONS for kind in projection.rows]
    rows, seconds = 0, 0.0
    with psycopg.connect(url, autocommit=True) as connection, all_cpus():
        connection.execute("DROP SCHEMA IF EXISTS bare CASCADE")
        connection.execute("CREATE SCHEMA bare")
        for table in tables:
            connection.execute(f"CREATE TABLE bare.{table} (LIKE read.{table} INCLUDING ALL)")
            with connection.cursor().copy(
                f"COPY read.{table} TO STDOUT (FORMAT BINARY)"
            ) as reading:
                packed = [bytes(block) for block in reading]
            began = perf_counter()
            cursor = connection.cursor()
            with cursor.copy(f"COPY bare.{table} FROM STDIN (FORMAT BINARY)") as writing:
                for block in packed:
                    writing.write(block)
            seconds += perf_counter() - began
            rows += cursor.rowcount
        connection.execute("DROP SCHEMA bare CASCADE")
    return rows, seconds
