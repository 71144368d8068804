"""The appends that wait to be written: first come, first served, also those that come back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from queue import Empty, SimpleQueue
from time import monotonic

from journal import Busy, OutcomeUnknown
from journal.append import Append
from journal.log import Log

BATCH_APPENDS = 512
BATCH_ENTRIES = 8_000
HELD_PAUSE_SECONDS = 0.004


class Waiting:
    """Anybody adds; the writer's thread alone does all else, save to begin closing."""

    def __init__(self) -> None:
        self.put_off: list[Append] = []
        """What fell out of a batch, and what came behind it. In any order, perhaps twice."""
        self.now = 0.0
        """When the batch at hand was begun; what waits for a later time stays out of it."""
        self._queue: SimpleQueue[Append | None] = SimpleQueue()
        self._taken = 0
        self._closing = False
        self._ended = False

    def add(self, append: Append) -> None:
        """Queue it. Raises Busy once closing."""
        if self._closing:
            raise Busy("the journal is closing")
        self._queue.put(append)
        if self._ended:
            self._turn_away(())

    def close(self) -> None:
        """Let nobody in any more; what waits is still served."""
        self._closing = True
        self._queue.put(None)

    def end(self, unanswered: Iterable[Append]) -> None:
        """Nobody serves any more."""
        self._closing = self._ended = True
        self._turn_away((*unanswered, *self.put_off))

    @property
    def over(self) -> bool:
        """Whether everybody was served after closing."""
        return self._closing and self._queue.empty() and not self.put_off

    def next(self, logs: Mapping[bytes, Log], *, idle: bool) -> list[Append]:
        """All that wait and may go now; if `idle`, waits itself until there is something."""
        self.now = monotonic()
        batch = self._back_again(logs) if self.put_off else []
        size = sum(len(append.entries) for append in batch)
        try:
            while len(batch) < BATCH_APPENDS and size < BATCH_ENTRIES:
                # Once closing, nobody will come to end an endless wait.
                soon = self.put_off or self._closing
                append = self._queue.get(
                    block=idle and not batch, timeout=HELD_PAUSE_SECONDS if soon else None
                )
                if append is None:
                    break
                self._taken += 1
                append.number = self._taken
                batch.append(append)
                size += len(append.entries)
        except Empty:
            pass
        return batch

    def _back_again(self, logs: Mapping[bytes, Log]) -> list[Append]:
        """Those put off that may go now, in the order in which they first came."""
        batch: list[Append] = []
        put_off, self.put_off = dict.fromkeys(self.put_off), []
        for append in sorted(put_off, key=lambda append: append.number):
            known = logs.get(append.agency)
            if not append.in_flight:
                continue
            if append.deadline < self.now:
                append.fail(_too_late(append, known))
            elif known is not None and known.not_before > self.now:
                self.put_off.append(append)
            else:
                batch.append(append)
        return batch

    def _turn_away(self, unanswered: Iterable[Append]) -> None:
        """Nobody is left to answer these, nor what came too late: say so at once."""
        left = list(unanswered)
        try:
            while True:
                append = self._queue.get(block=False)
                if append is not None:
                    left.append(append)
        except Empty:
            pass
        for append in dict.fromkeys(left):
            if append.in_flight:
                append.fail(OutcomeUnknown("the journal has closed"))


def _too_late(append: Append, known: Log | None) -> Busy:
    if known is not None and append.entries[0].event_id in known.unheard:
        return OutcomeUnknown("the database could not be asked whether it was kept")
    return Busy("another writer holds this agency")
