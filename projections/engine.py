"""Folds what is new in all logs into all read models: one read, one decode, one write.

Each agency advances on its own: an entry that cannot be read or folded stops its agency, loudly,
in the projection that it hurts, and no other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from time import monotonic
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from journal.journal import Journal
from projections import Projection
from projections.folding import Stretch, fetch, fold, write
from projections.freshness import CHANNEL
from projections.generations import generations
from projections.news import LEAST_ENTRIES, News, read
from projections.positions import Fenced, Standing, learn, move
from projections.tables import LIVE

PAYLOAD_BYTES = 7_000
CATCH_UP_ENTRIES = 6_000
LIVE_ENTRIES = 500
"""Read at once while others are being followed live: what is far behind does not delay them."""
LIVE_SECONDS = 1.0
LOOK_SECONDS = 0.05

# A commit that a crash loses is folded again: no need to wait for the disk. Who stops between its
# last statement and its commit is thrown out before a second has passed. Every statement is a
# list of keys and one index scan for each; it is planned once, perhaps on tables still empty.
SESSION = """
SELECT set_config(name, value, false) FROM (VALUES
    ('TimeZone', 'UTC'), ('jit', 'off'), ('synchronous_commit', 'off'),
    ('idle_in_transaction_session_timeout', '750ms'), ('lock_timeout', '10s'),
    ('plan_cache_mode', 'force_generic_plan'), ('enable_seqscan', 'off'),
    ('enable_hashjoin', 'off'), ('enable_mergejoin', 'off')
) AS setting(name, value)
"""
_OUTLOOK = """
SELECT (SELECT count(*) FROM heads),
    (SELECT string_agg(projection || ' ' || generation || ' ' || releases, ',' ORDER BY projection)
        FROM read.generations WHERE state = 'serving')
