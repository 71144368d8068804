"""What can happen to the running program: one function for each, and a list of them.

Each is a `with` block that is entered when the clock of the recovery begins: PostgreSQL accepts
connections, and what was killed has been replaced. Leaving the block ends what lasts. To add a
victim, a rebuild for example, write its function here and add it to `VICTIMS`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg

from tests.faults.business import NANCY, until
from tests.faults.program import Program
from tests.system.engines import server_pid

Victim = Callable[[Program], AbstractContextManager[None]]

_CUT = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
    AND application_name LIKE 'quittance%%' AND query LIKE %s
"""
_LISTENERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND query LIKE 'LISTEN journal%%' AND pid <> ALL(%s)
"""
FOLLOWERS = 2
"""The projector and the reactions."""


@contextmanager
def api_is_killed(program: Program) -> Iterator[None]:
    program.kill("serve")
    until(program.answers, "an API that answers")
    yield


@contextmanager
def worker_is_killed(program: Program) -> Iterator[None]:
    """Projector, reactions, queue and clock at once: they are one process."""
    before = [pid for (pid,) in program.ask("SELECT pid FROM pg_stat_activity")]
    program.kill("work")
    until(lambda: program.ask(_LISTENERS, before) == [(FOLLOWERS,)], "a worker that listens")
    yield


@contextmanager
def postgres_is_killed(program: Program) -> Iterator[None]:
    """The server's first process; the keeper starts another server on the same files."""
    pid = server_pid(program.url)
    os.kill(pid, signal.SIGKILL)
    until(lambda: program.accepts() and server_pid(program.url) != pid, "another PostgreSQL")
    yield


@contextmanager
def a_backend_is_killed(program: Program) -> Iterator[None]:
    """One of the server's processes; PostgreSQL ends all others and recovers by itself."""
    ((started_at, victim),) = program.ask(
        "SELECT pg_conf_load_time(), pid FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'quittance' ORDER BY random() LIMIT 1"
    )
    assert started_at is not None
    os.kill(victim, signal.SIGKILL)
    until(lambda: not _lives(victim), "a dead process")
    until(program.accepts, "a PostgreSQL that has recovered")
    yield


@contextmanager
def all_connections_are_cut(program: Program) -> Iterator[None]:
    ((cut,),) = program.ask(_CUT, "%")
    assert cut > FOLLOWERS
    yield


@contextmanager
def only_listeners_are_cut(program: Program) -> Iterator[None]:
    ((cut,),) = program.ask(_CUT, "LISTEN%")
    assert cut >= FOLLOWERS
    yield


@contextmanager
def wake_ups_are_swallowed(program: Program) -> Iterator[None]:
    """No notification arrives anywhere; followers must look by themselves."""
    before, program.between.swallow_signals = program.between.swallowed, True
    try:
        yield
        until(lambda: program.between.swallowed > before, "a wake-up that was swallowed")
    finally:
        program.between.swallow_signals = False


@contextmanager
def commits_are_cut_from_their_answers(program: Program) -> Iterator[None]:
    before = program.between.cuts_after
    program.between.cut_commits(every=5)
    until(lambda: program.between.cuts_after >= before + 5, "commits that were cut")
    program.between.cut_commits(every=0)
    yield


@contextmanager
def a_transaction_stays_open(program: Program) -> Iterator[None]:
    """Somebody has written, holds an agency's head, and goes to lunch: others do not wait."""
    with psycopg.connect(program.url) as connection:
        connection.execute("INSERT INTO answers SELECT agency, 'lunch', 'lunch', '', 0, '', now()"
                           " FROM heads WHERE agency = %s", [NANCY])  # fmt: skip
        connection.execute("SELECT FROM heads WHERE agency = %s FOR UPDATE", [NANCY])
        yield
        connection.rollback()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


VICTIMS: tuple[Victim, ...] = (
    api_is_killed,
    worker_is_killed,
    postgres_is_killed,
    a_backend_is_killed,
    all_connections_are_cut,
    only_listeners_are_cut,
    wake_ups_are_swallowed,
    commits_are_cut_from_their_answers,
    a_transaction_stays_open,
)
