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
from projections.freshness import CHANNEL
from projections.tables import LIVE, table_of

_ENTER = """
INSERT INTO {schema}.positions (projection, agency, position, version, as_of)
SELECT p.name, a.agency, 0, p.version, %s
FROM unnest(%s::uuid[]) AS a(agency), unnest(%s::text[], %s::integer[]) AS p(name, version)
ON CONFLICT (agency, projection) DO NOTHING
"""
_STAND = """
SELECT agency, projection, position, version FROM {schema}.positions
WHERE agency = ANY(%s) AND projection = ANY(%s)
"""
_RESTART = """
UPDATE {schema}.positions SET position = 0, version = %s, as_of = %s, error = NULL
WHERE projection = %s AND agency = ANY(%s) AND version < %s
RETURNING agency
"""
_MOVE = """
UPDATE {schema}.positions p
SET position = n.end_at, as_of = coalesce(n.as_of, p.as_of), error = n.error
FROM unnest(%s::text[], %s::uuid[], %s::integer[], %s::bigint[], %s::bigint[],
    %s::timestamptz[], %s::text[])
    AS n(projection, agency, version, after, end_at, as_of, error)
WHERE p.agency = n.agency AND p.projection = n.projection
    AND p.position = n.after AND p.version = n.version
"""


@dataclass(slots=True)
class Standing:
    """A projection's place in one log."""

    position: int
    stopped: bool
    """An entry cannot be folded here, or a newer program has taken over."""


class Fenced(Exception):
    """Another projector has moved a position that this one stood at."""


def learn(
    connection: Connection[Any],
    projections: Mapping[str, Projection],
    agencies: Collection[UUID],
    schema: str = LIVE,
) -> dict[UUID, dict[str, Standing]]:
    """The stored places; who comes for the first time, or with a new version, stands at 0.

    A projection that was stopped is tried again: it is a new program that asks.
    """
    names, versions = list(projections), [p.version for p in projections.values()]
    standings: dict[UUID, dict[str, Standing]] = {agency: {} for agency in agencies}
    older: dict[str, list[UUID]] = {}
    with connection.transaction():
        enter = _ENTER.format(schema=schema)
        connection.execute(enter, [EPOCH, list(agencies), names, versions])
        stand = _STAND.format(schema=schema)
        for agency, name, position, version in connection.execute(
            stand, [list(agencies), names]
        ).fetchall():
            if version < projections[name].version:
                older.setdefault(name, []).append(agency)
            newer = version > projections[name].version
            standings[agency][name] = Standing(position, stopped=newer)
        if older:
            # What was reached is no longer so: who waits must look again.
            connection.execute("SELECT pg_notify(%s, '')", [CHANNEL])
        for name, those in older.items():
            for agency in _restart(connection, projections[name], those, schema):
                standings[agency][name].position = 0
    return standings


def _restart(
    connection: Connection[Any], projection: Projection, agencies: list[UUID], schema: str
) -> list[UUID]:
    """Remove what an older version answered, so that all is folded anew."""
    version = projection.version
    restarted = [
        agency
        for (agency,) in connection.execute(
            _RESTART.format(schema=schema), [version, EPOCH, projection.name, agencies, version]
        ).fetchall()
    ]
    for kind in projection.rows:
        name = table_of(kind, schema).name
        connection.execute(f"DELETE FROM {name} WHERE agency = ANY(%s)", [restarted])
    return restarted


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
            Bigints.of([s.after for s in stretches]),
            Bigints.of([s.end for s in stretches]),
            Instants.of(
                [microseconds(s.entries[-1].recorded_at) if s.entries else None for s in stretches]
            ),
            Texts.of([None if s.error is None else s.error.encode() for s in stretches]),
        ],
    )
