"""Who did what, when and why: to a person, a lease, a payment, an invoice, anything with an id?

An entry is found under its stream, every id in its fact, the one who acted and the one they acted
for, and under the event that caused it: so a history can be followed from cause to effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar
from uuid import UUID, uuid5

from psycopg import Connection
from pydantic import BaseModel

from journal import Recorded
from projections import Projection, Row, Rows

_ACTORS = UUID("0d7f1a5e-6f3b-5b0a-9a0f-3a1f4e2c7b60")
"""Names of actors become ids of mentions under this one, which is for ever."""


@dataclass(frozen=True, slots=True)
class MentionRow(Row):
    """An entry of the journal mentions an id: as its stream, in its fact, or in its envelope."""

    table: ClassVar = "mentions"
    key: ClassVar = ("about_id", "position")
    appended: ClassVar = True

    about_id: UUID
    position: int


class Timeline(Projection):
    name = "timeline"
    version = 2
    rows = (MentionRow,)

    def fold(self, rows: Rows, entry: Recorded) -> None:
        for about in dict.fromkeys((entry.stream, *_ids(entry.event), *_envelope(entry))):
            rows.add(MentionRow(about, entry.position))


@lru_cache(maxsize=10_000)
def actor_id(actor: str) -> UUID:
    """What everything that an actor did is found under: `token:…`, `clock`, `operator`."""
    return uuid5(_ACTORS, actor)


def mentioned(entry: Recorded) -> tuple[UUID, ...]:
    """The things that an entry is about: its stream, and every id in its fact."""
    return tuple(dict.fromkeys((entry.stream, *_ids(entry.event))))


def _envelope(entry: Recorded) -> Iterator[UUID]:
    yield actor_id(entry.actor)
    if entry.causation_id is not None:
        yield entry.causation_id
    if entry.on_behalf_of is not None:
        with suppress(ValueError):
            yield UUID(entry.on_behalf_of)


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


def positions_about(
    connection: Connection[Any],
    agency: UUID,
    about: Sequence[UUID],
    *,
    after: int = 0,
    up_to: int | None = None,
    limit: int | None = None,
) -> list[int]:
    """The positions of the entries that mention any of some ids, in order, each once."""
    rows = connection.execute(
        "SELECT DISTINCT position FROM read.mentions WHERE agency = %s AND about_id = ANY(%s)"
        " AND position > %s AND (%s::bigint IS NULL OR position <= %s) ORDER BY position LIMIT %s",
        [agency, list(about), after, up_to, up_to, limit],
    ).fetchall()
    return [position for (position,) in rows]
