"""A fold said in SQL: a whole log at once inside the database, where a test shows it is the fold.

It answers for what is ordinary only. A log with anything else in it (an event of an older shape,
an unknown one, a gap, a sequence that the statement does not reckon with) is left to the fold
itself, which either knows or stops at the entry at fault.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from domain import Event
from projections import Projection

_ORDINARY = """
WITH logs AS (SELECT * FROM unnest(%s::uuid[], %s::bigint[]) AS l(agency, upto)),
known AS (SELECT * FROM unnest(%s::text[], %s::integer[], %s::integer[]) AS k(name, least, most))
SELECT e.agency FROM logs l JOIN events e ON e.agency = l.agency AND e.position <= l.upto
LEFT JOIN known k ON k.name = e.name AND e.schema_version BETWEEN k.least AND k.most
GROUP BY e.agency, l.upto HAVING count(*) = l.upto AND count(k.name) = l.upto
"""
_SESSION = """
SELECT set_config('work_mem', '64MB', true), set_config('jit', 'off', true),
    set_config('enable_nestloop', 'off', true)
"""


class Extraordinary(Exception):
    """There is something in a log that the statement does not reckon with."""


@dataclass(frozen=True, slots=True)
class InSql:
    """How to fold whole logs in one statement."""

    reads: tuple[type[Event], ...]
    """The events that the statement looks into; they must have today's shape."""
    statement: str
    """Inserts the rows of `logs (agency, upto)` into {schema}; returns how many are odd."""


def fold_in_sql(
    connection: Connection[Any],
    projection: Projection,
    how: InSql,
    logs: Sequence[tuple[UUID, int]],
    schema: str,
) -> list[UUID]:
    """Fold logs from their first entries, up to a position each; the agencies that were folded.

    All of these in one transaction with their positions, or none when a log is extraordinary.
    """
    ordinary = _ordinary(connection, how, logs)
    some = [(agency, upto) for agency, upto in logs if agency in ordinary]
    if not some:
        return []
    try:
        with connection.transaction():
            connection.execute(_SESSION)
            row = connection.execute(
                how.statement.format(schema=schema),
                {"agencies": [a for a, _ in some], "uptos": [upto for _, upto in some]},
            ).fetchone()
            if row != (0,):
                raise Extraordinary
            _moved(connection, projection.name, some, schema)
    except (Extraordinary, psycopg.DataError, psycopg.IntegrityError):
        if len(some) == 1:
            return []
        half = len(some) // 2
        return [
            agency
            for part in (some[:half], some[half:])
            for agency in fold_in_sql(connection, projection, how, part, schema)
        ]
    return [agency for agency, _ in some]


def _ordinary(
    connection: Connection[Any], how: InSql, logs: Sequence[tuple[UUID, int]]
) -> Collection[UUID]:
    """The agencies whose logs are whole, and hold no event that must be read another way."""
    names, least = list(Event.named), []
    for kind in Event.named.values():
        least.append(kind.schema_version if kind in how.reads else 1)
    most = [kind.schema_version for kind in Event.named.values()]
    agencies, uptos = [agency for agency, _ in logs], [upto for _, upto in logs]
    with connection.transaction():
        connection.execute(_SESSION)
        rows = connection.execute(_ORDINARY, [agencies, uptos, names, least, most]).fetchall()
    return {agency for (agency,) in rows}


def _moved(
    connection: Connection[Any], name: str, logs: Sequence[tuple[UUID, int]], schema: str
) -> None:
    moved = connection.execute(
        f"UPDATE {schema}.positions p SET position = e.position, as_of = e.recorded_at"
        " FROM unnest(%s::uuid[], %s::bigint[]) AS l(agency, upto)"
        " JOIN events e ON e.agency = l.agency AND e.position = l.upto"
        " WHERE p.agency = l.agency AND p.projection = %s AND p.position = 0",
        [[agency for agency, _ in logs], [upto for _, upto in logs], name],
    )
    if moved.rowcount != len(logs):
        raise Extraordinary
