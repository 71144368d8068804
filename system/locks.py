"""File locks with a deadline, which the kernel releases the moment their holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHARED = fcntl.LOCK_SH
EXCLUSIVE = fcntl.LOCK_EX
PAUSE_SECONDS = 0.01


class LockTimeout(TimeoutError):
    """Somebody else kept the lock for longer than the caller can wait."""


def open_lock(path: Path) -> int:
    """A descriptor to lock; not inherited by commands that this process starts.

    Release it with `os.close` only: an explicit unlock in a forked child would also unlock
    the parent, because both share one open file.
    """
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def attempt(descriptor: int, kind: int) -> bool:
    """Take the lock if that is possible at once."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def acquire(descriptor: int, kind: int, timeout_seconds: float) -> None:
    """Take the lock, or raise `LockTimeout` after that many seconds."""
    deadline = time.monotonic() + timeout_seconds
    while not attempt(descriptor, kind):
        if time.monotonic() > deadline:
            raise LockTimeout(f"still locked after {timeout_seconds:g} s")
        time.sleep(PAUSE_SECONDS)


def available(path: Path, kind: int) -> bool:
    """Whether the lock could be taken right now; it is not kept."""
    descriptor = open_lock(path)
    try:
        return attempt(descriptor, kind)
    finally:
        os.close(descriptor)


@contextmanager
def held(path: Path, kind: int, timeout_seconds: float) -> Iterator[int]:
    """Hold the lock for the length of a `with` block."""
    descriptor = open_lock(path)
    try:
        acquire(descriptor, kind, timeout_seconds)
        yield descriptor
    finally:
        os.close(descriptor)
