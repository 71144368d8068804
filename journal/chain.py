"""How an event is hashed: a written, length-prefixed, versioned encoding of its header.

`hash = SHA-256(previous ‖ header ‖ SHA-256(state))`. The header holds agency and position, so
an entry cannot be moved; the payload enters by its digest only, so one lease's events can be
proved with nothing but headers and digests of all others.

Header, version 1: the bytes `QUITTANCE-1`, then each field as four bytes of length (big-endian)
and its bytes, in this order: agency (16 bytes), position (8, big-endian), recorded_at
(8, signed, microseconds since 1970 UTC), stream (16), version (8), name (UTF-8), schema version
(4), event id (16), effective on (ISO 8601), actor (UTF-8), on behalf of (UTF-8, empty for
nobody), command id (16), correlation id (16), causation id (16, empty for none), subjects
(16 each, in order).
"""

from __future__ import annotations

from hashlib import sha256
from struct import Struct

MAGIC = b"QUITTANCE-1"
GENESIS = sha256(MAGIC).digest()
"""What the first event of every log has as its previous hash."""

_START = Struct(">11s I16s Iq Iq")
_STREAM = Struct(">I16s Iq")
_EVENT = Struct(">II I16s I10s")
_LENGTH = Struct(">I")
_SHORT = tuple(_LENGTH.pack(size) for size in range(256))


def lengthened(*fields: bytes) -> bytes:
    """Each field behind its length, as the header has them."""
    return b"".join([piece for field in fields for piece in (_length(field), field)])


def tail(
    stream: bytes,
    version: int,
    name: bytes,
    schema_version: int,
    event_id: bytes,
    effective_on: bytes,
    envelope: bytes,
    subjects: bytes,
) -> bytes:
    """The part of the header that is known before the position is: all fields after the third.

    `effective_on` is an ISO date of ten bytes; `envelope` has actor, on behalf of, command,
    correlation and causation, `lengthened`, for it is the same in all entries of an append.
    """
    return b"".join(
        (
            _STREAM.pack(16, stream, 8, version),
            _length(name), name,
            _EVENT.pack(4, schema_version, 16, event_id, 10, effective_on),
            envelope,
            _length(subjects), subjects,
        )
    )  # fmt: skip


def _length(field: bytes) -> bytes:
    size = len(field)
    return _SHORT[size] if size < 256 else _LENGTH.pack(size)


def header(agency: bytes, position: int, recorded_at_us: int, rest: bytes) -> bytes:
    """The whole header; `rest` comes from `tail`."""
    return _START.pack(MAGIC, 16, agency, 8, position, 8, recorded_at_us) + rest


def link(previous: bytes, header_bytes: bytes, state: bytes) -> bytes:
    """The hash of the next event of a log: 32 bytes."""
    return sha256(previous + header_bytes + sha256(state).digest()).digest()
