"""Rebuilds read models while everybody works, and compares them with a fresh fold of the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection, IsolationLevel

from projections import Projection
from projections.comparing import Difference, difference, digests
from projections.generations import (
    BUILDING,
    CHECKING,
    abandon,
    generations,
    only_one,
    stands,
    wanted,
)
from projections.rebuilding import (
    LAST_ENTRIES,
    Place,
    begin_logs,
    make_bare_tables,
    places,
    prepare,
    switch,
)
from projections.tables import LIVE
from system.crew import SMALL_ENTRIES, Count, Crew, Workshop, crew

MEMORY_BYTES = 256 * 1024 * 1024
CHECK_LOCK = 0x6368_6563
"""Two who check at once take different turns; "chec" in ASCII."""
STATEMENT_ENTRIES = 500_000
"""What one statement folds, so that the database sorts out most of it in memory."""
SWITCH_SECONDS = 60.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.02, 1.0

Report = Callable[[int, int], None]
"""Hears (entries done, entries in all)."""


class ReadersHold(Exception):
    """Somebody has been reading the former rows for so long that the new ones cannot serve yet."""


class Differs(Exception):
    """The rows that serve are not those of a fresh fold; nothing was switched."""

    def __init__(self, done: Outcome) -> None:
        super().__init__()
        self.outcome = done


@dataclass(slots=True)
class Outcome:
    """What a rebuild or a comparison did."""

    projections: tuple[str, ...]
    resumed: bool = False
    entries: int = 0
    seconds: float = 0.0
    compared_logs: int = 0
    """Of how many (projection, agency) the rows were compared."""
    not_compared: list[tuple[str, UUID]] = field(default_factory=list)
    """Where the rows that serve were behind those that were folded."""
    differences: list[Difference] = field(default_factory=list)
    switched: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be rebuilt, and how."""

    projections: tuple[Projection, ...]
    agencies: frozenset[UUID] | None = None
    jobs: int = 1
    memory_bytes: int = MEMORY_BYTES
    accept: bool = False
    """Switch although the rows differ."""


def _silent(_done: int, _total: int) -> None:
    """Tells nobody."""


def rebuild(shop: Workshop, asked: Asked, report: Report = _silent) -> Outcome:
    """Build beside what serves, compare, and switch. Raises Differs, BeingRebuilt, Poisoned.

    Interrupted anywhere, it goes on from there when it is asked again.
    """
    names = tuple(projection.name for projection in asked.projections)
    done = Outcome(names)
    began, count = monotonic(), Count()
    with shop.connect() as connection:
        only_one(connection, names)
        done.resumed = prepare(connection, asked.projections, asked.agencies)
        with crew(shop, BUILDING, asked.jobs, asked.memory_bytes, count) as hands:
            job = _Job(shop, asked, hands, connection, BUILDING, done, count, report)
            job.fold(_targets(connection, asked, to_head=True))
            done.entries, done.seconds = count.value, monotonic() - began
            job.compare()
            if done.differences and not asked.accept:
                raise Differs(done)
            job.serve()
    done.switched, done.seconds = True, monotonic() - began
    return done


def build_wanted(shop: Workshop, *, jobs: int = 1) -> list[str]:
    """Build what this program folds otherwise than what serves, or for the first time; its names.

    Raises BeingRebuilt when somebody else is at it.
    """
    with shop.connect() as connection:
        asked = tuple(wanted(connection, shop.projections))
    if asked:
        rebuild(shop, Asked(asked, jobs=jobs))
    return [projection.name for projection in asked]


def check(shop: Workshop, asked: Asked, report: Report = _silent) -> Outcome:
    """Fold everything anew, compare it with what serves, and leave nothing behind."""
    names = tuple(projection.name for projection in asked.projections)
    done = Outcome(names)
    began, count = monotonic(), Count()
    with shop.connect() as connection:
        only_one(connection, names, CHECK_LOCK)
        try:
            abandon(connection, asked.projections, "checking", CHECKING)
            for projection in asked.projections:
                make_bare_tables(connection, projection, CHECKING, unlogged=True)
            with crew(shop, CHECKING, asked.jobs, asked.memory_bytes, count) as hands:
                job = _Job(shop, asked, hands, connection, CHECKING, done, count, report)
                job.fold(_targets(connection, asked, to_head=False))
                job.compare()
        finally:
            if not connection.broken:
                abandon(connection, asked.projections, "checking", CHECKING)
    done.entries, done.seconds = count.value, monotonic() - began
    return done


def _targets(
    connection: Connection[Any], asked: Asked, *, to_head: bool
) -> dict[tuple[str, UUID], int]:
    """How far to fold first: as far as what serves, to compare; else to the end of the log."""
    heads = dict(connection.execute("SELECT agency, position FROM heads").fetchall())
    serving = generations(connection, "serving")
    stand = stands(connection, [projection.name for projection in asked.projections])
    targets = {}
    for projection in asked.projections:
        served = serving.get(projection.name)
        comparable = served is not None and served.fits(projection)
        for agency, head in heads.items():
            if asked.agencies is not None and agency not in asked.agencies:
                continue
            position = stand.get((projection.name, agency), 0) if comparable else 0
            targets[projection.name, agency] = position or (head if to_head else 0)
    return targets


