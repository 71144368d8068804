"""The states that a process keeps in memory, those still on their way into the journal included.

A decision may rest on a state whose append is not answered yet: it is then appended *after* that
one, and gets in only if that one did. So commands on one lease need not wait for each other's
commit, and a refusal that rests on such a state is told only when the state is durable.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING
from uuid import UUID

from aggregates import Aggregate
from journal import Conflict
from journal.append import Append

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.journal import Journal

REMEMBERED_STATES = 50_000


class Cell:
    """One state: the append that made it, or the position that it was read at."""

    __slots__ = ("_as_of", "append", "state")

    def __init__(self, state: Aggregate, as_of: int, append: Append | None = None) -> None:
        self.state = state
        self._as_of = as_of
        self.append = append

    @property
    def as_of(self) -> int:
        """A position of the log at which this state was current; -1 while it is not in the log."""
        return self._as_of if self.append is None else self.append.position or -1

    @property
    def in_flight(self) -> bool:
        return self.append is not None and self.append.in_flight

    @property
    def lost(self) -> bool:
        """The append that made this state was not kept."""
        append = self.append
        return append is not None and not append.in_flight and append.error is not None


class FairLock:
    """A lock that is handed on in the order in which it was asked for."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held = False
        self._queue: deque[Lock] = deque()

    @property
    def busy(self) -> bool:
        return self._held

    def acquire(self) -> None:
        with self._lock:
            if not self._held:
                self._held = True
                return
            turn = Lock()
            turn.acquire()
            self._queue.append(turn)
        turn.acquire()

    def release(self) -> None:
        with self._lock:
            if self._queue:
                self._queue.popleft().release()
            else:
                self._held = False


class Cells:
    """The cells of all agencies of this process."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._cells: dict[UUID, dict[UUID, Cell]] = {}
        self._turns: dict[UUID, FairLock] = {}
        self._lock = Lock()
        journal.moved.append(self._moved)

    def get(self, agency: UUID, stream: UUID) -> Cell | None:
        cell = self._cells.get(agency, {}).get(stream)
        return None if cell is None or cell.lost else cell

    def remember(self, agency: UUID, states: Iterable[Aggregate], as_of: int) -> None:
        """Keep states that were read; never over a newer one."""
        with self._lock:
            cells = self._room(agency)
            for state in states:
                known = cells.get(state.id)
                if known is None or known.lost or known.state.version < state.version:
                    cells[state.id] = Cell(state, as_of)

    def submit(
        self, append: Append, agency: UUID, read: Mapping[UUID, Cell], states: Iterable[Aggregate]
    ) -> None:
        """Queue an append and let its states be decided upon; Conflict if somebody was faster."""
        with self._lock:
            cells = self._room(agency)
            for stream, cell in read.items():
                current = cells.get(stream)
                if current is not None and current is not cell:
                    raise Conflict("a state it was decided on is no longer the newest")
            self._journal.submit(append)
            for state in states:
                cells[state.id] = Cell(state, 0, append)

    def evict(self, agency: UUID, streams: Iterable[UUID]) -> None:
        """Forget states that are not to be trusted, but none that is on its way."""
        with self._lock:
            cells = self._room(agency)
            for stream in streams:
                cell = cells.get(stream)
                if cell is not None and not cell.in_flight:
                    del cells[stream]

    @contextmanager
    def turn(self, agency: UUID, *, insist: bool) -> Iterator[None]:
        """First come, first served, once a command of this agency had to be decided again."""
        turns = self._turns.get(agency)
        if turns is None:
            turns = self._turns.setdefault(agency, FairLock())
        if not insist and not turns.busy:
            yield
            return
        turns.acquire()
        try:
            yield
        finally:
            turns.release()

    def _room(self, agency: UUID) -> dict[UUID, Cell]:
        cells = self._cells.setdefault(agency, {})
        if len(cells) > REMEMBERED_STATES:
            for stream in [s for s, cell in cells.items() if not cell.in_flight]:
                del cells[stream]
        return cells

    def _moved(self, agency: UUID, streams: dict[bytes, int]) -> None:
        """Others have appended: what we remember of these streams is old."""
        with self._lock:
            cells = self._room(agency)
            for raw, version in streams.items():
                stream = UUID(bytes=raw)
                cell = cells.get(stream)
                if cell is not None and cell.state.version < version:
                    del cells[stream]
