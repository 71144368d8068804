"""How the read models stand, looked up every few seconds for /health and /metrics."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Event, Thread
from typing import Any

import psycopg
import structlog
from psycopg import Connection
from psycopg_pool import ConnectionPool

from projections.standing import Worst, alarm, being_built, worst

LOOK_SECONDS = 2.0

log = structlog.stdlib.get_logger("quittance.system")


class Lag:
    """The worst of all agencies for each projection; reading it waits for nothing."""

    def __init__(self, pool: ConnectionPool[Connection[Any]]) -> None:
        self._pool = pool
        self._closing = Event()
        self._seen: Mapping[str, Worst] = {}
        self._building: Mapping[str, tuple[int, int]] = {}
        self._look()
        self._thread = Thread(target=self._run, name="lag", daemon=True)
        self._thread.start()

    def __call__(self) -> Mapping[str, int]:
        return {name: int(worst.lag_events) for name, worst in self._seen.items()}

    def seconds(self) -> Mapping[str, float]:
        """For how long the oldest entry that is not taken in has been waiting."""
        return {name: worst.lag_seconds for name, worst in self._seen.items()}

    def alarms(self) -> Mapping[str, float]:
        """0 in time, 1 later than 5 s, 2 later than 24 h."""
        return {name: alarm(worst.lag_seconds) for name, worst in self._seen.items()}

    def stopped(self) -> Mapping[str, float]:
        """In how many agencies it has stopped at an entry that cannot be folded."""
        return {name: worst.stopped_agencies for name, worst in self._seen.items()}

    def rebuilt(self) -> Mapping[str, float]:
        """Of what is being rebuilt, how much is folded: from 0 to 1."""
        return {name: done / max(1, total) for name, (done, total) in self._building.items()}

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        try:
            with self._pool.connection(timeout=LOOK_SECONDS) as connection:
                self._seen, self._building = worst(connection), being_built(connection)
        except psycopg.Error as lost:
            # What was seen last stays: a busy database must not make us look dead.
            log.warning("lag.not_seen", reason=type(lost).__name__)