def _shares(logs: Sequence[tuple[UUID, int]], jobs: int) -> list[list[tuple[UUID, int]]]:
    """Logs in shares for one statement each: the same number for every job, none too large."""
    entries = sum(upto for _, upto in logs)
    shares = jobs * max(1, -(-entries // (jobs * STATEMENT_ENTRIES)))
    return [share for n in range(shares) if (share := list(logs[n::shares]))]


@dataclass(slots=True)
class _Job:
    """One rebuild or comparison under way."""

    shop: Workshop
    asked: Asked
    hands: Crew
    connection: Connection[Any]
    schema: str
    done: Outcome
    count: Count
    report: Report
    total: int = 0

    def look(self) -> None:
        self.report(self.count.value, max(self.total, self.count.value))

    def fold(self, targets: dict[tuple[str, UUID], int]) -> None:
        """Fold all that is missing: whole logs first, then what did not fit, on top of it."""
        projections, hands = self.asked.projections, self.hands
        begin_logs(self.connection, projections, {agency for _, agency in targets}, self.schema)
        some = places(self.connection, projections, targets, self.schema)
        self.total = sum(place.upto - place.after for place in some)
        self.look()
        if self._fold_in_sql(some):
            some = places(self.connection, projections, targets, self.schema)
        hands.do([("fold", [place]) for place in some if place.after == 0], self.look)
        tables = [(p.name, kind.table) for p in projections for kind in p.rows]
        hands.in_database([("finish", table) for table in tables], self.look)
        self.advance(targets)

    def _fold_in_sql(self, some: Sequence[Place]) -> bool:
        """Whole logs inside the database where a projection has a statement for it."""
        for projection in self.asked.projections:
            if projection.in_sql is None:
                continue
            name = projection.name
            logs = [(p.agency, p.upto) for p in some if p.after == 0 and name in p.names]
            tasks = [("fold_in_sql", (name, share)) for share in _shares(logs, self.hands.jobs)]
            folded = {a for done in self.hands.in_database(tasks, self.look) for a in done}
            if {place.names for place in some} == {(name,)}:
                self.count(sum(upto for agency, upto in logs if agency in folded))
        return any(projection.in_sql is not None for projection in self.asked.projections)

    def advance(self, targets: dict[tuple[str, UUID], int]) -> int:
        """Fold on to these positions; how many entries that were."""
        some = places(self.connection, self.asked.projections, targets, self.schema)
        if sum(place.upto - place.after for place in some) < SMALL_ENTRIES:
            self.hands.folder.advance(*some)
            return sum(place.upto - place.after for place in some)
        shares = [some[n :: self.hands.jobs] for n in range(self.hands.jobs)]
        self.hands.do([("advance", share) for share in shares if share], self.look)
        return sum(place.upto - place.after for place in some)

    def compare(self) -> None:
        """Compare with what serves, at the same position, while it goes on moving."""
        serving = generations(self.connection, "serving")
        projections = [
            projection
            for projection in self.asked.projections
            if projection.name in serving and serving[projection.name].fits(projection)
        ]
        names = [projection.name for projection in projections]
        with self.shop.connect() as snapshot, self.shop.connect() as folded:
            snapshot.isolation_level = IsolationLevel.REPEATABLE_READ
            snapshot.read_only = True
            with snapshot.transaction():
                served = stands(snapshot, names)
                ours = stands(self.connection, names, self.schema)
                at = {place: position for place, position in served.items() if place in ours}
                behind = [place for place in at if at[place] < ours[place]]
                self.done.not_compared = [place for place in behind if at[place] > 0]
                for place in behind:
                    del at[place]
                self.advance(at)
                self.done.compared_logs = len(at)
                for projection in projections:
                    agencies = [agency for name, agency in at if name == projection.name]
                    self._compare(snapshot, folded, projection, agencies)

    def _compare(
        self,
        snapshot: Connection[Any],
        folded: Connection[Any],
        projection: Projection,
        agencies: Collection[UUID],
    ) -> None:
        for kind in projection.rows:
            with ThreadPoolExecutor(1) as beside:
                theirs = beside.submit(digests, folded, kind, self.schema, agencies)
                ours = digests(snapshot, kind, LIVE, agencies)
            for agency in agencies:
                if ours.get(agency) != theirs.result().get(agency):
                    schemas = (LIVE, self.schema)
                    found = difference(snapshot, folded, projection.name, kind, schemas, agency)
                    self.done.differences.append(found)

    def serve(self) -> None:
        """Catch up until little is left, and let the new rows serve, one read model at a time.

        Who gives a table away comes before who takes it: an older program, which still folds for
        the one, must not write into the rows of the other.
        """
        serving = generations(self.connection, "serving")

        def keeps(projection: Projection) -> bool:
            served = serving.get(projection.name)
            return served is None or served.tables() <= {kind.table for kind in projection.rows}

        for projection in sorted(self.asked.projections, key=keeps):
            deadline = monotonic() + SWITCH_SECONDS
            pause_seconds = FIRST_PAUSE_SECONDS
            while True:
                while self.advance(self._heads()) > LAST_ENTRIES:
                    pass
                try:
                    if self._switched(projection):
                        break
                except psycopg.errors.LockNotAvailable:
                    if monotonic() > deadline:
                        raise ReadersHold(projection.name) from None
                # Readers queue for no longer than the switch waits; between two tries they pass.
                time.sleep(pause_seconds)
                pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)

    def _switched(self, projection: Projection) -> bool:
        agencies = self.asked.agencies
        return switch(self.connection, self.hands.folder.journal, projection, agencies)

    def _heads(self) -> dict[tuple[str, UUID], int]:
        """The ends of all logs, those that are new among them."""
        heads = dict(self.connection.execute("SELECT agency, position FROM heads").fetchall())
        if self.asked.agencies is not None:
            heads = {agency: heads[agency] for agency in self.asked.agencies}
        building = generations(self.connection, "building")
        left = [p for p in self.asked.projections if p.name in building]
        begin_logs(self.connection, left, list(heads), self.schema)
        return {(p.name, agency): head for p in left for agency, head in heads.items()}


__all__ = ["Asked", "Differs", "Outcome", "ReadersHold", "build_wanted", "check", "rebuild"]
