"""One command's worth of entries on its way into a log, and the promise of how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from threading import Lock
from time import monotonic
from typing import NamedTuple

from journal import Busy, OutcomeUnknown
from journal.rows import answer_fields


class Entry(NamedTuple):
    """One event, ready to be stored: all that is known of it before its position is."""

    stream: bytes
    version: int
    event_id: bytes
    state: bytes
    header_tail: bytes
    """What the chain hashes behind the position."""
    fields: bytes
    """What is stored behind it; see `journal.rows`."""


class Read(NamedTuple):
    """What a decision rested on: a stream's version, and the log's position when it was read."""

    version: int
    as_of: int


class Once(NamedTuple):
    """The record that makes a repetition meet its first answer."""

    principal: bytes
    key: bytes
    fields: bytes
    """The record as it is stored; see `journal.rows`."""


def once(
    principal: bytes, key: bytes, body_hash: bytes, answer: bytes, kept_until_us: int | None
) -> Once:
    """To be answered so again under this key, until then (microseconds since 1970 UTC)."""
    return Once(principal, key, answer_fields(principal, key, body_hash, answer, kept_until_us))


class Repeated(Exception):
    """This was asked before and answered: here is that answer."""

    def __init__(self, position: int, answer: bytes, body_hash: bytes) -> None:
        super().__init__("asked before")
        self.position = position
        self.answer = answer
        self.body_hash = body_hash


LOOK_SECONDS = 0.02
"""How long somebody who waits relies on being told before looking for themselves."""
GRACE_SECONDS = 5.0


def tell(kept: Sequence[tuple[Append, int]]) -> None:
    """Tell all who wait that these are kept, and where: the first, who tells the second, and so on.

    Waking a thread is a system call, and a woken thread wants the interpreter. Were all woken at
    once, the writer would queue behind them each time it comes back from the database; so it is
    behind one at most. A link that is broken costs the others a look for themselves.
    """
    for (append, _), (following, _) in pairwise(kept):
        append._next.append(following)
    for append, position in kept:
        append.keep(position)
    if kept:
        kept[0][0]._ended.release()


class Append:
    """Entries of one agency that are kept together or not at all.

    `reads` are checked under the log's head, also of streams that do not change: no write skew.
    `after` are appends in flight whose outcome was already decided upon: this one gets in only
    if they did.
    """

    __slots__ = (
        "_ended", "_next", "after", "agency", "deadline", "entries", "error", "in_flight",
        "number", "once",
        "position", "reads", "unanswered",
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
        self.unanswered = False
        """Whether it was once sent and not answered: it may be in the log for all we know."""
        self.in_flight = True
        """Whether it has not ended yet. Never the lock itself: those who wait take that in turn."""
        self._ended = Lock()
        self._ended.acquire()
        self._next: list[Append] = []
        """Whom to tell in turn; see `tell`."""

    def keep(self, position: int) -> None:
        """It is committed. Who waits hears of it by `tell`."""
        self.position = position
        self.in_flight = False
        # The states that it made are remembered with it, perhaps for days: let go of the rest.
        self.entries, self.reads, self.after, self.once = (), {}, (), None

    def succeed(self, position: int) -> None:
        """It is committed, and who waits is told."""
        self.keep(position)
        self._ended.release()

    def fail(self, error: Exception) -> None:
        self.error = error
        self.in_flight = False
        self._ended.release()

    def settle(self) -> bool:
        """Wait until it has ended; True if it is kept. Raises Busy past the deadline."""
        latest = self.deadline + GRACE_SECONDS
        while self.in_flight:
            # The lock is taken only to wait for its release, and given back for who waits too.
            if self._ended.acquire(timeout=LOOK_SECONDS):
                self._ended.release()
            elif self.in_flight and monotonic() > latest:
                raise Busy("the journal did not answer in time")
        self._tell_next()
        return self.error is None

    def _tell_next(self) -> None:
        try:
            following = self._next.pop()
        except IndexError:
            return
        following._ended.release()

    def result(self) -> int:
        """The position of the last entry once kept; raises what stopped it."""
        try:
            self.settle()
        except Busy as late:
            raise OutcomeUnknown("the journal may still keep it") from late
        if self.error is not None:
            raise self.error
        return self.position
