"""The harness can see: with a promise taken away, each by a small variation, it must fail.

Every control is a pair. The same story is told to the product, which survives it, and to the
variation, which must break the promise that it lacks, and no other exception will do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from projections import Projection
from projections.folding import Stretch, fetch, fold, write
from system.office import PROJECTIONS, Premises
from tests.faults.business import (
    METZ,
    NANCY,
    Business,
    Desk,
    open_desk,
    projecting,
    until,
)
from tests.faults.load import Load, asking
from tests.faults.promises import Doubled, OutOfBalance, Unfolded, check
from workers import projector

ANSWERS = 12


# Idempotency: the record of what was answered.

FORGET = """
CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER forget BEFORE INSERT ON answers FOR EACH ROW EXECUTE FUNCTION forget();
"""


def asked_twice(desk: Desk, business: Business) -> None:
    """Some answers do not arrive, and are asked for again under the same key."""
    load = Load(business, [])
    with projecting(desk.rooms):
        for _ in range(ANSWERS):
            load.ask(desk)
        for wish in load.told:
            desk.wish(wish)
        check(desk.rooms, load)


def test_a_repetition_is_done_once(desk: Desk, business: Business) -> None:
    asked_twice(desk, business)


def test_without_the_record_of_answers_a_repetition_is_done_twice(
    desk: Desk, business: Business
) -> None:
    with desk.rooms.connect() as connection:
        connection.execute(FORGET)
    with pytest.raises(Doubled):
        asked_twice(desk, business)


# The position: moved in the transaction that writes the rows.


class Apart(psycopg.Cursor[Any]):
    """A cursor that moves positions in a transaction of their own, before the rows are written."""

    def execute(self, query: Any, params: Any = None, **how: Any) -> Apart:
        if isinstance(query, str) and query.lstrip().startswith("UPDATE read.positions"):
            with psycopg.connect(self.connection.info.dsn, autocommit=True) as apart:
                moved = apart.execute(query, params).rowcount
            # The fence counts what was moved; here it counts as many rows.
            return super().execute("SELECT FROM generate_series(1, %s)", [moved])
        return super().execute(query, params, **how)


def cut_before_a_commit(desk: Desk, business: Business, cursor: type[psycopg.Cursor[Any]]) -> None:
    """The projector loses its connection when all is written and nothing committed yet."""
    load = Load(business, [])
    cut = Event()

    class Cut(cursor):  # type: ignore[misc, valid-type]
        def execute(self, query: Any, params: Any = None, **how: Any) -> Any:
            if query == "COMMIT" and load.told and not cut.is_set():
                cut.set()
                self.connection.close()
            return super().execute(query, params, **how)

    def connect() -> Connection[Any]:
        return psycopg.connect(desk.rooms.url, autocommit=True, cursor_factory=Cut)

    with working(desk.rooms, connect):
        for _ in range(ANSWERS):
            load.ask(desk)
        until(cut.is_set, "a projector that was cut")
        check(desk.rooms, load, desk)


@contextmanager
def working(rooms: Premises, connect: Callable[[], Connection[Any]]) -> Iterator[None]:
    """The product's projector, on connections of the test's making."""
    stop = Event()
    thread = Thread(target=projector.run, args=(stop, connect, rooms.journal, PROJECTIONS))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_projector_that_is_cut_before_its_commit_folds_again(
    desk: Desk, business: Business
) -> None:
    cut_before_a_commit(desk, business, psycopg.Cursor)


def test_with_the_position_outside_the_transaction_a_cut_loses_rows(
    desk: Desk, business: Business
) -> None:
    # Which rows are lost is a matter of moments; those of accounts are missed in the balances.
    with pytest.raises((Unfolded, OutOfBalance)):
        cut_before_a_commit(desk, business, Apart)


# The cursor: a position in each agency's log, in the order of commits.

# An append of METZ takes its place, its number included, and then waits while it can be told to.
LATE = f"""
ALTER TABLE events ADD COLUMN number bigserial;
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END';
CREATE TRIGGER wait AFTER INSERT ON events FOR EACH ROW WHEN (new.agency = '{METZ}')
    EXECUTE FUNCTION wait();
