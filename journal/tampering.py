"""What happened to a log that does not check: each fault named, with its place.

The chain says where it breaks; what broke it is found by trying where an entry fits. An entry
that gives, at another place, a hash that is stored was moved from there: two different entries
never have the same hash. What fits nowhere was edited.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from psycopg import Connection

from journal.verifying import MOST_BAD, Checked, Line, LogEnds, Stretch, hash_at, lines

NEAR = (0, -1, 1, -2, 2, -3, 3)
"""How far rows are tried from where they stand, should others have been put in or taken out."""

_MISSING_VERSIONS = """
SELECT stream, version + 1, position, next_position FROM (
    SELECT stream, version, position, lead(version) OVER w AS next,
        lead(position) OVER w AS next_position
    FROM events WHERE agency = %s WINDOW w AS (PARTITION BY stream ORDER BY version)
) v WHERE next > version + 1
"""


class Kind(StrEnum):
    """What somebody did to what was stored."""

    EDITED = "edited"
    DELETED = "deleted"
    INSERTED = "inserted"
    REORDERED = "reordered"
    SWAPPED = "swapped"
    """It belongs to another agency."""
    CUT = "cut"
    """The end is missing."""
    HEAD = "head"
    """The head row is not what the last entry says."""
    TURNED_BACK = "turned_back"
    """It was recorded before the entry before it."""
    REWRITTEN = "rewritten"
    """The chain holds, but it is not the one that was anchored."""
    ANCHOR_MISSING = "anchor_missing"
    ANCHOR_UNREADABLE = "anchor_unreadable"
    ANCHOR_UNSIGNED = "anchor_unsigned"
    ANCHOR_FOREIGN = "anchor_foreign"
    """Signed by another key."""
    ANCHOR_ALTERED = "anchor_altered"
    """The heads beside the signed statement are others."""
    ANCHORS_CONTRADICT = "anchors_contradict"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, at its place: a position, or all from `position` to `up_to`."""

    kind: Kind
    agency: UUID | None
    """None for an anchor as such."""
    position: int
    up_to: int
    stream: UUID | None = None
    """None where nothing is left that says it."""
    version: int | None = None
    belongs: tuple[UUID, int] | None = None
    """The agency and position that a moved entry was taken from."""
    anchor: int | None = None
    """The number of the anchor that shows it, or that it is about."""


Place = tuple[UUID, int]


@dataclass(frozen=True, slots=True)
class Broken:
    """What checking found in one log."""

    log: LogEnds
    bad: list[int]
    gaps: list[tuple[int, int]]
    early: list[int]
    end: Checked | None
    """The stretch that ends the log."""


def gathered(log: LogEnds, checked: Iterable[Checked]) -> Broken:
    """All stretches of one log together; gaps that meet become one."""
    parts = sorted(checked, key=lambda part: part.stretch.first)
    gaps: list[tuple[int, int]] = []
    for first, last in (gap for part in parts for gap in part.gaps):
        if gaps and gaps[-1][1] == first - 1:
            gaps[-1] = (gaps[-1][0], last)
        else:
            gaps.append((first, last))
    return Broken(
        log,
        [*range(log.first, min(log.last + 1, 1)), *(p for part in parts for p in part.bad)],
        gaps,
        [position for part in parts for position in part.early],
        parts[-1] if parts else None,
    )


def diagnose(connection: Connection[Any], logs: Iterable[Broken]) -> list[Finding]:
    """What happened, in all logs at once: an entry may have come from another agency."""
    logs = list(logs)
    suspects = [
        line
        for broken in logs
        for position in broken.bad[:MOST_BAD]
        for line in lines(connection, Stretch(broken.log.agency, position, position))
    ]
    homes = _homes(connection, suspects, [place for broken in logs for place in _empty(broken)])
    return [finding for broken in logs for finding in _Case(connection, broken, homes).told()]


def _empty(broken: Broken) -> list[Place]:
    """Places that have no entry and should: some of them, where there are many."""
    cut = range(max(broken.log.last, 0) + 1, (broken.log.position or 0) + 1)
    missing = [p for first, last in broken.gaps for p in range(first, last + 1)[:MOST_BAD]]
    return [(broken.log.agency, p) for p in [*missing[:MOST_BAD], *cut[:MOST_BAD]]]


