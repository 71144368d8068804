"""Who did what, when and why: to a person, a lease, a payment, an invoice, anything with an id?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from psycopg import Connection
from pydantic import BaseModel

from domain.words import Language
from journal import Recorded
from journal.journal import Journal
from projections import Projection, Row, Rows
from projections.telling import tell


@dataclass(frozen=True, slots=True)
class MentionRow(Row):
    """An entry of the journal mentions an id: as its stream, or in its fact."""

    table: ClassVar = "mentions"
    key: ClassVar = ("about_id", "position")

    about_id: UUID
    position: int


class Timeline(Projection):
    name = "timeline"
    rows = (MentionRow,)

    def fold(self, rows: Rows, entry: Recorded) -> None:
        for about in dict.fromkeys((entry.stream, *_ids(entry.event))):
            rows.add(MentionRow(about, entry.position))


def _ids(value: Any) -> Iterator[UUID]:
    """Every id in a fact, whatever it is the id of."""
    if isinstance(value, UUID):
        yield value
    elif isinstance(value, BaseModel):
        for inner in value.__dict__.values():
            yield from _ids(inner)
    elif isinstance(value, tuple):
        for inner in value:
            yield from _ids(inner)


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry as a person reads it."""

    position: int
    recorded_at: datetime
    effective_on: date
    name: str
    told: str
    actor: str
    on_behalf_of: str | None
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID | None
    """The event that caused this, for what the product did by itself."""


def history(
    connection: Connection,
    journal: Journal,
    agency: UUID,
    about: UUID,
    language: Language,
    *,
    after: int = 0,
    limit: int = 200,
) -> list[Moment]:
    """All that mentions an id, in the order in which it was recorded."""
    rows = connection.execute(
        "SELECT position FROM read.mentions WHERE agency = %s AND about_id = %s AND position > %s"
        " ORDER BY position LIMIT %s",
        [agency, about, after, limit],
    ).fetchall()
    return [
        Moment(
            entry.position, entry.recorded_at, entry.effective_on, entry.name,
            tell(entry.event, language), entry.actor, entry.on_behalf_of, entry.command_id,
            entry.correlation_id, entry.causation_id,
        )
        for entry in journal.at(agency, [position for (position,) in rows])
    ]  # fmt: skip
