"""The bell: tells followers of the journal that something was appended, after the commit.

Rings are coalesced and go out on a connection of their own, so that no commit waits for the
lock that NOTIFY takes. A lost ring is not a lost event: followers also look by themselves.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from threading import Event, Thread

import psycopg
from psycopg import Connection
from psycopg.pq import ExecStatus

CHANNEL = "journal"
PAUSE_SECONDS = 0.003
"""Between two rings: each one wakes the database and every follower, which costs more than it
tells when commits come faster. The first after a silence goes out at once."""

log = logging.getLogger("quittance.journal")


class Bell:
    """Rings for the whole process, from one thread."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._rung = Event()
        self._closing = Event()
        self._thread = Thread(target=self._run, name="journal-bell", daemon=True)
        self._thread.start()

    def ring(self, _agencies: Iterable[bytes] = ()) -> None:
        """Something was committed."""
        self._rung.set()

    def close(self) -> None:
        self._closing.set()
        self._rung.set()
        self._thread.join()

    def _run(self) -> None:
        connection: Connection | None = None
        while True:
            self._rung.wait()
            self._rung.clear()
            try:
                if connection is None or connection.closed:
                    connection = self._connect()
                _ring(connection)
            except psycopg.Error as lost:
                log.warning("journal.bell_silent", extra={"reason": type(lost).__name__})
                connection = None
            self._closing.wait(PAUSE_SECONDS)
            if self._closing.is_set():
                if connection is not None:
                    connection.close()
                return


def _ring(connection: Connection) -> None:
    # Some hundred times a second under load: by libpq itself, a quarter of psycopg's cost.
    result = connection.pgconn.exec_(b"NOTIFY " + CHANNEL.encode())
    if result.status != ExecStatus.COMMAND_OK:
        raise psycopg.OperationalError("the bell's connection is lost")
