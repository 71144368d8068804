"""Erasure reaches every process at once: what was destroyed elsewhere is forgotten here too.

The database destroys a key in the very commit that records the erasure, and tells who listens.
Who does not hear it looks twice a second; who cannot even look forgets all keys, and reads each
one anew before its next use. So no process goes on with a destroyed key for longer than that.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from select import select
from socket import socketpair
from threading import Event, Thread
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from journal.keys import Keyring

CHANNEL = "erasures"
LOOK_SECONDS = 0.5
AGAIN_SECONDS = 0.1
LATE = "1 minute"
"""How long after its destruction a key is still looked for: far longer than a commit takes."""

_LATELY = f"""
SELECT agency, subject FROM data_keys
WHERE erased_at > clock_timestamp() - interval '{LATE}'
"""
_AGAIN = """
SELECT destroy_key(e.agency, e.stream) FROM events e
LEFT JOIN data_keys k ON k.agency = e.agency AND k.subject = e.stream
WHERE e.name = 'PartyErased' AND (k.subject IS NULL OR k.wrapped IS NOT NULL)
"""

log = logging.getLogger("quittance.journal")


def destroy_again(connection: Connection[Any]) -> int:
    """Destroy the keys of all whom the journal says were erased; how many had come back.

    The journal is the record: keys that a restore brought back from an older backup are gone
    again before anybody reads with them.
    """
    return connection.execute(_AGAIN).rowcount


class Forgetting:
    """Listens for the whole process, from one thread.

    `forget` hears (agency, subject), and drops the state that holds what was sealed.
    """

    def __init__(
        self,
        connect: Callable[[], Connection[Any]],
        keys: Keyring,
        forget: Callable[[UUID, UUID], None] = lambda _agency, _subject: None,
    ) -> None:
        self._connect = connect
        self._keys = keys
        self._forget = forget
        self._closing = Event()
        self._woken, self._wake = socketpair()
        self._thread = Thread(target=self._run, name="journal-forgetting", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._wake.send(b"\0")
        self._thread.join()
        self._wake.close()
        self._woken.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                with self._connect() as connection:
                    self._listen(connection)
            except psycopg.Error as lost:
                reason = {"reason": type(lost).__name__, "state": lost.sqlstate}
                log.warning("journal.erasures_unheard", extra=reason)
            if not self._closing.is_set():
                # Deaf from here on: a key that is read anew is not older than the next try.
                self._keys.forget_all()
                self._closing.wait(AGAIN_SECONDS)

    def _listen(self, connection: Connection[Any]) -> None:
        connection.execute(f"LISTEN {CHANNEL}")
        # What was destroyed before it listened is not in what is read from now on.
        self._keys.forget_all()
        destroy_again(connection)
        while not self._closing.is_set():
            for agency, subject in connection.execute(_LATELY).fetchall():
                self._drop(agency, subject)
            # First what was told while it looked: that is no longer on the wire.
            self._hear(connection)
            select([connection.fileno(), self._woken.fileno()], [], [], LOOK_SECONDS)
            self._hear(connection)

    def _hear(self, connection: Connection[Any]) -> None:
        for told in connection.notifies(timeout=0):
            agency, subject = map(UUID, told.payload.split())
            self._drop(agency, subject)

    def _drop(self, agency: UUID, subject: UUID) -> None:
        self._keys.forget(agency, subject)
        # Once more at every look: a state that was being read meanwhile came after the word.
        self._forget(agency, subject)
