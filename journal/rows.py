"""Rows as PostgreSQL takes them in over the wire, packed by hand: composite values in arrays.

One statement carries a whole batch. What of a row is known to who appends is packed there, and
what the writer gives it (position, instant, hash) is put in front: one concatenation for each row,
where an array for each column would cost an operation for each field.

A composite value is its number of fields, then each field's type, length and content (PostgreSQL,
record_send); an array is a short head, then each element behind its length (array_send).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from struct import Struct

_UUID, _BIGINT, _INTEGER, _TEXT, _BYTEA, _INSTANT, _DATE, _UUIDS = (
    2950, 20, 23, 25, 17, 1184, 1082, 2951,
)  # fmt: skip
_PG_EPOCH_US = 946_684_800_000_000
_PG_EPOCH_DAY = date(2000, 1, 1).toordinal()

_ARRAY = Struct(">iiIii")
_FIELD = Struct(">Ii")
_ID = Struct(">Ii16s")
_INSTANT_FIELD = Struct(">Iiq")
_PLACED = Struct(">ii Ii16s Iiq Iiq Ii32s")
_ENTRY = Struct(">Ii16s Ii16s Iii Iii Iii")
_ANSWERED = Struct(">ii Ii16s Iiq")
_MOVED = Struct(">ii Ii16s Iiq Ii32s Iiq Ii32s Iiq")
_NULL = -1

NAMES = ("head_move", "entry_row", "answer_row")
"""The types of the rows in the database, in the order of the statement's parameters."""


def array(element_oid: int, elements: Sequence[bytes]) -> bytes:
    """An array of elements, each with its length in front."""
    if not elements:
        return _ARRAY.pack(0, 0, element_oid, 0, 0)[:12]
    return _ARRAY.pack(1, 0, element_oid, len(elements), 1) + b"".join(elements)


def text(content: bytes | None) -> bytes:
    """A field of type text; None is NULL."""
    if content is None:
        return _FIELD.pack(_TEXT, _NULL)
    return _FIELD.pack(_TEXT, len(content)) + content


def identifier(content: bytes | None) -> bytes:
    """A field of type uuid; None is NULL."""
    return _FIELD.pack(_UUID, _NULL) if content is None else _ID.pack(_UUID, 16, content)


def identifiers(contents: Sequence[bytes]) -> bytes:
    """A field of type uuid[]."""
    elements = array(_UUID, [_SIXTEEN + content for content in contents])
    return _FIELD.pack(_UUIDS, len(elements)) + elements


def blob(content: bytes) -> bytes:
    """A field of type bytea."""
    return _FIELD.pack(_BYTEA, len(content)) + content


def instant(microseconds: int | None) -> bytes:
    """A field of type timestamptz, from microseconds since 1970 UTC; None is NULL."""
    if microseconds is None:
        return _FIELD.pack(_INSTANT, _NULL)
    return _INSTANT_FIELD.pack(_INSTANT, 8, microseconds - _PG_EPOCH_US)


_SIXTEEN = Struct(">i").pack(16)
_NOBODY = identifiers(())


def entry_fields(
    stream: bytes,
    event_id: bytes,
    version: int,
    schema_version: int,
    effective_on: int,
    envelope: bytes,
    name: bytes,
    subjects: Sequence[bytes],
    state: bytes,
) -> bytes:
    """The fields of an entry that are known before its place is; see `placed`.

    `effective_on` is a proleptic ordinal; `envelope` has the fields from actor to causation.
    """
    return b"".join(
        (
            _ENTRY.pack(
                _UUID, 16, stream, _UUID, 16, event_id, _INTEGER, 4, version,
                _INTEGER, 4, schema_version, _DATE, 4, effective_on - _PG_EPOCH_DAY,
            ),
            envelope,
            _FIELD.pack(_TEXT, len(name)), name,
            identifiers(subjects) if subjects else _NOBODY,
            _FIELD.pack(_BYTEA, len(state)), state,
        )
    )  # fmt: skip


def placed(
    agency: bytes, position: int, recorded_at_us: int, digest: bytes, fields: bytes
) -> bytes:
    """An `entry_row` as an element of an array."""
    return (
        _PLACED.pack(
            _PLACED.size - 4 + len(fields), 17, _UUID, 16, agency, _BIGINT, 8, position,
            _INSTANT, 8, recorded_at_us - _PG_EPOCH_US, _BYTEA, 32, digest,
        )
        + fields
    )  # fmt: skip


def answer_fields(
    principal: bytes, key: bytes, body_hash: bytes, answer: bytes, kept_until_us: int | None
) -> bytes:
    """The fields of an answer that are known before its place is; see `answered`."""
    return b"".join(
        (text(principal), text(key), blob(body_hash), blob(answer), instant(kept_until_us))
    )


def answered(agency: bytes, position: int, fields: bytes) -> bytes:
    """An `answer_row` as an element of an array."""
    head = _ANSWERED.pack(
        _ANSWERED.size - 4 + len(fields), 7, _UUID, 16, agency, _BIGINT, 8, position
    )
    return head + fields


def moved(
    agency: bytes,
    expected: int,
    expected_hash: bytes,
    position: int,
    digest: bytes,
    recorded_at_us: int,
) -> bytes:
    """A `head_move` as an element of an array."""
    return _MOVED.pack(
        _MOVED.size - 4, 6, _UUID, 16, agency, _BIGINT, 8, expected, _BYTEA, 32, expected_hash,
        _BIGINT, 8, position, _BYTEA, 32, digest, _INSTANT, 8, recorded_at_us - _PG_EPOCH_US,
    )  # fmt: skip
