"""Commands against stock saves: how much a group commit brings, with all that is kept on top.

Ours is `execute()`: rights, an idempotency key each, one sealed event on an aggregate that is
known to the process, the chain of hashes, in one of 200 agencies. The other side is the
library's stock PostgreSQL application saving one event of the same stored length on an aggregate
that its thread already holds, with neither chain nor sealing nor idempotency, at its best of 1,
8 and 32 threads in each round. Both are durable on the same server (fsync and
synchronous_commit on), both wait for their commit, and no thread meets another's aggregate.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import cycle

from benchmarks import AGENCIES, THREADS, Bench, Measured, ours
from benchmarks.pgbench import Missing, Pgbench
from benchmarks.race import Pace, race
from benchmarks.stock import best, stock, tell
from commands import Office

TITLE = "execute() on existing aggregates, many agencies, against stock saves"
GOAL = "8 ×, aim 15 ×; p99 under 5 ms or 4 × pgbench's"

PEOPLE = THREADS
"""In each agency: one for each thread."""


class Many:
    """Our side: 32 threads, each with a person of its own in each agency."""

    def __init__(self, office: Office, people: list[list[ours.Person]]) -> None:
        self._office = office
        self._who = ours.staff(AGENCIES)
        self._turns = [cycle(mine) for mine in ours.shared_out(people, THREADS)]

    def turn(self, seconds: float) -> Pace:
        return race(THREADS, seconds, self._step)

    def _step(self, thread: int) -> None:
        ours.change_contact(self._office, self._who, next(self._turns[thread]))


def measure(bench: Bench) -> Measured:
    measured = Measured()
    with ExitStack() as stack:
        url = stack.enter_context(bench.database("ours"))
        rooms = stack.enter_context(ours.opened(url))
        many = Many(rooms.office, ours.introduce(rooms.office, AGENCIES, PEOPLE))
        many.turn(bench.turn_seconds / 2)
        theirs = stack.enter_context(
            stock(stack.enter_context(bench.database("stock")), ours.stored_bytes(url))
        )
        limit = _limit(bench, url, measured)
        theirs.turns(bench.turn_seconds / 4)
        for _ in bench.each_round():
            _round(bench, measured, many, theirs.turns(bench.turn_seconds * 2 / 3), limit)
        measured.note(
            f"stored payload: ours {ours.stored_bytes(url)} bytes, stock {theirs.payload_bytes}"
        )
    return measured


def _round(
    bench: Bench,
    measured: Measured,
    many: Many,
    saves: dict[int, Pace],
    limit: Pgbench | None,
) -> None:
    commands = many.turn(bench.turn_seconds)
    measured.ratio("ours to stock at its best", commands.per_second, best(saves))
    measured.add("ours", commands.per_second, "1/s")
    measured.add("ours, p50", commands.p50_ms, "ms")
    measured.add("ours, p99", commands.p99_ms, "ms")
    if limit is not None:
        measured.add("4 × pgbench's p99", 4 * limit.turn(bench.turn_seconds).p99_ms, "ms")
    tell(measured, saves, lambda pace: pace.per_second)


def _limit(bench: Bench, url: str, measured: Measured) -> Pgbench | None:
    try:
        return Pgbench(bench, url, PEOPLE)
    except Missing as missing:
        measured.note(f"pgbench's p99 is not measured: {missing}")
        return None
