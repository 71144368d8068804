"""A projector that is stopped, replaced and continued finds its place taken, and writes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from system.office import PROJECTIONS
from tests.faults.business import METZ, Business, Desk, projecting, until
from tests.faults.load import Load
from tests.faults.promises import caught_up, check
from tests.faults.recovery import ALLOWED_SECONDS, Probe, seconds_until_shown
from tests.system.engines import PROJECT

# Stops itself once, in the midst of its work: `fold` after it has read what is new and before it
# writes, `commit` with all written and before it commits.
PROJECTOR = """
import logging, os, signal, sys
from pathlib import Path
from threading import Event
import psycopg
from projections.payments import Payments
from system.office import PROJECTIONS, premises
from system.settings import Settings
from workers import projector

url, folder, where = sys.argv[1:]
left = [1]
def stop_once():
    if left and left.pop():
        os.kill(os.getpid(), signal.SIGSTOP)

class Stopping(Payments):
    def fold(self, rows, entry):
        if where == "fold" and entry.name == "PaymentInitiated":
            stop_once()
        super().fold(rows, entry)

class Cursor(psycopg.Cursor):
    def execute(self, query, *parameters, **how):
        if where == "commit" and query == "COMMIT":
            stop_once()
        return super().execute(query, *parameters, **how)

def connect():
    return psycopg.connect(
        url, autocommit=True, application_name="stopped", cursor_factory=Cursor
    )

logging.basicConfig(stream=sys.stdout, level=logging.WARNING, format="%(message)s")
ours = tuple(Stopping() if p.name == "payments" else p for p in PROJECTIONS)
with premises(Settings(database_url=url, data_dir=Path(folder)), url) as rooms:
    projector.run(Event(), connect, rooms.journal, ours)
"""
COMPLAINT = {"fold": "projections.fenced", "commit": "workers.pull_failed"}
"""The database has thrown out who held its rows; who held none finds that others moved on."""
_LOOKED_AGAIN = """
SELECT count(*) FILTER (WHERE state <> 'idle') = 0
    AND max(state_change) > %s + interval '0.6 s' FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'stopped'
"""


@contextmanager
def stopped_projector(desk: Desk, where: str) -> Iterator[subprocess.Popen[bytes]]:
    """Yields once it has stopped itself; what it says is in the file `said`."""
    folder = desk.rooms.settings.data_dir
    command = [sys.executable, "-c", PROJECTOR, desk.rooms.url, str(folder), where]
    with (
        (folder / "said").open("wb") as said,
        subprocess.Popen(command, cwd=PROJECT, stdout=said) as child,
    ):
        try:
            until(lambda: _state(child.pid) == "T", "a projector that has stopped")
            yield child
        finally:
            child.kill()


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def everything(connection: Connection[Any]) -> list[object]:
    """Every row of every read model with the transaction that wrote it."""
    tables = sorted({kind.table for projection in PROJECTIONS for kind in projection.rows})
    return [
        connection.execute(f"SELECT xmin, t FROM read.{table} t ORDER BY ctid").fetchall()
        for table in (*tables, "positions")
    ]


@pytest.mark.parametrize("where", ["fold", "commit"])
def test_who_was_stopped_and_replaced_writes_nothing(
    desk: Desk, business: Business, where: str, chance: int
) -> None:
    load = Load(business, [])
    ask(desk, load, 5 + chance)
    with stopped_projector(desk, where) as child, desk.rooms.connect() as connection:
        ask(desk, load, 5)
        with projecting(desk.rooms), Probe(desk.rooms.url) as probe:
            head = desk.rooms.journal.head(METZ)[0]
            took = seconds_until_shown(connection, METZ, head)
            ask(desk, load, 5)
            caught_up(connection, PROJECTIONS)
        before = everything(connection)
        continued_at = connection.execute("SELECT clock_timestamp()").fetchone()
        os.kill(child.pid, signal.SIGCONT)
        said = desk.rooms.settings.data_dir / "said"
        until(lambda: COMPLAINT[where] in said.read_text(), "a complaint")
        # It goes on as a projector among others, which finds nothing to do and looks again.
        until(lambda: connection.execute(_LOOKED_AGAIN, continued_at).fetchone() == (True,), "idle")
        assert everything(connection) == before
        assert took < ALLOWED_SECONDS * probe.slowness

        ask(desk, load, 5)
        check(desk.rooms, load, desk)


def ask(desk: Desk, load: Load, count: int) -> None:
    for _ in range(count):
        load.ask(desk)
