"""Whether the stored logs are what was written: each hash is recomputed from what is stored.

An entry's header is read as COPY's binary format sends it: a column is four bytes of length and
its bytes there, which is how the chain encodes a field, so most of a row is hashed as it comes.
A log is checked in stretches, each from the stored hash before it; together they are the chain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from struct import Struct
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import Connection, pq, sql

from journal import EPOCH
from journal.chain import GENESIS, MAGIC, header

STRETCH_EVENTS = 50_000
MOST_BAD = 40
"""Of one stretch: where more do not fit, those at its beginning tell what happened."""

HEADER_COLUMNS = """
    agency, position, recorded_at, stream, version::bigint, name, schema_version, event_id,
    effective_on::text, actor, coalesce(on_behalf_of, ''), command_id, correlation_id,
    coalesce(uuid_send(causation_id), ''), CASE WHEN cardinality(subjects) = 0 THEN ''::bytea ELSE (
        SELECT string_agg(coalesce(uuid_send(s), ''), ''::bytea ORDER BY n)
        FROM unnest(subjects) WITH ORDINALITY AS each(s, n)) END
"""
"""The fields of the header in the chain's order and encoding; `recorded_at` counts from 2000."""
_STRETCH = f"""
COPY (SELECT hash, state, {HEADER_COLUMNS} FROM events
      WHERE agency = {{}} AND position BETWEEN {{}} AND {{}} ORDER BY position)
TO STDOUT (FORMAT binary)
"""
_HASH_AT = "SELECT hash FROM events WHERE agency = %s AND position = %s"
_LOGS = """
WITH RECURSIVE known(agency) AS (
    (SELECT agency FROM events ORDER BY agency LIMIT 1)
    UNION ALL
    SELECT (SELECT e.agency FROM events e WHERE e.agency > k.agency ORDER BY e.agency LIMIT 1)
    FROM known k WHERE k.agency IS NOT NULL
)
SELECT agency, h.position, h.hash, h.recorded_at,
    coalesce((SELECT min(position) FROM events e WHERE e.agency = k.agency), 1),
    coalesce((SELECT max(position) FROM events e WHERE e.agency = k.agency), 0)
FROM (SELECT agency FROM known WHERE agency IS NOT NULL) k FULL JOIN heads h USING (agency)
ORDER BY agency
"""
_BEFORE_FIRST_ROW = 19
"""Bytes of COPY's signature, which come with the first row."""
_PG_EPOCH_US = 946_684_800_000_000
_LENGTHS = Struct(">hi32si")
_PLACE = Struct(">24xq4xq")
_LOW = (1 << 64) - 1
_instant_bytes = Struct(">Q").pack


class LogEnds(NamedTuple):
    """What the head row says, and where the stored entries begin and end, in one snapshot."""

    agency: UUID
    position: int | None
    """By the head row; None if there is no such row."""
    hash: bytes
    recorded_at: datetime
    first: int
    last: int


class Stretch(NamedTuple):
    """A part of a log, both ends included."""

    agency: UUID
    first: int
    last: int


@dataclass(slots=True)
class Checked:
    """What came of one stretch."""

    stretch: Stretch
    events: int = 0
    bad: list[int] = field(default_factory=list)
    """Positions whose entry does not give its stored hash, after the stored hash before."""
    gaps: list[tuple[int, int]] = field(default_factory=list)
    """Positions that are not there, both ends included."""
    early: list[int] = field(default_factory=list)
    """Positions of entries that were recorded before the one before them."""
    ends_with: bytes = b""
    ends_at: datetime = EPOCH


class Line(NamedTuple):
    """One stored entry, as far as its hash goes."""

    agency: UUID
    position: int
    recorded_at_us: int
    rest: bytes
    """The header after its third field."""
    state: bytes
    hash: bytes

    @property
    def stream(self) -> UUID:
        return UUID(bytes=self.rest[4:20])

    @property
    def version(self) -> int:
        return int.from_bytes(self.rest[24:32], "big")

    def header(self, agency: UUID, position: int) -> bytes:
        """The header that it would have there."""
        return header(agency.bytes, position, self.recorded_at_us, self.rest)


def connect(url: str) -> Connection[Any]:
    """A connection that reads dates in the one form that is hashed."""
    return psycopg.connect(
        url, autocommit=True, application_name="quittance", options="-c datestyle=ISO -c jit=off"
    )


def log_ends(connection: Connection[Any]) -> list[LogEnds]:
    """All logs, those without a head row too."""
    rows = connection.execute(_LOGS).fetchall()
    return [
        LogEnds(agency, position, digest or b"", at or EPOCH, first, last)
        for agency, position, digest, at, first, last in rows
    ]


