"""Which rows serve, which are being built beside them, and which served before.

A generation is all rows of a projection as one fold answers it. One of them serves, in the schema
that queries read; another one may be in the making, and the one before is kept until it is dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic, sleep
from typing import Any
from uuid import UUID

from psycopg import Connection

from projections import Projection
from projections.freshness import CHANNEL
from projections.tables import LIVE, declared, make_indexes, make_table, table_of

BUILDING, FORMER, CHECKING = "building", "former", "checking"
"""The schemas of the generations that do not serve."""
LOCK_TIMEOUT = "5s"
ADVISORY_LOCK = 0x7265_6164
"""Two that make tables at once take turns; "read" in ASCII."""
LEAVING_SECONDS, PAUSE_SECONDS = 1.0, 0.02
SECOND_LOCK = 0x7265_6275
"""With a number of the name: one rebuild of a projection at a time; "rebu" in ASCII."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation of a projection."""

    projection: str
    generation: int
    state: str
    version: int
    definition: str
    agencies: tuple[UUID, ...] | None
    begun_at: datetime
    ready_at: datetime | None

    def fits(self, projection: Projection) -> bool:
        """Whether this program's fold makes such rows."""
        return (self.version, self.definition) == (projection.version, definition(projection))

    def tables(self) -> set[str]:
        """The names of its tables."""
        return {line.split(" ", 1)[0] for line in self.definition.splitlines()}


class BeingRebuilt(Exception):
    """Somebody else is rebuilding the projection right now."""


def definition(projection: Projection) -> str:
    """All tables of a projection as they are declared."""
    return "\n".join(f"{kind.table} {table_of(kind).definition()}" for kind in projection.rows)


def generations(connection: Connection[Any], state: str) -> dict[str, Generation]:
    """The generations in one state, by projection."""
    rows = connection.execute(
        "SELECT projection, generation, state, version, definition, agencies, begun_at, ready_at"
        " FROM read.generations WHERE state = %s",
        [state],
    ).fetchall()
    return {
        name: Generation(
            name, number, found, version, text, None if agencies is None else tuple(agencies),
            begun_at, ready_at,
        )
        for name, number, found, version, text, agencies, begun_at, ready_at in rows
    }  # fmt: skip


def enter(
    connection: Connection[Any],
    projection: Projection,
    state: str,
    agencies: Collection[UUID] | None = None,
) -> None:
    """Write down a generation that begins."""
    connection.execute(
        "INSERT INTO read.generations"
        " (projection, generation, state, version, definition, agencies, ready_at)"
        " SELECT %(name)s, coalesce(max(generation), 0) + 1, %(state)s, %(version)s,"
        " %(definition)s, %(agencies)s, CASE WHEN %(state)s = 'serving' THEN clock_timestamp() END"
        " FROM read.generations WHERE projection = %(name)s",
        {
            "name": projection.name, "state": state, "version": projection.version,
            "definition": definition(projection),
            "agencies": None if agencies is None else list(agencies),
        },
    )  # fmt: skip


def create_tables(
    connection: Connection[Any], projections: Iterable[Projection], schema: str = LIVE
) -> list[str]:
    """Make the tables and indexes that are missing; returns the projections whose tables were made.

    Once or many times, and by several at once. What has another shape goes on serving until the
    new shape is built beside it.
    """
    projections = list(projections)
    made = []
    with connection.transaction():
        connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        if schema == LIVE:
            recognise(connection, projections)
        for projection in projections:
            tables = [table_of(kind, schema) for kind in projection.rows]
            stored = [declared(connection, table) for table in tables]
            if any(found is not None for found in stored):
                # Some of its tables serve: one that is missing comes with its next generation.
                if stored != [table.definition() for table in tables]:
                    continue
            else:
                made.append(projection.name)
                for table in tables:
                    make_table(connection, table, table.definition())
            for table in tables:
                make_indexes(connection, table)
    return made


