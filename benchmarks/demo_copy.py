"""A demo of 100 agencies made and loaded, against a bare COPY of the same rows.

Ours is `quittance demo` from the first process that it starts to the last log that is there:
lives lived, people sealed, every event chained, two processes side by side. The other side copies
the very same rows, in PostgreSQL's own binary format from a file, into a table of the same
columns, constraints and indexes: over one connection, and told apart, over two at once.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import psycopg
from psycopg import Connection

from benchmarks import Bench, Measured, ours
from domain.period import Period
from system.demo_loading import make
from system.demo_many import Plan, months_until
from system.postgres import with_database

TITLE = "a demo of 100 agencies made and loaded, against bare COPY of its rows"
GOAL = "0.4 ×"

LAST = Period(2026, 10)
JOBS = 2
ROUNDS = 3
BLOCK_BYTES = 1 << 20


def plan(bench: Bench) -> Plan:
    """At least a million events, or some ten thousand when quick."""
    leases, months = bench.size(30, 6), bench.size(24, 6)
    return Plan(100, leases, months_until(LAST, months), 1, "parc")


def measure(bench: Bench) -> Measured:
    measured = Measured()
    # A round takes most of a minute.
    for _ in range(min(bench.rounds, ROUNDS)):
        with bench.database("demo"):
            events, took_seconds = _made(bench)
            halves = [bench.folder / f"half-{number}.copy" for number in range(JOBS)]
            try:
                _copied_out(bench, halves)
                one, two = (_bare(bench, halves, at_once=at_once) for at_once in (1, JOBS))
            finally:
                for half in halves:
                    half.unlink(missing_ok=True)
        rate = events / took_seconds
        measured.ratio("ours to bare COPY", rate, events / one)
        measured.ratio("ours to bare COPY, two connections", rate, events / two)
        measured.add("ours", rate, "1/s")
        measured.add("ours, all of it", took_seconds, "s")
        measured.add("bare COPY, one connection", events / one, "1/s")
        measured.add("bare COPY, two connections", events / two, "1/s")
        measured.note(f"{events} events of 100 agencies, by {JOBS} processes and two connections")
    return measured


def _made(bench: Bench) -> tuple[int, float]:
    with ours.opened(with_database(bench.server_url, "demo")) as rooms:
        began = perf_counter()
        made = make(rooms, plan(bench), jobs=JOBS)
        return made.events, perf_counter() - began


@contextmanager
def _connected(bench: Bench) -> Iterator[Connection[Any]]:
    with psycopg.connect(with_database(bench.server_url, "demo"), autocommit=True) as connection:
        yield connection


def _copied_out(bench: Bench, halves: list[Path]) -> None:
    """Every second agency into each file, in the order in which they were loaded."""
    with _connected(bench) as connection:
        for number, half in enumerate(halves):
            query = (
                "COPY (SELECT e.* FROM (SELECT agency, row_number() OVER (ORDER BY agency) AS n"
                f" FROM heads) h JOIN events e USING (agency) WHERE h.n % {len(halves)} = {number}"
                " ORDER BY agency, position) TO STDOUT (FORMAT binary)"
            )
            with half.open("wb") as file, connection.cursor().copy(query) as rows:
                for row in rows:
                    file.write(row)


def _bare(bench: Bench, halves: list[Path], *, at_once: int) -> float:
    """Copy both files into a table like ours; how long it took."""
    with _connected(bench) as connection:
        connection.execute("DROP TABLE IF EXISTS bare")
        connection.execute("CREATE TABLE bare (LIKE events INCLUDING ALL)")
        connection.execute("CHECKPOINT")
    began = perf_counter()
    with ThreadPoolExecutor(at_once) as threads:
        for _done in threads.map(lambda half: _copied_in(bench, half), halves):
            pass
    return perf_counter() - began


def _copied_in(bench: Bench, half: Path) -> None:
    with (
        _connected(bench) as connection,
        half.open("rb") as file,
        connection.cursor().copy("COPY bare FROM STDIN (FORMAT binary)") as copy,
    ):
        shutil.copyfileobj(file, copy, BLOCK_BYTES)  # type: ignore[arg-type]
