"""What one process remembers of one agency's log: its head, and the versions of its streams.

The memory is true as long as the head has not moved without us. Position and hash fence every
commit, so a stale memory costs one refused batch and a catch-up, never a wrong append.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from uuid import UUID

from psycopg import Connection

from journal import EPOCH, NoSuchAgency
from journal.append import Append

REMEMBERED_STREAMS = 100_000
CAUGHT_UP_EVENTS = 20_000
"""When others appended more than this, it costs less to forget than to go through it."""


class Log:
    """Head and versions of one agency: what is confirmed, and what is foreseen on top of it."""

    __slots__ = (
        "agency", "confirmed", "doubtful", "foreseen", "generation", "hash", "learnt",
        "not_before", "position", "recorded_at_us", "since", "unheard", "versions",
    )  # fmt: skip

    def __init__(self, agency: bytes) -> None:
        self.agency = agency
        self.learnt = False
        self.doubtful = True
        """Whether it has to be asked for before anything is decided on it."""
        self.unheard: dict[bytes, Append] = {}
        """First event id → append that was sent, and may be in the log without our knowing."""
        self.position = 0
        """The head as it will be when all that is sent is kept; `hash`, `recorded_at_us` too."""
        self.hash = b""
        self.recorded_at_us = 0
        self.confirmed = 0
        """The position up to which this memory is known to be true."""
        self.versions: dict[bytes, int] = {}
        """Stream → version, whole for all that was appended after `since` up to `confirmed`."""
        self.since = 0
        self.foreseen: dict[bytes, int] = {}
        """Stream → version of what is sent and not answered yet."""
        self.generation = 0
        """Counts the times that foresight proved wrong; older plans do not touch the memory."""
        self.not_before = 0.0
        """Monotonic time before which a held head is not asked for again."""

    def doubt(self, sent: Iterable[Append]) -> None:
        """What is remembered may be wrong, and some of what was sent may have been kept."""
        self.doubtful = True
        self.unheard.update((append.entries[0].event_id, append) for append in sent)

    def forget(self) -> None:
        """Nothing of this memory is to be trusted any more."""
        self.learnt, self.doubtful = False, True

    def foresee(
        self, position: int, digest: bytes, recorded_at_us: int, versions: Mapping[bytes, int]
    ) -> None:
        """All up to here is sent."""
        self.position, self.hash, self.recorded_at_us = position, digest, recorded_at_us
        self.foreseen.update(versions)

    def confirm(self, position: int, versions: Mapping[bytes, int]) -> None:
        """All up to here is kept."""
        self.confirmed = position
        self.versions.update(versions)
        for stream, version in versions.items():
            if self.foreseen.get(stream) == version:
                del self.foreseen[stream]
        if len(self.versions) > REMEMBERED_STREAMS:
            self.versions.clear()
            self.since = position

    def catch_up(self, connection: Connection) -> dict[bytes, int]:
        """Learn what was appended since; returns the streams that moved, with their versions.

        What is unheard of and found in the log was kept by a commit whose answer was lost: it
        succeeds now.
        """
        row = connection.execute(
            "SELECT position, hash, recorded_at FROM heads WHERE agency = %s",
            [UUID(bytes=self.agency)],
        ).fetchone()
        if row is None:
            raise NoSuchAgency("Cette agence n'existe pas.", "This agency does not exist.")
        found = self._kept(connection) if self.unheard else {}
        moved: dict[bytes, int] = {}
        if self.learnt and row[0] - self.confirmed <= CAUGHT_UP_EVENTS:
            moved = self._appended(connection, row[0])
        else:
            self.versions.clear()
            self.since = row[0]
        self.learnt, self.doubtful = True, False
        self.position, self.hash = row[0], row[1]
        self.recorded_at_us = (row[2] - EPOCH) // timedelta(microseconds=1)
        self.confirmed = self.position
        self.generation += 1
        self.foreseen.clear()
        self.versions.update(moved)
        unheard, self.unheard = self.unheard, {}
        for event_id, position in found.items():
            append = unheard[event_id]
            if append.in_flight:
                append.succeed(position + len(append.entries) - 1)
        return moved

    def _appended(self, connection: Connection, position: int) -> dict[bytes, int]:
        """Stream → version of what is new up to a position."""
        if position == self.confirmed:
            return {}
        rows = connection.execute(
            "SELECT stream, version FROM events"
            " WHERE agency = %s AND position > %s AND position <= %s ORDER BY position",
            [UUID(bytes=self.agency), self.confirmed, position],
        )
        return {stream.bytes: version for stream, version in rows}

    def _kept(self, connection: Connection) -> dict[bytes, int]:
        """Event id → position of those unheard of that are in the log."""
        first = [append.entries[0] for append in self.unheard.values()]
        rows = connection.execute(
            "SELECT e.event_id, e.position FROM unnest(%s::uuid[], %s::integer[]) AS u(s, v)"
            " JOIN events e ON e.agency = %s AND e.stream = u.s AND e.version = u.v",
            [
                [UUID(bytes=entry.stream) for entry in first],
                [entry.version for entry in first],
                UUID(bytes=self.agency),
            ],
        )
        return {each.bytes: position for each, position in rows if each.bytes in self.unheard}
