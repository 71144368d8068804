"""How does each read model stand: how far, how late, in which generation, and stopped by what?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

LATE_SECONDS = 5.0
"""A read model that is later than this needs somebody's eye."""
LATEST_SECONDS = 24 * 3600.0
"""The ceiling that is promised to people."""

_STANDINGS = """
SELECT p.projection, p.agency, p.position, p.generation, p.as_of AS as_of_at, p.rebuilt_at,
    p.error, p.traceback, greatest(h.position - p.position, 0) AS lag_events,
    CASE WHEN h.position > p.position THEN
        coalesce(greatest(extract(epoch FROM clock_timestamp() - (
            SELECT recorded_at FROM events e
            WHERE e.agency = h.agency AND e.position = p.position + 1
        )), 0), 0) ELSE 0
    END::float8 AS lag_seconds
FROM read.positions p JOIN heads h USING (agency) WHERE p.projection = ANY(%s)
ORDER BY p.projection, p.agency
"""
_WORST = """
SELECT p.projection, max(h.position - p.position)::float8 AS lag_events,
    max(CASE WHEN h.position > p.position THEN
        extract(epoch FROM clock_timestamp() - (
            SELECT recorded_at FROM events e
            WHERE e.agency = h.agency AND e.position = p.position + 1
        )) ELSE 0 END)::float8 AS lag_seconds,
    count(p.error)::float8 AS stopped
FROM read.positions p JOIN heads h USING (agency) GROUP BY p.projection
"""
_BUILDING = """
SELECT g.projection, coalesce(sum(b.position), 0)::bigint,
    (SELECT coalesce(sum(position), 0)::bigint FROM heads h
        WHERE g.agencies IS NULL OR h.agency = ANY(g.agencies))
FROM read.generations g LEFT JOIN building.positions b USING (projection)
WHERE g.state = 'building' GROUP BY g.projection, g.agencies
"""


@dataclass(frozen=True, slots=True)
class ReadModelStanding:
    """One read model in one agency."""

    projection: str
    agency: UUID
    position: int
    generation: int
    as_of_at: datetime
    rebuilt_at: datetime | None
    error: str | None
    """The entry that cannot be folded, and its position."""
    traceback: str | None
    lag_events: int
    lag_seconds: float
    """For how long the oldest entry that is not taken in has been waiting."""


def standings(connection: Connection[Any], names: Collection[str]) -> list[ReadModelStanding]:
    """All read models in all agencies."""
    cursor = connection.cursor(row_factory=class_row(ReadModelStanding))
    return cursor.execute(_STANDINGS, [list(names)]).fetchall()


class Worst(NamedTuple):
    """The worst of all agencies for one read model."""

    lag_events: float
    lag_seconds: float
    stopped_agencies: float


def worst(connection: Connection[Any]) -> dict[str, Worst]:
    """How each read model stands where it stands worst."""
    rows = connection.execute(_WORST).fetchall()
    return {
        name: Worst(events, max(0.0, late or 0.0), stopped) for name, events, late, stopped in rows
    }


def being_built(connection: Connection[Any]) -> dict[str, tuple[int, int]]:
    """What is being built: how many entries are folded, of how many."""
    rows = connection.execute(_BUILDING).fetchall()
    return {name: (done, total) for name, done, total in rows}


def alarm(lag_seconds: float) -> int:
    """0 in time, 1 late, 2 later than was promised."""
    return (lag_seconds > LATE_SECONDS) + (lag_seconds > LATEST_SECONDS)
