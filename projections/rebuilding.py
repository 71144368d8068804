"""The steps of a rebuild: beside what serves, caught up, and switched in one short transaction.

Each step can be interrupted and done again: rows and positions are written together, and what is
done says so itself. Nothing here touches the rows that serve before the switch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import Connection

from journal.journal import Journal
from projections import Projection
from projections.folding import Stretch, fetch, fold, write
from projections.generations import BUILDING, FORMER, abandon, enter, generations, stands, tell
from projections.generations import drop_tables as drop
from projections.news import read
from projections.positions import Fenced, enter_places, move
from projections.tables import LIVE, declared, make_indexes, make_table, table_of
from projections.whole import Bounds, Poisoned

STRETCH_ENTRIES = 10_000
LAST_ENTRIES = 1_000
"""What may be folded while the rows that serve are held, so that the hold is short."""
LOCK_MILLISECONDS = 100
"""For how long readers may have to queue behind a switch that waits for a slower one."""


class Place(NamedTuple):
    """Where some projections stand together in an agency's log, and where they are to come."""

    agency: UUID
    names: tuple[str, ...]
    after: int
    upto: int


def prepare(
    connection: Connection[Any],
    projections: Sequence[Projection],
    agencies: Collection[UUID] | None = None,
) -> bool:
    """Make the place to build in; True if something is there that was interrupted.

    What was begun by another fold, or for other agencies, is begun anew.
    """
    begun = generations(connection, "building")
    resumed = False
    for projection in projections:
        found = begun.get(projection.name)
        if found is not None and found.fits(projection) and _same(found.agencies, agencies):
            resumed = True
            continue
        abandon(connection, [projection])
        with connection.transaction():
            enter(connection, projection, "building", agencies)
            make_bare_tables(connection, projection, BUILDING)
    return resumed


def _same(some: Collection[UUID] | None, others: Collection[UUID] | None) -> bool:
    return (None if some is None else set(some)) == (None if others is None else set(others))


def make_bare_tables(
    connection: Connection[Any], projection: Projection, schema: str, *, unlogged: bool = False
) -> None:
    """Tables without keys: what is copied in before they are made is copied much faster."""
    for kind in projection.rows:
        table = table_of(kind, schema)
        make_table(connection, table, f"({table.bare_columns()})", unlogged=unlogged)


def finish_table(
    connection: Connection[Any], projection: Projection, table: str, schema: str
) -> None:
    """Make the key, the indexes and the statistics of a filled table, unless they are there."""
    kind = next(kind for kind in projection.rows if kind.table == table)
    stored = table_of(kind, schema)
    keyed = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_index WHERE indrelid = %s::regclass AND indisprimary)",
        [stored.name],
    ).fetchone()
    try:
        if keyed != (True,):
            connection.execute(f"ALTER TABLE {stored.name} ADD {stored.primary_key()}")
    except psycopg.errors.UniqueViolation as twice:
        # Not the engine's words: they quote the row.
        told = f"two rows of {table} under one key"
        raise Poisoned(projection.name, UUID(int=0), told) from twice
    make_indexes(connection, stored)
    connection.execute(f"ANALYZE {stored.name}")


def places(
    connection: Connection[Any],
    projections: Sequence[Projection],
    targets: Mapping[tuple[str, UUID], int],
    schema: str = BUILDING,
) -> list[Place]:
    """What is still to be folded to come to these targets; the longest first."""
    names = [projection.name for projection in projections]
    together: dict[tuple[UUID, int, int], list[str]] = defaultdict(list)
    for (name, agency), after in stands(connection, names, schema).items():
        upto = targets.get((name, agency), 0)
        if after < upto:
            together[agency, after, upto].append(name)
    found = [Place(a, tuple(names), after, upto) for (a, after, upto), names in together.items()]
    return sorted(found, key=lambda place: place.after - place.upto)


def begin_logs(
    connection: Connection[Any],
    projections: Iterable[Projection],
    agencies: Collection[UUID],
    schema: str = BUILDING,
) -> None:
    """Let the projections stand at the beginning of these logs, where they stand nowhere yet."""
    enter_places(connection, {p.name: p for p in projections}, agencies, schema)


def advance(
    connection: Connection[Any],
    journal: Journal,
    projections: Mapping[str, Projection],
    some: Sequence[Place],
    schema: str,
    bounds: Bounds,
) -> None:
    """Fold on from rows that are there, stretch by stretch. Raises Poisoned, Fenced."""
    left = list(some)
    while left:
        stretches, left = _next(connection, journal, projections, left)
        fetch(connection, stretches, schema)
        for stretch in stretches:
            fold(stretch)
            if stretch.error is not None:
                told, trace = stretch.error, stretch.trace or ""
                raise Poisoned(stretch.projection.name, stretch.agency, told, trace)
        with connection.transaction():
            cursor = connection.cursor()
            move(cursor, stretches, schema)
            if cursor.rowcount != len(stretches):
                raise Fenced
            write(connection.cursor(), stretches, schema)
        bounds.on_folded(sum({(s.agency, s.after): len(s.entries) for s in stretches}.values()))