"""
_NUMBERED = """
SELECT number, agency, position, stream, version, name, schema_version, event_id, recorded_at,
    effective_on, actor, on_behalf_of, command_id, correlation_id, causation_id, subjects, state
FROM events WHERE number > %s ORDER BY number
"""
_WAITING = """
SELECT count(*) > 0 FROM pg_locks
WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Naive:
    """Reads all logs as one, by the number that each row was given when it was written."""

    def __init__(self, rooms: Premises, projections: tuple[Projection, ...]) -> None:
        self._rooms, self._projections = rooms, projections
        self._number = 0

    def pull(self, connection: Connection[Any]) -> None:
        by_agency: dict[UUID, list[Any]] = defaultdict(list)
        with connection.transaction():
            # One snapshot of rows and heads: what is appended meanwhile is the next pull's.
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            rows = connection.execute(_NUMBERED, [self._number], binary=True).fetchall()
            for number, agency, *row in rows:
                by_agency[agency].append(row)
                self._number = number
            stretches = [
                Stretch(projection, agency, 0, self._rooms.journal.recorded(agency, new))
                for agency, new in by_agency.items()
                for projection in self._projections
            ]
            fetch(connection, stretches)
            for stretch in stretches:
                fold(stretch)
            write(connection.cursor(), stretches)
            connection.execute(
                "INSERT INTO read.positions SELECT p, agency, position, 1, recorded_at"
                " FROM heads, unnest(%s::text[]) AS p ON CONFLICT (agency, projection)"
                " DO UPDATE SET position = excluded.position",
                [[projection.name for projection in self._projections]],
            )


@contextmanager
def naively(rooms: Premises) -> Iterator[None]:
    stop, naive = Event(), Naive(rooms, PROJECTIONS)

    def run() -> None:
        with rooms.connect() as connection:
            while not stop.is_set():
                naive.pull(connection)
                stop.wait(0.02)

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def one_commits_late(
    desk: Desk, business: Business, folder: Path, follow: Callable[[Premises], Any]
) -> None:
    """An append takes its place in the table, and is committed after others that came later."""
    with desk.rooms.connect() as connection:
        connection.execute(LATE)
    with (
        open_desk(desk.rooms.url, folder) as late,
        follow(desk.rooms),
        desk.rooms.connect() as here,
    ):
        with here.transaction():
            here.execute("SELECT pg_advisory_xact_lock(1)")
            delayed = Load(business, [late], METZ)
            delayed.start()
            until(lambda: here.execute(_WAITING).fetchone() == (True,), "an append that waits")
            with asking(business, [desk], NANCY) as load:
                load.wait_for(ANSWERS)
                position = max(told.position for told in load.told.values())
                until(lambda: _folded(here, NANCY) >= position, "what came later, folded")
        delayed.wait_for(1)
        delayed.stop()
        load.told |= delayed.told
        check(desk.rooms, load, desk)


def _folded(connection: Connection[Any], agency: UUID) -> int:
    """The last posting or wish that a read model shows."""
    row = connection.execute(
        "SELECT coalesce(max(position), 0) FROM read.positions WHERE agency = %s", [agency]
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_what_is_committed_late_is_folded(desk: Desk, business: Business, tmp_path: Path) -> None:
    one_commits_late(desk, business, tmp_path, projecting)


def test_a_naive_cursor_is_right_while_nobody_is_late(desk: Desk, business: Business) -> None:
    """So that it fails for the one reason alone."""
    with desk.rooms.connect() as connection:
        connection.execute("ALTER TABLE events ADD COLUMN number bigserial")
    load = Load(business, [])
    with naively(desk.rooms):
        for _ in range(ANSWERS):
            load.ask(desk)
        check(desk.rooms, load, desk)


def test_a_naive_cursor_passes_over_what_is_committed_late(
    desk: Desk, business: Business, tmp_path: Path
) -> None:
    with pytest.raises((Unfolded, OutOfBalance)):
        one_commits_late(desk, business, tmp_path, naively)