def recognise(connection: Connection[Any], projections: Iterable[Projection]) -> None:
    """Write down what serves already, made before generations were written down.

    A projection that has never served begins to, if there is nothing yet to be folded; else its
    first generation is built like every other one, and served once it is whole.
    """
    known = generations(connection, "serving")
    for projection in projections:
        if projection.name in known:
            continue
        found = connection.execute(
            "SELECT max(version), (SELECT coalesce(max(position), 0) FROM heads)"
            " FROM read.positions WHERE projection = %s",
            [projection.name],
        ).fetchone()
        assert found is not None
        version, head = found
        if version is None and head > 0:
            continue
        enter(connection, projection, "serving")
        stored = [declared(connection, table_of(kind)) for kind in projection.rows]
        if version is None or None in stored:
            continue
        tables = [f"{k.table} {text}" for k, text in zip(projection.rows, stored, strict=True)]
        connection.execute(
            "UPDATE read.generations SET version = %s, definition = %s"
            " WHERE projection = %s AND state = 'serving'",
            [version, "\n".join(tables), projection.name],
        )


def wanted(connection: Connection[Any], projections: Iterable[Projection]) -> list[Projection]:
    """The projections of which another fold's rows serve, or none: they are to be built.

    One that a newer program has folded is left to it.
    """
    serving = generations(connection, "serving")
    return [
        projection
        for projection in projections
        if (served := serving.get(projection.name)) is None
        or (served.version <= projection.version and not served.fits(projection))
    ]


def only_one(connection: Connection[Any], names: Iterable[str], lock: int = SECOND_LOCK) -> None:
    """Be the only one who rebuilds these while the connection lives. Raises BeingRebuilt.

    One who has just gone may still be on the way out of the database: that is waited for.
    """
    deadline = monotonic() + LEAVING_SECONDS
    for name in names:
        ask = "SELECT pg_try_advisory_lock(%s, hashtext(%s))"
        while connection.execute(ask, [lock, name]).fetchone() != (True,):
            if monotonic() > deadline:
                raise BeingRebuilt(name)
            sleep(PAUSE_SECONDS)


def abandon(
    connection: Connection[Any],
    projections: Iterable[Projection],
    state: str = "building",
    schema: str = BUILDING,
) -> list[str]:
    """Forget a generation that does not serve, with its rows; the names of what there was."""
    there = generations(connection, state)
    gone = []
    for projection in projections:
        with connection.transaction():
            drop_tables(connection, there.get(projection.name), projection, schema)
            if schema != FORMER:
                connection.execute(
                    f"DELETE FROM {schema}.positions WHERE projection = %s", [projection.name]
                )
            if projection.name in there:
                gone.append(projection.name)
                connection.execute(
                    "UPDATE read.generations SET state = 'dropped'"
                    " WHERE projection = %s AND state = %s",
                    [projection.name, state],
                )
    return gone


def drop_tables(
    connection: Connection[Any], there: Generation | None, projection: Projection, schema: str
) -> None:
    """Remove the tables of a generation, also those that the program no longer knows."""
    names = {kind.table for kind in projection.rows}
    if there is not None:
        names |= there.tables()
    for name in sorted(names):
        connection.execute(f'DROP TABLE IF EXISTS {schema}."{name}"')


def tell(connection: Connection[Any]) -> None:
    """What was known of positions is no longer so: who waits must look again."""
    connection.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def release(
    connection: Connection[Any], projection: str, agencies: Collection[UUID] | None
) -> list[UUID]:
    """Let stopped agencies go on at the entry that stopped them; which ones there were.

    The projector that is running tries again: with the same rows as if it had never stopped.
    """
    rows = connection.execute(
        "UPDATE read.positions SET error = NULL, traceback = NULL WHERE projection = %s"
        " AND error IS NOT NULL AND (%s::uuid[] IS NULL OR agency = ANY(%s)) RETURNING agency",
        [projection, None if agencies is None else list(agencies), list(agencies or ())],
    ).fetchall()
    connection.execute(
        "UPDATE read.generations SET releases = releases + 1"
        " WHERE projection = %s AND state = 'serving'",
        [projection],
    )
    tell(connection)
    return [agency for (agency,) in rows]


def stands(
    connection: Connection[Any], names: Collection[str], schema: str = LIVE
) -> Mapping[tuple[str, UUID], int]:
    """How far each projection is in each agency."""
    rows = connection.execute(
        f"SELECT projection, agency, position FROM {schema}.positions WHERE projection = ANY(%s)",
        [list(names)],
    ).fetchall()
    return {(name, agency): position for name, agency, position in rows}