def _next(
    connection: Connection[Any],
    journal: Journal,
    projections: Mapping[str, Projection],
    some: Sequence[Place],
) -> tuple[list[Stretch], list[Place]]:
    """As much as is folded at once, and the places that are left then."""
    asked = list(dict.fromkeys((place.agency.bytes, place.after) for place in some))
    news = read(connection, journal, asked, STRETCH_ENTRIES)
    stretches, left = [], []
    for place in some:
        found = news.get((place.agency, place.after))
        entries = [] if found is None else found.entries[: place.upto - place.after]
        if not entries:
            told = "the log ends too early" if found is None else found.error or "nothing to read"
            trace = "" if found is None else found.trace or ""
            raise Poisoned(place.names[0], place.agency, told, trace)
        stretches += [
            Stretch(projections[name], place.agency, place.after, entries) for name in place.names
        ]
        if entries[-1].position < place.upto:
            left.append(place._replace(after=entries[-1].position))
    return stretches, left


def switch(
    connection: Connection[Any],
    journal: Journal,
    projection: Projection,
    agencies: Collection[UUID] | None = None,
) -> bool:
    """Let the new rows serve, for all readers at once; False if they are too far behind.

    The positions of the rows that serve are held meanwhile, so that nobody folds into them, and
    the new rows come at least as far. Raises LockNotAvailable when readers do not let go: nothing
    has happened then.
    """
    with connection.transaction():
        connection.execute(f"SET LOCAL lock_timeout = '{LOCK_MILLISECONDS}ms'")
        served = connection.execute(
            "SELECT agency, position FROM read.positions WHERE projection = %s"
            " AND (%s::uuid[] IS NULL OR agency = ANY(%s)) ORDER BY agency FOR UPDATE",
            [projection.name, *2 * [None if agencies is None else list(agencies)]],
        ).fetchall()
        begin_logs(connection, [projection], [agency for agency, _ in served])
        targets = {(projection.name, agency): position for agency, position in served}
        some = places(connection, [projection], targets)
        if sum(place.upto - place.after for place in some) > LAST_ENTRIES:
            return False
        advance(connection, journal, {projection.name: projection}, some, BUILDING, Bounds(0))
        if agencies is None:
            _exchange_tables(connection, projection)
        else:
            _exchange_rows(connection, projection, list(agencies))
        _exchange_positions(connection, projection)
        tell(connection)
    return True


def _exchange_tables(connection: Connection[Any], projection: Projection) -> None:
    there = generations(connection, "former").get(projection.name)
    drop(connection, there, projection, FORMER)
    serving = generations(connection, "serving").get(projection.name)
    names = {kind.table for kind in projection.rows}
    if serving is not None:
        # One that it no longer has may have come to another read model, whose rows it holds now.
        others = [g for n, g in generations(connection, "serving").items() if n != projection.name]
        names |= serving.tables().difference(*(other.tables() for other in others))
    for name in sorted(names):
        connection.execute(f'DROP TABLE IF EXISTS {FORMER}."{name}"')
        connection.execute(f'ALTER TABLE IF EXISTS read."{name}" SET SCHEMA {FORMER}')
    for kind in projection.rows:
        connection.execute(f'ALTER TABLE {BUILDING}."{kind.table}" SET SCHEMA {LIVE}')
    for state, then in (("former", "dropped"), ("serving", "former"), ("building", "serving")):
        connection.execute(
            "UPDATE read.generations SET state = %s,"
            " ready_at = CASE WHEN state = 'building' THEN clock_timestamp() ELSE ready_at END"
            " WHERE projection = %s AND state = %s",
            [then, projection.name, state],
        )


def _exchange_rows(
    connection: Connection[Any], projection: Projection, agencies: list[UUID]
) -> None:
    """Of some agencies: their rows change places, inside the tables that serve."""
    for kind in projection.rows:
        former, live = table_of(kind, FORMER), table_of(kind)
        if declared(connection, former) != former.definition():
            connection.execute(f"DROP TABLE IF EXISTS {former.name}")
            make_table(connection, former, former.definition())
        connection.execute(f"DELETE FROM {former.name} WHERE agency = ANY(%s)", [agencies])
        connection.execute(
            f"WITH gone AS (DELETE FROM {live.name} WHERE agency = ANY(%s) RETURNING *)"
            f" INSERT INTO {former.name} SELECT * FROM gone",
            [agencies],
        )
        building = table_of(kind, BUILDING).name
        connection.execute(f"INSERT INTO {live.name} SELECT * FROM {building}")
        connection.execute(f"DROP TABLE {building}")
    connection.execute(
        "UPDATE read.generations SET state = 'dropped', ready_at = clock_timestamp()"
        " WHERE projection = %s AND state = 'building'",
        [projection.name],
    )


def _exchange_positions(connection: Connection[Any], projection: Projection) -> None:
    """Whoever has fetched rows that no longer serve is fenced by the generation."""
    connection.execute(
        "INSERT INTO read.positions AS p"
        " (projection, agency, position, version, as_of, rebuilt_at)"
        " SELECT projection, agency, position, version, as_of, clock_timestamp()"
        " FROM building.positions WHERE projection = %s"
        " ON CONFLICT (agency, projection) DO UPDATE SET position = excluded.position,"
        " version = excluded.version, as_of = excluded.as_of, error = NULL, traceback = NULL,"
        " generation = p.generation + 1, rebuilt_at = excluded.rebuilt_at",
        [projection.name],
    )
    connection.execute("DELETE FROM building.positions WHERE projection = %s", [projection.name])
