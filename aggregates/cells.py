"""The states that a process keeps in memory, those still on their way into the journal included.

A decision may rest on a state whose append is not answered yet: it is then appended *after* that
one, and gets in only if that one did. So commands on one lease need not wait for each other's
commit, and a refusal that rests on such a state is told only when the state is durable.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import TYPE_CHECKING
from uuid import UUID

from aggregates import Aggregate
from journal import Conflict
from journal.append import Append

if TYPE_CHECKING:
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


class Room:
    """The cells of one agency, by the bytes of their streams' ids, and whose turn it is there.

    Bytes, because they are looked up many times for each command and hash ten times faster.
    """

    def __init__(self, agency: UUID, journal: Journal) -> None:
        self.agency = agency
        self.cells: dict[bytes, Cell] = {}
        self._journal = journal
        self._turns = FairLock()
        self._lock = Lock()

    def get(self, stream: bytes) -> Cell | None:
        cell = self.cells.get(stream)
        return None if cell is None or cell.lost else cell

    def remember(self, states: Iterable[Aggregate], as_of: int) -> None:
        """Keep states that were read; never over a newer one."""
        with self._lock:
            self._make_place()
            for state in states:
                known = self.cells.get(state.stream)
                if known is None or known.lost or known.state.version < state.version:
                    self.cells[state.stream] = Cell(state, as_of)

    def submit(
        self, append: Append, read: Mapping[bytes, Cell], states: Iterable[Aggregate]
    ) -> None:
        """Queue an append and let its states be decided upon; Conflict if somebody was faster."""
        with self._lock:
            cells = self.cells
            for stream, cell in read.items():
                if cells.get(stream, cell) is not cell:
                    raise Conflict("a state it was decided on is no longer the newest")
            self._journal.submit(append)
            for state in states:
                cells[state.stream] = Cell(state, 0, append)
            if len(cells) > REMEMBERED_STATES:
                self._make_place()

    def evict(self, streams: Iterable[bytes]) -> None:
        """Forget states that are not to be trusted, but none that is on its way."""
        with self._lock:
            for stream in streams:
                cell = self.cells.get(stream)
                if cell is not None and not cell.in_flight:
                    del self.cells[stream]

    def forget(self, stream: bytes) -> None:
        """A person was erased: drop their state, the only one that their data is held in.

        Also one that is on its way: whoever decides next reads the journal, at worst twice.
        """
        with self._lock:
            self.cells.pop(stream, None)

    def turn(self, *, insist: bool) -> FairLock | None:
        """First come, first served, once a command of this agency had to be decided again.

        The lock is held by who gets one, and theirs to release.
        """
        if not insist and not self._turns.busy:
            return None
        self._turns.acquire()
        return self._turns

    def moved(self, streams: Mapping[bytes, int]) -> None:
        """Others have appended: what is remembered of these streams is old."""
        with self._lock:
            for stream, version in streams.items():
                cell = self.cells.get(stream)
                if cell is not None and cell.state.version < version:
                    del self.cells[stream]

    def _make_place(self) -> None:
        if len(self.cells) > REMEMBERED_STATES:
            for stream in [s for s, cell in self.cells.items() if not cell.in_flight]:
                del self.cells[stream]


class Cells:
    """The rooms of all agencies of this process."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._rooms: dict[UUID, Room] = {}
        journal.moved.append(lambda agency, streams: self.room(agency).moved(streams))

    def room(self, agency: UUID) -> Room:
        room = self._rooms.get(agency)
        if room is None:
            room = self._rooms.setdefault(agency, Room(agency, self._journal))
        return room

    def forget(self, agency: UUID, subject: UUID) -> None:
        """A person was erased."""
        self.room(agency).forget(subject.bytes)
