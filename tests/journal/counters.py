"""A small business of its own to try the journal with: counters, and notes about people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from aggregates import Aggregate
from aggregates.store import Store
from commands import Command
from domain import Event, Personal, Refused, of


class Counted(Event):
    """A counter went up or down. `tag` says by whom, so that a test finds it again."""

    by: int = 1
    tag: str = ""


class Noted(Event):
    """Something was written down about a person."""

    person_id: UUID
    text: Personal[str] = of("person_id")


EVENTS: tuple[type[Event], ...] = (Counted, Noted)


class Full(Refused):
    """The counter has reached its limit."""


class Counter(Aggregate):
    kind = "counter"

    total: int = 0
    tags: tuple[str, ...] = ()

    def count(self, by: int = 1, tag: str = "") -> None:
        self.trigger_event(Counted, by=by, tag=tag)

    def evolve(self, event: Counted) -> None:
        self.total += event.by
        self.tags = (*self.tags, event.tag)


class Notebook(Aggregate):
    kind = "notebook"

    texts: tuple[Any, ...] = ()

    def note(self, person_id: UUID, text: str) -> None:
        self.trigger_event(Noted, person_id=person_id, text=text)

    def evolve(self, event: Noted) -> None:
        self.texts = (*self.texts, event.text)


class Tried(Command):
    """A command of the tests alone."""

    internal: ClassVar[bool] = True

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Not registered: the product must not offer these."""


class Count(Tried):
    """Counts; with a limit, refuses once that is reached."""

    counter: str
    by: int = 1
    tag: str = ""
    limit: int | None = None
    looked: ClassVar[Callable[[], None]] = lambda: None
    """Called when a decision was taken, for tests that must know."""

    def handle(self, store: Store) -> Mapping[str, object]:
        counter = store.get(Counter, self.counter)
        total = counter.total
        type(self).looked()
        if self.limit is not None and total >= self.limit:
            raise Full(f"{self.counter} est plein.", f"{self.counter} is full.")
        counter.count(self.by, self.tag)
        return {"total": counter.total}


class GoHome(Tried):
    """One of two leaves, as long as the other stays: reads both, changes one."""

    who: str
    other: str

    def handle(self, store: Store) -> None:
        mine, others = store.get(Counter, self.who), store.get(Counter, self.other)
        if mine.total + others.total < 2:
            raise Full("Il faut que quelqu'un reste.", "Somebody has to stay.")
        mine.count(-1)


class Look(Tried):
    """Changes nothing."""

    counter: str

    def handle(self, store: Store) -> Mapping[str, object]:
        return {"total": store.get(Counter, self.counter).total}


class Note(Tried):
    """Writes down what is personal."""

    person_id: UUID
    text: str

    def handle(self, store: Store) -> None:
        store.get(Notebook, self.person_id).note(self.person_id, self.text)


# The product's own registers do not know of these; a test that stores events says so.
for _event in EVENTS:
    del Event.named[_event.__name__]
del Command.named[Tried.__name__]
