"""What is decided: each aggregate turns a request into events, or refuses it.

Aggregates decide from their own history and arguments only: no clock, no database, no other
aggregate. Their attributes hold immutable values, and `evolve` sets attributes anew instead of
changing what they hold, so that a copy of an aggregate is a copy of its attributes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self
from uuid import UUID

from domain import Event
from journal import Fact


class Aggregate:
    """A stream's consistency boundary, on the `eventsourcing` library's protocols.

    Our own small class, because the library's reads the clock. Version 0 is an aggregate that
    has no history yet.
    """

    kind: ClassVar[str]
    """The kind of stream, a part of its id."""
    newest_only: ClassVar[bool] = False
    """Whether the newest event alone says all: number series load no other."""

    def __init__(self, stream: UUID) -> None:
        self.id = stream
        self.stream = stream.bytes
        """The same as bytes, under which it is remembered."""
        self.version = 0
        self._pending: tuple[Fact, ...] = ()

    @property
    def exists(self) -> bool:
        return self.version > 0

    def trigger_event(self, happened: type[Event], /, **fields: Any) -> None:
        """A decision was taken: it has happened from here on."""
        event = happened(**fields)
        self.evolve(event)
        self.version += 1
        self._pending = (*self._pending, Fact(self.id, self.version, event))

    def collect_events(self) -> Sequence[Fact]:
        """What was decided since the last call."""
        pending, self._pending = self._pending, ()
        return pending

    def evolve(self, event: Any) -> None:
        """Take over what has happened; never refuses."""
        raise NotImplementedError

    @classmethod
    def replay(cls, stream: UUID, facts: Iterable[tuple[int, Event]]) -> Self:
        """The aggregate as its history made it."""
        aggregate = cls(stream)
        for version, event in facts:
            aggregate.evolve(event)
            aggregate.version = version
        return aggregate

    def copy(self) -> Self:
        """An independent copy: attributes hold immutable values."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin
