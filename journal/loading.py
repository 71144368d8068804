"""Whole logs into an empty place: entries are chained in bulk, and loaded by COPY.

What is imported, or made up for a demo, does not pass the writer: nobody decides on it, nobody
else appends meanwhile. `chained` gives entries their place and their hash, `load` stores them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from struct import Struct
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection
from uuid_utils import uuid7

from domain import Refused
from journal import EPOCH, Envelope, Fact
from journal.chain import GENESIS, header, lengthened, link, tail
from journal.rows import array

BLOCK_BYTES = 256 * 1024
REPORTED_EVENTS = 10_000

COPY = """
COPY events (agency, position, stream, event_id, command_id, correlation_id, recorded_at, version,
    schema_version, effective_on, hash, causation_id, name, actor, on_behalf_of, subjects, state)
FROM STDIN (FORMAT binary)
"""
_HEAD = "SELECT position, hash, recorded_at FROM heads WHERE agency = %s FOR UPDATE"
_MOVE = "UPDATE heads SET position = %s, hash = %s, recorded_at = %s WHERE agency = %s"

_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_FIXED = Struct(">h i16s iq i16s i16s i16s i16s iq ii ii ii i32s")
_LENGTH = Struct(">i")
_UUID_OID = 2950
_PG_EPOCH_US = 946_684_800_000_000
_PG_EPOCH_DAY = date(2000, 1, 1).toordinal()


class LogNotEmpty(Refused):
    """This agency's log has entries already: a whole log is loaded into an empty one only."""


class OutOfPlace(Exception):
    """An entry does not follow the one before: another position, or an earlier instant."""


class Told(NamedTuple):
    """One event that has no place in a log yet: all in the bytes that the chain wants."""

    recorded_at_us: int
    """Microseconds since 1970 UTC; never less than those of the event before."""
    stream: bytes
    version: int
    name: bytes
    schema_version: int
    event_id: bytes
    effective_on: int
    """The proleptic ordinal of the date."""
    actor: bytes
    on_behalf_of: bytes
    """Empty for nobody."""
    command_id: bytes
    correlation_id: bytes
    causation_id: bytes
    """Empty for none."""
    subjects: bytes
    """16 bytes each."""
    state: bytes


class Placed(NamedTuple):
    """One entry of a log, as it is stored."""

    position: int
    hash: bytes
    told: Told


class Head(NamedTuple):
    """The end of a log: its last position, hash and instant."""

    position: int
    hash: bytes
    recorded_at_us: int


NOTHING = Head(0, GENESIS, 0)
"""The head of a log without an entry."""


def told(fact: Fact, state: bytes, envelope: Envelope, recorded_at: datetime) -> Told:
    """A fact whose bytes are known (`FactMapper.encode`), in the envelope of its command."""
    stream, version, event = fact
    kind = type(event)
    return Told(
        (recorded_at - EPOCH) // timedelta(microseconds=1),
        stream.bytes, version, kind.__name__.encode(), kind.schema_version, uuid7().bytes,
        (event.takes_effect_on() or envelope.today).toordinal(),
        envelope.actor.encode(), (envelope.on_behalf_of or "").encode(),
        envelope.command_id.bytes, envelope.correlation_id.bytes,
        envelope.causation_id.bytes if envelope.causation_id else b"",
        b"".join([subject.bytes for subject in event.subjects()]), state,
    )  # fmt: skip


def chained(agency: UUID, events: Iterable[Told], after: Head = NOTHING) -> Iterator[Placed]:
    """Give each event its position and its hash, after the head of the log."""
    books = agency.bytes
    position, digest, _ = after
    for event in events:
        position += 1
        digest = digest_of(digest, books, position, event)
        yield Placed(position, digest, event)


def digest_of(previous: bytes, agency: bytes, position: int, event: Told) -> bytes:
    """The hash of an event at this position of a log."""
    (
        instant, stream, version, name, schema_version, event_id, effective_on, actor, behalf,
        command_id, correlation_id, causation_id, subjects, state,
    ) = event  # fmt: skip
    envelope = lengthened(actor, behalf, command_id, correlation_id, causation_id)
    day = _day(effective_on)
    rest = tail(stream, version, name, schema_version, event_id, day, envelope, subjects)
    return link(previous, header(agency, position, instant, rest), state)


@lru_cache(maxsize=20_000)
def _day(ordinal: int) -> bytes:
    return date.fromordinal(ordinal).isoformat().encode()


