"""Where each projection stands in each log, and the fence that two projectors meet at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection, Cursor

from journal import EPOCH
from journal.columns import Bigints, Instants, Integers, Texts, Uuids
from projections import Projection
from projections.columns import microseconds
from projections.folding import Stretch
from projections.tables import LIVE

_ENTER = """
INSERT INTO {schema}.positions (projection, agency, position, version, as_of)
SELECT p.name, a.agency, 0, p.version, %s
FROM unnest(%s::uuid[]) AS a(agency), unnest(%s::text[], %s::integer[]) AS p(name, version)
ON CONFLICT (agency, projection) DO NOTHING
"""
_STAND = """
SELECT agency, projection, position, version, generation, error IS NOT NULL
FROM {schema}.positions WHERE agency = ANY(%s) AND projection = ANY(%s)
"""
_MOVE = """
UPDATE {schema}.positions p
SET position = n.end_at, as_of = coalesce(n.as_of, p.as_of), error = n.error,
    traceback = n.traceback
FROM unnest(%s::text[], %s::uuid[], %s::integer[], %s::integer[], %s::bigint[],
    %s::bigint[], %s::timestamptz[], %s::text[], %s::text[]) AS n(projection, agency, version,
    generation, after, end_at, as_of, error, traceback)
WHERE p.agency = n.agency AND p.projection = n.projection
    AND p.position = n.after AND p.version = n.version AND p.generation = n.generation
"""


@dataclass(slots=True)
class Standing:
    """A projection's place in one log."""

    position: int
    stopped: bool
    """An entry cannot be folded here, or the rows that serve are those of another fold."""
    generation: int = 1
    """Of the rows; they are exchanged when a rebuild is done."""
    poisoned: bool = False
    """What was stored last says that an entry cannot be folded."""


class Fenced(Exception):
    """Another projector has moved a position that this one stood at."""


def learn(
    connection: Connection[Any],
    projections: Mapping[str, Projection],
    agencies: Collection[UUID],
    schema: str = LIVE,
    *,
    others: Collection[str] = (),
) -> dict[UUID, dict[str, Standing]]:
    """The stored places; who comes for the first time stands at 0.

    Of `others` the rows that serve are those of another fold, and they are left alone: an older
    program's serve until this one's are built beside them, and a newer program's are its own.
    """
    standings = {
        agency: {name: Standing(0, stopped=True) for name in others} for agency in agencies
    }
    with connection.transaction():
        enter_places(connection, projections, agencies, schema)
        stand = _STAND.format(schema=schema)
        for agency, name, position, version, generation, poisoned in connection.execute(
            stand, [list(agencies), [*projections, *others]]
        ).fetchall():
            other = name in others or version != projections[name].version
            standings[agency][name] = Standing(position, other, generation, poisoned)
    return standings


def enter_places(
    connection: Connection[Any],
    projections: Mapping[str, Projection],
    agencies: Collection[UUID],
    schema: str = LIVE,
) -> None:
    """Give every projection a place at the beginning of these logs, where it has none."""
    names, versions = list(projections), [p.version for p in projections.values()]
    statement = _ENTER.format(schema=schema)
    connection.execute(statement, [EPOCH, list(agencies), names, versions])


def move(cursor: Cursor[Any], stretches: Iterable[Stretch], schema: str = LIVE) -> None:
    """Move the positions of stretches that still stand where they were read from.

    Whoever moves fewer than all has met another projector, and rolls back.
    """
    stretches = list(stretches)
    cursor.execute(
        _MOVE.format(schema=schema),
        [
            Texts.of([s.projection.name.encode() for s in stretches]),
            Uuids.of([s.agency.bytes for s in stretches]),
            Integers.of([s.projection.version for s in stretches]),
            Integers.of([s.generation for s in stretches]),
            Bigints.of([s.after for s in stretches]),
            Bigints.of([s.end for s in stretches]),
            Instants.of(
                [microseconds(s.entries[-1].recorded_at) if s.entries else None for s in stretches]
            ),
            Texts.of([None if s.error is None else s.error.encode() for s in stretches]),
            Texts.of([None if s.trace is None else s.trace.encode() for s in stretches]),
        ],
    )