"""
POISON = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)
"""What the database refuses because of what a row holds; all else is an ill of its own."""

log = logging.getLogger("quittance.projections")


class Engine:
    """Feeds all projections from all logs. For one thread; `connect` opens a connection."""

    def __init__(
        self,
        connect: Callable[[], Connection[Any]],
        journal: Journal,
        projections: Iterable[Projection],
        *,
        schema: str = LIVE,
    ) -> None:
        self._connect = connect
        self._journal = journal
        self._projections = {projection.name: projection for projection in projections}
        self._schema = schema
        self._connection: Connection[Any] | None = None
        self._standings: dict[UUID, dict[str, Standing]] = {}
        self._places: dict[UUID, list[tuple[bytes, int]]] = {}
        """The positions in each log behind which something is still to be folded."""
        self._stopped: set[tuple[UUID, str]] = set()
        self._live_until = 0.0
        self._looked_at = 0.0
        self._outlook: tuple[Any, ...] | None = None
        """What was seen of the house when the places were learnt."""

    def cycle(self) -> bool:
        """Take in what is new; True if there was more than is taken at once.

        Raises psycopg.Error when the database is ill or gone; the next cycle starts afresh.
        """
        try:
            connection = self._connected()
            news = self._read(connection)
            if self._turned(connection, idle=not news):
                self._learn(connection)
                return True
            stretches = self._stretches(news)
            if stretches:
                self._advance(connection, stretches)
            return any(found.more for found in news.values())
        except Fenced:
            log.warning("projections.fenced")
            self._forget()
            return True
        except psycopg.Error:
            self.close()
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._forget()

    def _forget(self) -> None:
        self._standings.clear()
        self._places.clear()

    def _connected(self) -> Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._forget()
            self._connection = self._connect()
            self._connection.autocommit = True
            self._connection.execute(SESSION)
        return self._connection

    def _learn(self, connection: Connection[Any]) -> None:
        agencies = [agency for (agency,) in connection.execute("SELECT agency FROM heads")]
        for gone in set(self._standings).difference(agencies):
            del self._standings[gone], self._places[gone]
        unknown = [agency for agency in agencies if agency not in self._standings]
        serving = generations(connection, "serving")
        ours = {
            name: projection
            for name, projection in self._projections.items()
            if self._schema != LIVE or (name in serving and serving[name].fits(projection))
        }
        others = self._projections.keys() - ours
        for name in others:
            log.warning("projections.another_fold_serves", extra={"projection": name})
        learnt = learn(connection, ours, unknown, self._schema, others=others)
        for agency, by_name in learnt.items():
            for name, standing in by_name.items():
                # What is stored no longer once somebody has released it.
                if (agency, name) in self._stopped and standing.poisoned:
                    standing.stopped = True
                else:
                    self._stopped.discard((agency, name))
        self._standings.update(learnt)
        for agency in learnt:
            self._place(agency)

    def _place(self, agency: UUID) -> None:
        standings = self._standings[agency].values()
        afters = {standing.position for standing in standings if not standing.stopped}
        self._places[agency] = [(agency.bytes, after) for after in afters]

    def _turned(self, connection: Connection[Any], *, idle: bool) -> bool:
        """Whether there is something to learn: looked at now and then.

        There are logs that are not followed yet, somebody has released what was stopped, or the
        rows that serve were exchanged.
        """
        if not idle and monotonic() < self._looked_at + LOOK_SECONDS:
            return False
        self._looked_at = monotonic()
        logs, *house = connection.execute(_OUTLOOK).fetchone() or (0,)
        if tuple(house) != self._outlook:
            self._outlook = tuple(house)
            self._forget()
            return True
        return bool(logs != len(self._standings))

    def _read(self, connection: Connection[Any]) -> dict[tuple[UUID, int], News]:
        places = [place for of_log in self._places.values() for place in of_log]
        entries = LIVE_ENTRIES if monotonic() < self._live_until else CATCH_UP_ENTRIES
        news = read(connection, self._journal, places, entries)
        if any(len(found.entries) < LEAST_ENTRIES for found in news.values()):
            self._live_until = monotonic() + LIVE_SECONDS
        return news

    def _stretches(self, news: dict[tuple[UUID, int], News]) -> list[Stretch]:
        return [
            Stretch(
                self._projections[name], agency, after, found.entries, found.error, found.trace,
                standing.generation,
            )
            for (agency, after), found in news.items()
            for name, standing in self._standings[agency].items()
            if standing.position == after and not standing.stopped
        ]  # fmt: skip

    def _advance(self, connection: Connection[Any], stretches: list[Stretch]) -> None:
        """Fold and write, all together; what the database refuses is found and stops alone."""
        try:
            fetch(connection, stretches, self._schema)
            for stretch in stretches:
                fold(stretch)
            self._write(connection, stretches)
        except Fenced:
            raise
        except Exception as refused:
            if isinstance(refused, psycopg.Error) and not isinstance(refused, POISON):
                raise
            self._isolate(connection, stretches, refused)
            return
        for stretch in stretches:
            self._moved(stretch)
        for agency in {stretch.agency for stretch in stretches}:
            self._place(agency)

    def _write(self, connection: Connection[Any], stretches: list[Stretch]) -> None:
        """Two round trips: all statements of the transaction, then its end."""
        cursor, fence = connection.cursor(), connection.cursor()
        try:
            with connection.pipeline() as pipeline:
                cursor.execute("BEGIN")
                move(fence, stretches, self._schema)
                write(cursor, stretches, self._schema)
                if self._schema == LIVE:
                    cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, self._told(stretches)])
                # Within the pipeline: what psycopg sends at its end, behind the last statement,
                # would switch off the clock by which PostgreSQL throws out who stops here.
                pipeline.sync()
                if fence.rowcount != len(stretches):
                    raise Fenced
                cursor.execute("COMMIT")
        except BaseException as failed:
            if not connection.broken:
                connection.rollback()
            if isinstance(failed, POISON) and 0 <= fence.rowcount < len(stretches):
                # Rows that no longer serve refuse nothing.
                raise Fenced from failed
            raise

    def _isolate(
        self, connection: Connection[Any], stretches: list[Stretch], refused: Exception
    ) -> None:
        """Halve what was refused until one entry is left, which stops its projection."""
        if len(stretches) > 1:
            half = len(stretches) // 2
            self._advance(connection, stretches[:half])
            self._advance(connection, stretches[half:])
            return
        (whole,) = stretches
        if not whole.entries:
            raise refused
        if len(whole.entries) == 1:
            whole.stop_before(whole.entries[0], refused)
            self._advance(connection, [whole])
            return
        half = len(whole.entries) // 2
        first = replace(whole, entries=whole.entries[:half], error=None, trace=None)
        self._advance(connection, [first])
        if first.error is None:
            rest = whole.entries[half:]
            second = replace(whole, after=first.end, entries=rest)
            self._advance(connection, [second])

    def _moved(self, stretch: Stretch) -> None:
        name = stretch.projection.name
        standing = self._standings[stretch.agency][name]
        standing.position = stretch.end
        if stretch.error is not None:
            standing.stopped = True
            self._stopped.add((stretch.agency, name))
            log.error(
                "projections.stopped",
                extra={
                    "projection": name,
                    "agency": str(stretch.agency),
                    "position": stretch.end + 1,
                    "reason": stretch.error,
                },
            )

    def _told(self, stretches: list[Stretch]) -> str:
        """Where each agency will stand in all projections, if that is not too long to tell."""
        ends = {(stretch.agency, stretch.projection.name): stretch.end for stretch in stretches}
        told: list[str] = []
        for agency in {stretch.agency for stretch in stretches}:
            standings = self._standings[agency].items()
            reached = [ends.get((agency, name), s.position) for name, s in standings]
            uneven = "+" if min(reached) < max(reached) else ""
            told.append(f"{agency}:{min(reached)}{uneven}")
        payload = ",".join(told)
        return payload if len(payload) <= PAYLOAD_BYTES else ""