def load(
    connection: Connection[Any],
    agency: UUID,
    entries: Iterable[Placed],
    *,
    report: Callable[[int], None] = lambda _: None,
) -> Head:
    """Store a whole log: all of it, in one transaction or within the caller's, or nothing.

    The agency may be new. `report` hears now and then how many entries are sent. Raises
    LogNotEmpty; OutOfPlace if the positions are not 1, 2, 3…
    """
    with connection.transaction():
        head = _held(connection, agency)
        if head.position:
            raise LogNotEmpty(
                f"Le journal de cette agence a déjà {head.position} écritures : un journal ne se"
                " charge que dans un journal vide.",
                f"This agency's journal has {head.position} entries already: a journal is loaded"
                " into an empty one only.",
            )
        return _store(connection, agency, NOTHING, entries, report)


def extend(connection: Connection[Any], agency: UUID, events: Iterable[Told]) -> Head:
    """Append events that nobody decides on, under the log's head; the writers find it moved."""
    with connection.transaction():
        head = _held(connection, agency)
        # Another machine's clock may be ahead of this one's: instants never decrease.
        later = [
            event._replace(recorded_at_us=max(event.recorded_at_us, head.recorded_at_us))
            for event in events
        ]
        return _store(connection, agency, head, chained(agency, later, head), lambda _: None)


def _held(connection: Connection[Any], agency: UUID) -> Head:
    """Take the head of a log, which may be new."""
    connection.execute(
        "INSERT INTO heads (agency, hash) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [agency, GENESIS],
    )
    found = connection.execute(_HEAD, [agency]).fetchone()
    assert found is not None
    return Head(found[0], found[1], (found[2] - EPOCH) // timedelta(microseconds=1))


def _store(
    connection: Connection[Any],
    agency: UUID,
    head: Head,
    entries: Iterable[Placed],
    report: Callable[[int], None],
) -> Head:
    following = _Follow(head, report)
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        for block in rows_of(agency, following(entries)):
            copy.write(block)
    head = following.head
    instant = EPOCH + timedelta(microseconds=head.recorded_at_us)
    connection.execute(_MOVE, [head.position, head.hash, instant, agency])
    return head


class _Follow:
    """Lets entries through that follow each other, and knows where they end."""

    def __init__(self, after: Head, report: Callable[[int], None]) -> None:
        self.head = after
        self._report = report

    def __call__(self, entries: Iterable[Placed]) -> Iterator[Placed]:
        position, _, instant = self.head
        for entry in entries:
            if entry.position != position + 1 or entry.told.recorded_at_us < instant:
                raise OutOfPlace(f"position {entry.position} after {position}")
            position, instant = entry.position, entry.told.recorded_at_us
            self.head = Head(position, entry.hash, instant)
            yield entry
            if position % REPORTED_EVENTS == 0:
                self._report(position)
        self._report(position)


def rows_of(agency: UUID, entries: Iterable[Placed]) -> Iterator[bytes]:
    """Entries in the binary format of `COPY`, in blocks of some size."""
    books, block, size = agency.bytes, [_SIGNATURE], 0
    for entry in entries:
        row = _row(books, entry)
        block.append(row)
        size += len(row)
        if size > BLOCK_BYTES:
            yield b"".join(block)
            block.clear()
            size = 0
    yield b"".join([*block, _END])


def _row(agency: bytes, entry: Placed) -> bytes:
    """One row in COPY's binary format, its fields in the order of the statement."""
    position, digest, (
        instant, stream, version, name, schema_version, event_id, effective_on, actor, behalf,
        command_id, correlation_id, causation_id, subjects, state,
    ) = entry  # fmt: skip
    return b"".join((
        _FIXED.pack(
            17, 16, agency, 8, position, 16, stream, 16, event_id, 16, command_id,
            16, correlation_id, 8, instant - _PG_EPOCH_US, 4, version, 4, schema_version,
            4, effective_on - _PG_EPOCH_DAY, 32, digest,
        ),
        _sized(causation_id) if causation_id else _NULL,
        _sized(name),
        _sized(actor),
        _sized(behalf) if behalf else _NULL,
        _uuids(subjects),
        _LENGTH.pack(len(state)),
        state,
    ))  # fmt: skip


@lru_cache(maxsize=10_000)
def _sized(field: bytes) -> bytes:
    """A field that many entries share, after its length."""
    return _LENGTH.pack(len(field)) + field


@lru_cache(maxsize=10_000)
def _uuids(together: bytes) -> bytes:
    """uuid[] as PostgreSQL's binary array (array_send), from 16 bytes each."""
    each = [b"\0\0\0\x10" + together[n : n + 16] for n in range(0, len(together), 16)]
    elements = array(_UUID_OID, each)
    return _LENGTH.pack(len(elements)) + elements
