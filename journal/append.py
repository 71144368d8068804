"""One command's worth of entries on its way into a log, and the promise of how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock
from time import monotonic
from typing import NamedTuple

from journal import Busy, OutcomeUnknown


class Entry(NamedTuple):
    """One event, ready to be stored: all in the bytes that the chain and the wire want."""

    stream: bytes
    version: int
    name: bytes
    schema_version: int
    event_id: bytes
    effective_on: int
    actor: bytes
    on_behalf_of: bytes | None
    command_id: bytes
    correlation_id: bytes
    causation_id: bytes | None
    subjects: bytes
    state: bytes
    header_tail: bytes


class Read(NamedTuple):
    """What a decision rested on: a stream's version, and the log's position when it was read."""

    version: int
    as_of: int


class Once(NamedTuple):
    """The record that makes a repetition meet its first answer."""

    principal: bytes
    key: bytes
    body_hash: bytes
    answer: bytes
    kept_until_us: int | None
    """Microseconds since 1970 UTC; None for ever."""


class Repeated(Exception):
    """This was asked before and answered: here is that answer."""

    def __init__(self, position: int, answer: bytes, body_hash: bytes) -> None:
        super().__init__("asked before")
        self.position = position
        self.answer = answer
        self.body_hash = body_hash


class Append:
    """Entries of one agency that are kept together or not at all.

    `reads` are checked under the log's head, also of streams that do not change: no write skew.
    `after` are appends in flight whose outcome was already decided upon: this one gets in only
    if they did.
    """

    __slots__ = (
        "_ended", "after", "agency", "deadline", "entries", "error", "in_flight", "number", "once",
        "position", "reads",
    )  # fmt: skip

    def __init__(
        self,
        agency: bytes,
        entries: Sequence[Entry],
        *,
        reads: Mapping[bytes, Read] | None = None,
        after: Sequence[Append] = (),
        once: Once | None = None,
        patience_seconds: float = 10.0,
    ) -> None:
        assert entries, "an append keeps something"
        self.agency = agency
        self.entries = entries
        self.reads = reads or {}
        self.after = after
        self.once = once
        self.deadline = monotonic() + patience_seconds
        self.position = 0
        """After success: the log's position of the last entry."""
        self.error: Exception | None = None
        self.number = 0
        """Its place in the order in which the writer took them."""
        self.in_flight = True
        """Whether it has not ended yet. Never the lock itself: those who wait take that in turn."""
        self._ended = Lock()
        self._ended.acquire()

    def succeed(self, position: int) -> None:
        self.position = position
        self.in_flight = False
        self._ended.release()

    def fail(self, error: Exception) -> None:
        self.error = error
        self.in_flight = False
        self._ended.release()

    def settle(self) -> bool:
        """Wait until it has ended; True if it is kept. Raises Busy past the deadline."""
        # The lock is taken only to wait for its release, and given back for the next who waits.
        if not self._ended.acquire(timeout=max(0.0, self.deadline - monotonic()) + 5.0):
            raise Busy("the journal did not answer in time")
        self._ended.release()
        return self.error is None

    def result(self) -> int:
        """The position of the last entry once kept; raises what stopped it."""
        try:
            self.settle()
        except Busy as late:
            raise OutcomeUnknown("the journal may still keep it") from late
        if self.error is not None:
            raise self.error
        return self.position
