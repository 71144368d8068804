"""One aggregate that everybody wants: commands on it one after the other, and nobody starves.

Ours is `execute()` from 32 threads, all on one aggregate. The other side is the stock application
on one aggregate, taken from its cache in the way that is best for that number of threads, and
saved again by the library's own retry when another was faster: with 32 threads as ours has, and
at its best of 1, 8 and 32 (with one thread nobody is ever faster). The slowest thread's share is
what it got done as a part of what each would if all did the same.
"""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks import STOCK_THREADS, THREADS, Bench, Measured, ours
from benchmarks.race import race
from benchmarks.stock import best, stock, tell

TITLE = "all 32 threads on one aggregate, against stock on one aggregate"
GOAL = "20 × stock; no request starves"


def measure(bench: Bench) -> Measured:
    measured = Measured()
    with ExitStack() as stack:
        url = stack.enter_context(bench.database("ours"))
        rooms = stack.enter_context(ours.opened(url))
        ((person,),) = ours.introduce(rooms.office, 1, 1)
        who = ours.staff(1)

        def step(_thread: int) -> None:
            ours.change_contact(rooms.office, who, person)

        race(THREADS, bench.turn_seconds / 2, step)
        theirs = stack.enter_context(
            stock(stack.enter_context(bench.database("stock")), ours.stored_bytes(url))
        )
        for _ in bench.each_round():
            commands = race(THREADS, bench.turn_seconds, step)
            saves = {
                threads: theirs.on_one(bench.turn_seconds * 2 / 3, threads)
                for threads in STOCK_THREADS
            }
            measured.ratio(
                "ours to stock, 32 threads each", commands.per_second, saves[THREADS].per_second
            )
            measured.ratio("ours to stock at its best", commands.per_second, best(saves))
            measured.add("ours", commands.per_second, "1/s")
            measured.add("ours, p99", commands.p99_ms, "ms")
            measured.add("ours, longest wait", commands.longest_ms, "ms")
            measured.add("ours, slowest thread's share", commands.least_share, "")
            measured.add("stock, 32 threads, longest wait", saves[THREADS].longest_ms, "ms")
            measured.add("stock, 32 threads, slowest's share", saves[THREADS].least_share, "")
            tell(measured, saves, lambda pace: pace.per_second)
    return measured
