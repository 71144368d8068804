"""Commands against the limit of this disk and server: pgbench inserting the same row.

The other side is 32 clients of `pgbench` (`-j 2`, prepared), each committing one row of the same
columns, lengths and indexes at a time into a copy of `events` in the same database, with nothing
locked. It is written in C, decides nothing and keeps no order: no journal can be faster than its
own storage with as many commits, only by committing several commands at once.
"""

from __future__ import annotations

from benchmarks import AGENCIES, Bench, Measured, ours
from benchmarks.commands import PEOPLE, Many
from benchmarks.pgbench import Missing, Pgbench

TITLE = "execute() against pgbench inserting the same row, 32 clients"
GOAL = "0.3 ×, aim 0.6 ×"


def measure(bench: Bench) -> Measured:
    measured = Measured()
    with bench.database("ours") as url, ours.opened(url) as rooms:
        many = Many(rooms.office, ours.introduce(rooms.office, AGENCIES, PEOPLE))
        many.turn(bench.turn_seconds / 2)
        try:
            limit = Pgbench(bench, url, PEOPLE)
        except Missing as missing:
            measured.note(f"not measured: {missing}")
            return measured
        for _ in bench.each_round():
            commands, inserts = many.turn(bench.turn_seconds), limit.turn(bench.turn_seconds)
            measured.ratio("ours to pgbench", commands.per_second, inserts.per_second)
            measured.add("ours", commands.per_second, "1/s")
            measured.add("ours, p99", commands.p99_ms, "ms")
            measured.add("pgbench", inserts.per_second, "1/s")
            measured.add("pgbench, p99", inserts.p99_ms, "ms")
        measured.note(limit.version())
    return measured
