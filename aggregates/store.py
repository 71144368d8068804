"""One command's view of one agency: hands out aggregates and remembers what was read."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, TypeVar, get_args, get_type_hints
from uuid import UUID

from uuid_utils import uuid7

from aggregates import Aggregate
from aggregates.cells import Cell, Room
from domain import Event, NotFound, stream_id
from journal import Fact
from journal.append import Append, Read
from journal.journal import Journal

A = TypeVar("A", bound=Aggregate)


class Store:
    """Aggregates of one agency, each as this command has changed it so far."""

    def __init__(self, room: Room, journal: Journal, *, now: datetime, today: date) -> None:
        self.agency = room.agency
        self.now = now
        """The instant at which the command was taken, in UTC."""
        self.today = today
        """The same as a Paris date."""
        self._journal = journal
        self._room = room
        self.read: dict[bytes, Cell] = {}
        """Every cell that the decision rests on, by its stream."""
        self._changed: dict[bytes, Aggregate] = {}

    def get(self, kind: type[A], *natural_key: object) -> A:
        """The aggregate under its natural key; of version 0 if it has no history."""
        return self._one(kind, _stream(self.agency, kind.kind, *natural_key))

    def by_id(self, kind: type[A], stream: UUID) -> A:
        """The aggregate of this stream; of version 0 if it has no history."""
        return self._one(kind, stream.bytes)

    def new_id(self) -> UUID:
        """A new id, ordered by time; what is repeated gets the first answer's."""
        return UUID(bytes=uuid7().bytes)

    def many(self, kind: type[A], streams: Sequence[UUID]) -> list[A]:
        """Several aggregates in the order of their streams, loaded in one go."""
        wanted = [stream.bytes for stream in streams]
        missing = [s for s in wanted if s not in self._changed and self._room.get(s) is None]
        if missing:
            self._load(kind, list(dict.fromkeys(missing)))
        return [self._one(kind, stream) for stream in wanted]

    def _one(self, kind: type[A], stream: bytes) -> A:
        aggregate = self._changed.get(stream)
        if aggregate is None:
            cell = self.read.get(stream) or self._room.get(stream)
            if cell is None:
                self._load(kind, [stream])
                cell = self.read[stream]
            else:
                self.read[stream] = cell
            aggregate = self._changed[stream] = cell.state.copy()
        if not isinstance(aggregate, kind):
            raise _not_of_this_kind()
        return aggregate

    def naming(self, kind: type[A], named: UUID, *events: type[Event]) -> list[A]:
        """The aggregates in whose history one of these events holds an id, ours or another's."""
        names = [event.__name__ for event in events]
        _, streams = self._journal.naming(self.agency, named, names)
        return self.many(kind, streams)

    def collect(self) -> tuple[list[Fact], list[Aggregate]]:
        """All that was decided, in the order of first use, and the states it led to."""
        facts: list[Fact] = []
        states: list[Aggregate] = []
        for aggregate in self._changed.values():
            if decided := aggregate.collect_events():
                facts += decided
                states.append(aggregate)
        return facts, states

    def reads(self) -> dict[bytes, Read]:
        """What the append checks under the log's head."""
        return {stream: Read(cell.state.version, cell.as_of) for stream, cell in self.read.items()}

    def awaited(self) -> tuple[Append, ...]:
        """The appends that this decision rests on, unless they are known to be kept."""
        # One that was lost since it was read counts too: what was decided on it must not get in.
        resting_on = [
            append
            for cell in self.read.values()
            if (append := cell.append) and (append.in_flight or append.error)
        ]
        return tuple(dict.fromkeys(resting_on)) if resting_on else ()

    def _load(self, kind: type[A], streams: Sequence[bytes]) -> None:
        ids = [UUID(bytes=stream) for stream in streams]
        as_of, facts = self._journal.load(self.agency, ids, newest_only=kind.newest_only)
        known = _events_of(kind)
        if known and any(type(event) not in known for told in facts.values() for _, event in told):
            raise _not_of_this_kind()
        states = [kind.replay(stream, facts.get(stream, ())) for stream in ids]
        self._room.remember(states, as_of)
        for state in states:
            self.read[state.stream] = self._room.get(state.stream) or Cell(state, as_of)


@lru_cache(maxsize=100_000)
def _stream(agency: UUID, kind: str, *natural_key: Hashable) -> bytes:
    return stream_id(agency, kind, *natural_key).bytes


_EVENTS: dict[type[Aggregate], frozenset[Any]] = {}


def _events_of(kind: type[Aggregate]) -> frozenset[Any]:
    """The events that a kind of aggregate is made of, as its `evolve` says; empty for any."""
    known = _EVENTS.get(kind)
    if known is None:
        hint = get_type_hints(kind.evolve).get("event", Any)
        known = frozenset() if hint is Any else frozenset(get_args(hint) or (hint,))
        _EVENTS[kind] = known
    return known


def _not_of_this_kind() -> NotFound:
    # Ids come from outside: the id of a stream of another kind names nothing here.
    return NotFound("Cela n'existe pas.", "This does not exist.")