def stretches(log: LogEnds) -> Iterator[Stretch]:
    """A log in parts that can be checked at the same time."""
    for first in range(1, log.last + 1, STRETCH_EVENTS):
        yield Stretch(log.agency, first, min(log.last, first + STRETCH_EVENTS - 1))


def lines(connection: Connection[Any], stretch: Stretch) -> Iterator[Line]:
    """The stored entries of a stretch, in order."""
    for row in _rows(connection, stretch):
        size, digest, start = _opened(row)
        position, instant = _PLACE.unpack_from(row, start)
        clock = int.from_bytes(_instant_bytes((instant + _PG_EPOCH_US) & _LOW), "big", signed=True)
        rest, state = bytes(row[start + 44 :]), bytes(row[start - size : start])
        yield Line(stretch.agency, position, clock, rest, state, digest)


def hash_at(connection: Connection[Any], agency: UUID, position: int) -> bytes | None:
    """The stored hash of an entry, None where there is none; before the first, its beginning."""
    if position == 0:
        return GENESIS
    found = connection.execute(_HASH_AT, [agency, position]).fetchone()
    return None if found is None else bytes(found[0])


def check_stretch(connection: Connection[Any], stretch: Stretch) -> Checked:
    """Recompute every hash of a stretch. Whoever edits one entry is seen at that entry."""
    checked = Checked(stretch)
    previous = hash_at(connection, stretch.agency, stretch.first - 1)
    expected, before = stretch.first, -(1 << 63)
    opened, unpack, instant_bytes = _LENGTHS.unpack_from, _PLACE.unpack_from, _instant_bytes
    for row in _rows(connection, stretch):
        _, length, digest, size = opened(row)
        start = 42 + size
        if length != 32:
            size, digest, start = _opened(row)
        position, instant = unpack(row, start)
        if position != expected:
            checked.gaps.append((expected, position - 1))
            previous = None
        if previous is not None:
            state = sha256(row[start - size : start]).digest()
            clock = instant_bytes((instant + _PG_EPOCH_US) & _LOW)
            # All of the header but its instant is hashed as it came.
            found = sha256(
                b"".join((
                    previous, MAGIC, row[start : start + 36], clock,
                    row[start + 44 :], state,
                ))
            ).digest()  # fmt: skip
            if found != digest and len(checked.bad) < MOST_BAD:
                checked.bad.append(position)
        if instant < before:
            checked.early.append(position)
        previous, before, expected = digest, instant, position + 1
        checked.events += 1
    if expected <= stretch.last:
        checked.gaps.append((expected, stretch.last))
    else:
        checked.ends_with = previous or b""
        checked.ends_at = _instant(before)
    return checked


def _instant(pg_us: int) -> datetime:
    try:
        return EPOCH + timedelta(microseconds=pg_us + _PG_EPOCH_US)
    except OverflowError:
        return EPOCH


def _opened(row: Any) -> tuple[int, bytes, int]:
    """The size of the state, the stored hash, and where the header's fields begin."""
    # A stored hash of another length is no hash, but it must not hide what comes after it.
    length = int.from_bytes(row[2:6], "big")
    size = int.from_bytes(row[6 + length : 10 + length], "big")
    return size, bytes(row[6 : 6 + length]), 10 + length + size


def _rows(connection: Connection[Any], stretch: Stretch) -> Iterator[Any]:
    """Each row in COPY's binary format, from its count of fields on.

    Straight from libpq, which blocks until there is a row: psycopg's own loop around each row
    costs as much as the two hashes. A reader that stops early leaves the connection closed.
    """
    wire, whole = connection.pgconn, False
    try:
        begun = wire.exec_(sql.SQL(_STRETCH).format(*stretch).as_bytes(connection))
        if begun.status != pq.ExecStatus.COPY_OUT:
            raise psycopg.OperationalError(begun.error_message.decode(errors="replace"))
        _, row = wire.get_copy_data(0)
        row = row[_BEFORE_FIRST_ROW:]
        while len(row) > 2:
            yield row
            _, row = wire.get_copy_data(0)
        size, _ = wire.get_copy_data(0)
        ended = wire.get_result()
        whole = size == -1 and ended is not None and ended.status == pq.ExecStatus.COMMAND_OK
        while ended is not None:
            ended = wire.get_result()
        if not whole:
            raise psycopg.OperationalError("the log could not be read to its end")
    finally:
        if not whole:
            connection.close()
