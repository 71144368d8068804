"""How far each read model is behind its journal, looked up every few seconds for /health."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Event, Thread
from typing import Any

import psycopg
import structlog
from psycopg import Connection
from psycopg_pool import ConnectionPool

LOOK_SECONDS = 2.0

_LAG = """
SELECT p.projection, max(h.position - p.position)::bigint
FROM read.positions p JOIN heads h USING (agency) GROUP BY p.projection
"""

log = structlog.stdlib.get_logger("quittance.system")


class Lag:
    """The worst of all agencies for each projection; reading it waits for nothing."""

    def __init__(self, pool: ConnectionPool[Connection[Any]]) -> None:
        self._pool = pool
        self._closing = Event()
        self._seen: Mapping[str, int] = {}
        self._look()
        self._thread = Thread(target=self._run, name="lag", daemon=True)
        self._thread.start()

    def __call__(self) -> Mapping[str, int]:
        return self._seen

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        try:
            with self._pool.connection(timeout=LOOK_SECONDS) as connection:
                self._seen = dict(connection.execute(_LAG).fetchall())
        except psycopg.Error as lost:
            # What was seen last stays: a busy database must not make us look dead.
            log.warning("lag.not_seen", reason=type(lost).__name__)
