"""Makes a database ready to be worked with: its tables in shape, its read models caught up."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from journal.forgetting import destroy_again
from projections.engine import Engine
from projections.freshness import freshness
from projections.generations import create_tables, wanted
from projections.tables import LIVE, table_of
from system.crew import Workshop
from system.migrations import migrate, pending
from system.office import PROJECTIONS, Premises
from system.rebuild import build_wanted

NAMES = tuple(projection.name for projection in PROJECTIONS)


class ReadModelStopped(Exception):
    """A read model cannot take in an entry of this agency's log; it shows an older state."""


def bring_to_shape(url: str) -> list[str]:
    """Apply missing migrations and make missing read-model tables; the names of what was done.

    A read model that this program folds otherwise goes on serving until it is built anew.

    Changes nothing, and takes no lock, where all is in shape. Raises `MigrationRefused`.
    """
    done = migrate(url) if pending(url) else []
    with psycopg.connect(url, autocommit=True) as connection:
        # A restore may have brought back keys that the journal says were destroyed.
        destroy_again(connection)
        if not _in_shape(connection):
            done += [f"{LIVE}.{name}" for name in create_tables(connection, PROJECTIONS)]
    return done


def _in_shape(connection: Connection[Any]) -> bool:
    tables = [table_of(kind) for projection in PROJECTIONS for kind in projection.rows]
    indexes = [f'{LIVE}."{name}"' for table in tables for name in table.indexes()]
    row = connection.execute(
        "SELECT (SELECT bool_and(obj_description(to_regclass(name), 'pg_class')"
        " IS NOT DISTINCT FROM definition)"
        " FROM unnest(%s::text[], %s::text[]) AS t(name, definition))"
        " AND (SELECT bool_and(to_regclass(name) IS NOT NULL) FROM unnest(%s::text[]) AS i(name))",
        [[table.name for table in tables], [table.definition() for table in tables], indexes],
    ).fetchone()
    return row is not None and row[0] is True and not wanted(connection, PROJECTIONS)


def catch_up(premises: Premises, agency: UUID) -> None:
    """Have all read models take in what the agency's log holds by now.

    A projector may be at work meanwhile: the two meet at the fence, and one of them waits its
    turn. What this program folds otherwise than what serves is built first. Raises
    `ReadModelStopped`, `NoSuchAgency`, `BeingRebuilt`.
    """
    head, _ = premises.journal.head(agency)
    build_wanted(workshop(premises))
    engine = Engine(premises.connect, premises.journal, PROJECTIONS)
    try:
        while not _shown(premises, agency, head):
            while engine.cycle():
                pass
    finally:
        engine.close()


def _shown(premises: Premises, agency: UUID, position: int) -> bool:
    with premises.pool.connection() as connection:
        now = freshness(connection, agency, *NAMES)
    if now.position < position and now.stopped:
        raise ReadModelStopped(f"position {now.position} of {position}")
    return now.position >= position


def workshop(premises: Premises) -> Workshop:
    """What a rebuild folds with."""
    return Workshop(premises.url, premises.settings.read_master_key(), PROJECTIONS)


__all__ = ["ReadModelStopped", "bring_to_shape", "catch_up", "workshop"]
