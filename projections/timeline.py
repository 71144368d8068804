"""Who did what, when and why: to a person, a lease, a payment, an invoice, anything with an id?

An entry is found under its stream, every id in its fact, the one who acted and the one they acted
for, and under the event that caused it: so a history can be followed from cause to effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, ClassVar, get_args, get_origin
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
        ids: dict[UUID, None] = {entry.stream: None}
        _gather(entry.event, ids)
        _gather_envelope(entry, ids)
        for about in ids:
            rows.add(MentionRow(about, entry.position))


@lru_cache(maxsize=10_000)
def actor_id(actor: str) -> UUID:
    """What everything that an actor did is found under: `token:…`, `clock`, `operator`."""
    return uuid5(_ACTORS, actor)


def mentioned(entry: Recorded) -> tuple[UUID, ...]:
    """The things that an entry is about: its stream, and every id in its fact."""
    ids: dict[UUID, None] = {entry.stream: None}
    _gather(entry.event, ids)
    return tuple(ids)


def _gather_envelope(entry: Recorded, ids: dict[UUID, None]) -> None:
    ids[actor_id(entry.actor)] = None
    if entry.causation_id is not None:
        ids[entry.causation_id] = None
    if entry.on_behalf_of is not None:
        with suppress(ValueError):
            ids[UUID(entry.on_behalf_of)] = None


def _gather(value: Any, ids: dict[UUID, None]) -> None:
    """Every id in a fact, whatever it is the id of, in the order of the fields."""
    if value.__class__ is UUID:
        ids[value] = None
    elif isinstance(value, BaseModel):
        for name in _fields_with_ids(type(value)):
            _gather(value.__dict__[name], ids)
    elif isinstance(value, tuple):
        for inner in value:
            _gather(inner, ids)


@cache
def _fields_with_ids(kind: type[BaseModel]) -> tuple[str, ...]:
    """The fields that may hold ids: most hold none, and are not looked at for every event."""
    return tuple(n for n, f in kind.model_fields.items() if _may_hold_ids(f.annotation))


def _may_hold_ids(annotation: Any) -> bool:
    if get_origin(annotation) is not None:
        return any(map(_may_hold_ids, get_args(annotation)))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return bool(_fields_with_ids(annotation))
    return annotation is UUID or annotation is Any


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
