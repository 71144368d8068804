"""Keeps a process on one CPU: a Python process computes on one at a time anyway.

When its threads wake on different CPUs, each handing-over of the interpreter crosses between them,
and every thread starts with a cold cache: with 32 threads, commands took half as long again to
twice as long (see docs/benchmarks.md). The scheduler still moves other processes away from it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

ALL_CPUS = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
"""What this process may use when it starts."""


@contextmanager
def all_cpus() -> Iterator[None]:
    """For programs that this thread starts meanwhile: they inherit what it may use."""
    if not ALL_CPUS:
        yield
        return
    bound = os.sched_getaffinity(0)
    os.sched_setaffinity(0, ALL_CPUS)
    try:
        yield
    finally:
        os.sched_setaffinity(0, bound)


def stay_on_one_cpu() -> int | None:
    """Bind this process to one of the CPUs it may use; which one, or None where there is no choice.

    Different processes take different CPUs as far as their ids differ.
    """
    if not hasattr(os, "sched_setaffinity"):
        return None
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        return None
    cpu = allowed[os.getpid() % len(allowed)]
    os.sched_setaffinity(0, {cpu})
    return cpu
