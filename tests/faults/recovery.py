"""How long until everything goes on, and how long that may take on a busy machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from tests.faults.business import METZ, until
from tests.faults.load import Load
from tests.faults.program import Customer, Program

BESIDE_OTHER_TESTS = "PYTEST_XDIST_WORKER" in os.environ
ALLOWED_SECONDS = 2.5 if BESIDE_OTHER_TESTS else 1.0
"""The promise is a second. Beside other tests, which start whole programs of their own on the same
processors, the figure says little: `make chaos`, which runs alone, holds to it."""
IDLE_PROBE_SECONDS = 0.02
"""A new connection and `SELECT 1`, on a machine with two processors that does little else."""


@dataclass
class Recovery:
    took_seconds: float
    slowness: float
    """How many times slower a bare `SELECT 1` was meanwhile than on an idle machine; 1 at least."""

    @property
    def in_time(self) -> bool:
        return self.took_seconds < ALLOWED_SECONDS * self.slowness


class Probe:
    """Connects and asks for 1, over and over, beside what is measured; sees no part of ours."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = Event()
        self._seconds: list[float] = []
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> Probe:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def slowness(self) -> float:
        worst = sorted(self._seconds)[-max(1, len(self._seconds) // 4) :]
        return max(1.0, sum(worst) / len(worst) / IDLE_PROBE_SECONDS) if worst else 1.0

    def _run(self) -> None:
        while not self._stop.is_set():
            began = monotonic()
            with psycopg.connect(self._url) as connection:
                connection.execute("SELECT 1")
            self._seconds.append(monotonic() - began)
            self._stop.wait(0.05)


def shown_up_to(connection: Connection[Any], agency: UUID) -> int:
    """The position that all read models of an agency have reached."""
    row = connection.execute(
        "SELECT coalesce(min(position), 0) FROM read.positions WHERE agency = %s", [agency]
    ).fetchone()
    assert row is not None
    return int(row[0])


def seconds_until_shown(connection: Connection[Any], agency: UUID, position: int) -> float:
    began = monotonic()
    until(lambda: shown_up_to(connection, agency) >= position, f"position {position}, shown")
    return monotonic() - began


def recovery(program: Program, load: Load, way: Customer) -> Recovery:
    """Until something new is written, over HTTP, and shown in every read model."""
    began = monotonic()
    with Probe(program.url) as probe:
        wish = program.business.wish(METZ)
        answer = load.insist(lambda: way.wish(wish))
        with program.connect() as connection:
            until(lambda: shown_up_to(connection, METZ) >= answer.position, "what was written")
        took = monotonic() - began
    return Recovery(took, probe.slowness)
