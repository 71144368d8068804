"""Threads that do one thing again and again for a while, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from threading import Barrier, Thread
from time import perf_counter
from typing import NamedTuple


class Pace(NamedTuple):
    """How a turn went."""

    done: int
    seconds: float
    p50_ms: float
    p99_ms: float
    longest_ms: float
    least_share: float
    """What the slowest thread did, as a part of what each would do if all did the same."""

    @property
    def per_second(self) -> float:
        return self.done / self.seconds


def race(threads: int, seconds: float, step: Callable[[int], object]) -> Pace:
    """Call `step(thread)` from all threads until the time is over; raises what a step raises."""
    waits: list[list[float]] = [[] for _ in range(threads)]
    failures: list[BaseException] = []
    begun = Barrier(threads + 1)

    def run(thread: int) -> None:
        mine = waits[thread]
        begun.wait()
        before = perf_counter()
        stop = before + seconds
        try:
            while before < stop:
                step(thread)
                after = perf_counter()
                mine.append(after - before)
                before = after
        except BaseException as failure:
            failures.append(failure)

    running = [Thread(target=run, args=(thread,), daemon=True) for thread in range(threads)]
    for thread in running:
        thread.start()
    begun.wait()
    started = perf_counter()
    for thread in running:
        thread.join()
    took_seconds = perf_counter() - started
    if failures:
        raise failures[0]
    return pace(waits, took_seconds)


def pace(waits: Sequence[Sequence[float]], took_seconds: float) -> Pace:
    """The pace of threads that waited so many seconds each time."""
    all_waits = [wait for mine in waits for wait in mine]
    shares = [len(mine) for mine in waits]
    return Pace(
        done=len(all_waits),
        seconds=took_seconds,
        p50_ms=percentile_ms(all_waits, 0.50),
        p99_ms=percentile_ms(all_waits, 0.99),
        longest_ms=max(all_waits, default=0.0) * 1000,
        least_share=min(shares) * len(shares) / max(1, sum(shares)),
    )


def percentile_ms(seconds: Iterable[float], part: float) -> float:
    """The wait that this part of all waits did not exceed; 0 if there are none."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000 if ordered else 0.0
