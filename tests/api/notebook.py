"""A small business of its own, for the tests of the edge: notebooks in which notes are taken."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field, WithJsonSchema

from aggregates import Aggregate
from aggregates.store import Store
from api.limits import BIGGEST
from commands import Command
from domain import Event, NotFound, Personal, Refused, of
from domain.money import Cents, PositiveCents
from domain.principal import Role

Whole = Annotated[int, WithJsonSchema({"type": "integer", "minimum": -BIGGEST, "maximum": BIGGEST})]
"""An integer whose bounds are the edge's own: the documentation tells them, the edge keeps them."""


class EdgeNoteTaken(Event):
    text: str
    cents: Cents
    effective_on: date


class EdgePersonNoted(Event):
    party_id: UUID
    name: Personal[str] = of("party_id")


class NotebookFull(Refused):
    """A notebook holds three notes."""


class Notebook(Aggregate):
    """Takes three notes."""

    kind = "edge-notebook"
    notes = 0

    def take(self, text: str, cents: int, on: date) -> None:
        if self.notes == 3:
            raise NotebookFull("Ce carnet est plein.", "This notebook is full.")
        self.trigger_event(EdgeNoteTaken, text=text, cents=cents, effective_on=on)

    def evolve(self, event: EdgeNoteTaken | EdgePersonNoted) -> None:
        self.notes += 1


class TakeEdgeNote(Command):
    """Write a note into a notebook."""

    notebook: str = Field(min_length=1, max_length=50)
    text: str = Field(max_length=200)
    cents: PositiveCents
    on: date
    tags: dict[str, Whole] = Field(default={}, max_length=5)

    def handle(self, store: Store) -> Mapping[str, object]:
        notebook = store.get(Notebook, self.notebook)
        notebook.take(self.text, self.cents, self.on)
        return {"notebook": notebook.id}


class NoteEdgePerson(Command):
    """Write a person's name down."""

    party_id: UUID
    name: str = Field(max_length=50)

    def handle(self, store: Store) -> None:
        notebook = store.get(Notebook, self.party_id)
        notebook.trigger_event(EdgePersonNoted, party_id=self.party_id, name=self.name)


class CountEdgeNotes(Command):
    """Look whether there is a notebook; changes nothing."""

    notebook: str
    allowed: ClassVar[frozenset[Role]] = frozenset({Role.AUDITOR, Role.AGENT})

    def handle(self, store: Store) -> Mapping[str, object]:
        notebook = store.get(Notebook, self.notebook)
        if not notebook.exists:
            raise NotFound("Ce carnet n'existe pas.", "This notebook does not exist.")
        return {"notebook": notebook.id, "notes": notebook.notes}


class BreakEdge(Command):
    """A bug, for once on purpose."""

    def handle(self, store: Store) -> None:
        raise ZeroDivisionError("the secret of the inside")


class TidyEdgeNotes(Command):
    """Only the system asks this."""

    internal: ClassVar[bool] = True


KINDS = (TakeEdgeNote, NoteEdgePerson, CountEdgeNotes, BreakEdge, TidyEdgeNotes)