def _homes(
    connection: Connection[Any], suspects: list[Line], empty: list[Place]
) -> dict[Place, tuple[Line, Place | None]]:
    """Each suspect by where it stands, with where it belongs; None if it fits nowhere."""
    places = list(dict.fromkeys([*((one.agency, one.position) for one in suspects), *empty]))
    stored = {one.hash for one in suspects}
    before: dict[Place, bytes | None] = {}

    def previous(place: Place) -> list[bytes]:
        if place not in before:
            before[place] = hash_at(connection, place[0], place[1] - 1)
        known = before[place]
        return [*([known] if known is not None else []), *after_edits, *stored]

    after_edits: list[bytes] = []
    for one in suspects:
        own = (one.agency, one.position)
        previous(own)
        if (known := before[own]) is not None:
            # Where only the stored hash was edited, the next entry follows the hash that was.
            digest = sha256(one.state).digest()
            after_edits.append(sha256(known + one.header(*own) + digest).digest())

    def home(one: Line) -> Place | None:
        digest = sha256(one.state).digest()
        near = [(one.agency, one.position + by) for by in NEAR if one.position + by > 0]
        for place in dict.fromkeys([*near, *places]):
            body = one.header(*place) + digest
            if any(sha256(p + body).digest() in stored for p in previous(place)):
                return place
        return None

    return {(one.agency, one.position): (one, home(one)) for one in suspects}


class _Case:
    """One log, and what is to be told of it."""

    def __init__(
        self,
        connection: Connection[Any],
        broken: Broken,
        homes: dict[Place, tuple[Line, Place | None]],
    ) -> None:
        self._connection = connection
        self._broken = broken
        self._agency = broken.log.agency
        self._homes = homes
        mine = {p: home for (agency, p), (_, home) in homes.items() if agency == self._agency}
        self._unknown = [p for p in broken.bad if mine.get(p) is None]
        self._moved = {
            p: home[1]
            for p, home in mine.items()
            if home and home[0] == self._agency and home[1] != p
        }
        self._foreign = {p: home for p, home in mine.items() if home and home[0] != self._agency}
        self._filled = {home for _, home in homes.values() if home}
        """Places whose entry was found elsewhere."""

    def told(self) -> Iterator[Finding]:
        for position, home in self._foreign.items():
            yield self._at(Kind.SWAPPED, position, belongs=home)
        yield from self._displaced()
        yield from self._gaps()
        last = self._broken.log.position
        for position in self._unknown:
            beyond = last is not None and not 0 < position <= last
            yield self._at(Kind.INSERTED if beyond else Kind.EDITED, position)
        if not self._broken.bad:
            for position in self._broken.early:
                yield self._at(Kind.TURNED_BACK, position)
        yield from self._end()

    def _displaced(self) -> Iterator[Finding]:
        moved = self._moved
        if not moved:
            return
        empty = {p for first, last in self._broken.gaps for p in (first, last)}
        if set(moved) == set(moved.values()) or set(moved.values()) <= empty:
            for position, home in moved.items():
                yield self._at(Kind.REORDERED, position, belongs=(self._agency, home))
            return
        first = min(moved)
        by = moved[first] - first
        if by < 0:
            # All after it stand further back than they were: something was put in before them.
            put_in = range(first + by, first)
            self._unknown = [p for p in self._unknown if p < first]
            for position in put_in:
                if position in self._unknown:
                    self._unknown.remove(position)
                yield self._at(Kind.INSERTED, position)
        else:
            # What follows the one that was taken out cannot be checked: its predecessor is gone.
            taken_out = min(self._broken.bad)
            self._unknown = [p for p in self._unknown if p < taken_out]
            yield from self._missing(Kind.DELETED, taken_out, taken_out + by - 1)

    def _gaps(self) -> Iterator[Finding]:
        for first, last in self._broken.gaps:
            if first == last and (self._agency, first) in self._filled:
                continue
            yield from self._missing(Kind.DELETED, first, last)

    def _end(self) -> Iterator[Finding]:
        log, end = self._broken.log, self._broken.end
        if log.position is None:
            yield Finding(Kind.HEAD, self._agency, log.last, log.last)
        elif log.position > log.last:
            first = max(log.last, 0) + 1
            if not (first == log.position and (self._agency, first) in self._filled):
                yield Finding(Kind.CUT, self._agency, first, log.position)
        elif log.position < log.last:
            if not any(position > log.position for position in self._broken.bad):
                yield Finding(Kind.HEAD, self._agency, log.position, log.last)
        elif (
            end is not None
            and log.last not in self._broken.bad
            and (log.hash, log.recorded_at) != (end.ends_with, end.ends_at)
        ):
            yield Finding(Kind.HEAD, self._agency, log.position, log.last)

    def _at(self, kind: Kind, position: int, belongs: Place | None = None) -> Finding:
        known = self._homes.get((self._agency, position))
        if known is None:
            stretch = Stretch(self._agency, position, position)
            (line,) = lines(self._connection, stretch)
        else:
            line = known[0]
        return Finding(kind, self._agency, position, position, line.stream, line.version, belongs)

    def _missing(self, kind: Kind, first: int, last: int) -> Iterator[Finding]:
        """Positions that are gone; the streams whose versions have a hole there say what was."""
        told = 0
        for stream, version, before, after in self._connection.execute(
            _MISSING_VERSIONS, [self._agency]
        ):
            if before < last + 1 and after > first - 1 and told < last - first + 1:
                told += 1
                yield Finding(kind, self._agency, first, last, stream, version)
        if not told:
            yield Finding(kind, self._agency, first, last)
