"""Those who fold for a rebuild: this process alone, or some of our own beside it.

Folding is Python's work, so that two of them are two processes. They start from a clean one that
has imported everything once, share what it knows, and end with this one, however it ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg_pool import ConnectionPool

from journal.journal import Journal
from journal.keys import Keyring
from journal.wakeup import Bell
from projections import Projection
from projections.engine import SESSION
from projections.in_sql import fold_in_sql
from projections.rebuilding import Place, advance, finish_table
from projections.whole import Bounds, fold_whole
from system.office import know_everything
from system.one_cpu import all_cpus
from system.tether import PR_SET_PDEATHSIG

LOOK_SECONDS = 0.1
NICENESS = 10
LEAST_BYTES = 16 * 1024 * 1024
"""For the rows of one who folds, however little there is."""


class WorkerDied(Exception):
    """A process that folded was killed; what it had written down is kept."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What is needed to fold: where the journal is, and the key to what is sealed in it."""

    url: str
    master_key: bytes
    projections: tuple[Projection, ...]

    def connect(self) -> Connection[Any]:
        return psycopg.connect(self.url, autocommit=True, application_name="quittance rebuild")

    def named(self, names: Iterable[str]) -> list[Projection]:
        wanted = set(names)
        return [projection for projection in self.projections if projection.name in wanted]


class Folder:
    """One who folds: with its own connections, into one schema."""

    def __init__(self, shop: Workshop, schema: str, memory_bytes: int, heard: Any) -> None:
        self._shop, self._schema = shop, schema
        self._bounds = Bounds(memory_bytes, heard)
        with ExitStack() as stack:
            self._connection = stack.enter_context(shop.connect())
            self._connection.execute(SESSION)
            pool = stack.enter_context(
                ConnectionPool(shop.url, min_size=1, max_size=2, kwargs={"autocommit": True})
            )
            bell = Bell(shop.connect)
            self._journal = Journal(pool, shop.connect, Keyring(pool, shop.master_key), bell)
            stack.callback(self._journal.close)
            self.close = stack.pop_all().close
            """Let go of everything."""

    @property
    def journal(self) -> Journal:
        return self._journal

    def fold(self, place: Place) -> None:
        """A log from its first entry, as far as memory lasts."""
        fold_whole(
            self._connection, self._journal, self._shop.named(place.names), place.agency,
            place.upto, self._schema, self._bounds,
        )  # fmt: skip

    def fold_in_sql(self, name: str, logs: Sequence[tuple[UUID, int]]) -> list[UUID]:
        """Logs as far as they are ordinary, inside the database; the agencies that were folded."""
        (projection,) = self._shop.named([name])
        assert projection.in_sql is not None
        with self._shop.connect() as connection:
            return fold_in_sql(connection, projection, projection.in_sql, logs, self._schema)

    def advance(self, *some: Place) -> None:
        """Logs from where they stand."""
        named = {projection.name: projection for projection in self._shop.projections}
        advance(self._connection, self._journal, named, some, self._schema, self._bounds)

    def finish(self, name: str, table: str) -> None:
        """The key and the indexes of a filled table."""
        (projection,) = self._shop.named([name])
        with self._shop.connect() as connection:
            finish_table(connection, projection, table, self._schema)


SMALL_ENTRIES = 20_000
"""What this process folds sooner than others would start."""
Task = tuple[str, Sequence[Any]]
"""A method of Folder, and its arguments."""


class Crew:
    """Does tasks, in this process when there is one job, else in processes of its own."""

    def __init__(self, jobs: int, folder: Folder, pool: ProcessPoolExecutor | None) -> None:
        self.jobs = jobs
        self.folder = folder
        self._pool = pool

    def do(self, tasks: Sequence[Task], look: Callable[[], None] = lambda: None) -> None:
        """Do all tasks; `look` is called now and then. The first failure ends it."""
        if self._pool is None or len(tasks) == 1:
            for name, arguments in tasks:
                getattr(self.folder, name)(*arguments)
                look()
            return
        futures: set[Future[None]] = {
            self._pool.submit(_work, name, arguments) for name, arguments in tasks
        }
        try:
            while futures:
                done, futures = wait(futures, LOOK_SECONDS, FIRST_COMPLETED)
                look()
                for future in done:
                    future.result()
        except BrokenProcessPool as died:
            raise WorkerDied from died
        finally:
            for future in futures:
                future.cancel()

    def in_database(self, tasks: Sequence[Task], look: Callable[[], None]) -> list[Any]:
        """Do tasks that are the database's work, some at a time; what each came to."""
        with ThreadPoolExecutor(self.jobs) as beside:
            futures = [beside.submit(getattr(self.folder, n), *some) for n, some in tasks]
            while wait(futures, LOOK_SECONDS, FIRST_EXCEPTION).not_done:
                look()
                if any(future.done() and future.exception() for future in futures):
                    beside.shutdown(wait=False, cancel_futures=True)
                    break
            return [future.result() for future in futures if not future.cancelled()]


@contextmanager
def crew(
    shop: Workshop, schema: str, jobs: int, memory_bytes: int, heard: Any = None
) -> Iterator[Crew]:
    """Open a crew; `heard(entries)` is told what this process folds, `heard.value` has the rest."""
    each_bytes = max(LEAST_BYTES, (memory_bytes - _resident_bytes()) // jobs)
    folder = Folder(shop, schema, each_bytes, heard or (lambda _entries: None))
    try:
        if jobs == 1:
            yield Crew(jobs, folder, None)
            return
        with _processes(shop, schema, jobs, each_bytes, heard) as pool:
            yield Crew(jobs, folder, pool)
    finally:
        folder.close()


class Count:
    """How many entries were folded, by all processes together."""

    def __init__(self) -> None:
        self._shared = multiprocessing.get_context("forkserver").Value("q", 0)

    def __call__(self, entries: int) -> None:
        with self._shared.get_lock():
            self._shared.value += entries

    @property
    def value(self) -> int:
        return int(self._shared.value)


@contextmanager
def _processes(
    shop: Workshop, schema: str, jobs: int, each_bytes: int, heard: Any
) -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["system.crew", "system.crew_start"])
    with all_cpus():
        pool = ProcessPoolExecutor(
            jobs, mp_context=context, initializer=_begin,
            initargs=(shop, schema, each_bytes, heard),
        )  # fmt: skip
        try:
            yield pool
        except BaseException:
            for child in multiprocessing.active_children():
                child.terminate()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_folder: list[Folder] = []
"""Of a process that was started to fold."""


def _begin(shop: Workshop, schema: str, memory_bytes: int, heard: Any) -> None:
    # The one who started us hears Ctrl-C, and tells us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Who serves people comes first: a rebuild takes what they leave.
    os.nice(NICENESS)
    if sys.platform == "linux":
        # Not to fold on when the one who asked was killed: another may have begun.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    know_everything()
    _folder.append(Folder(shop, schema, memory_bytes, heard or (lambda _entries: None)))


def _work(name: str, arguments: Sequence[Any]) -> None:
    getattr(_folder[0], name)(*arguments)


def _resident_bytes() -> int:
    """What this process takes now."""
    with contextlib.suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
