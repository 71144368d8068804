"""Verifies a log from its stored rows alone, written from docs/decisions/0002 and nothing else."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import psycopg

ROWS = """
SELECT position, recorded_at, stream, version, name, schema_version, event_id, effective_on, actor,
       on_behalf_of, command_id, correlation_id, causation_id, subjects, state, hash
FROM events WHERE agency = %s ORDER BY position
"""


def broken_at(url: str, agency: UUID) -> int | None:
    """The first position whose number or hash is not what it must be, 0 for a head that does not
    end the log; None when all is well."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(ROWS, [agency]).fetchall()
        head = connection.execute(
            "SELECT position, hash, recorded_at FROM heads WHERE agency = %s", [agency]
        ).fetchone()
    previous = hashlib.sha256(b"QUITTANCE-1").digest()
    before = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 as an auditor would write it
    for number, row in enumerate(rows, 1):
        previous = digest(previous, agency, row)
        if row[0] != number or bytes(row[-1]) != previous or row[1] < before:
            return number
        before = row[1]
    return None if head == (len(rows), previous, before) else 0


def digest(previous: bytes, agency: UUID, row: tuple[Any, ...]) -> bytes:
    """The hash of one stored row, after the hash of the row before."""
    (
        position, recorded_at, stream, version, name, schema_version, event_id, effective_on,
        actor, on_behalf_of, command_id, correlation_id, causation_id, subjects, state, _,
    ) = row  # fmt: skip
    since = recorded_at - datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017
    fields = [
        agency.bytes,
        position.to_bytes(8, "big"),
        (since // timedelta(microseconds=1)).to_bytes(8, "big", signed=True),
        stream.bytes,
        version.to_bytes(8, "big"),
        name.encode(),
        schema_version.to_bytes(4, "big"),
        event_id.bytes,
        effective_on.isoformat().encode(),
        actor.encode(),
        (on_behalf_of or "").encode(),
        command_id.bytes,
        correlation_id.bytes,
        causation_id.bytes if causation_id else b"",
        b"".join(subject.bytes for subject in subjects),
    ]
    header = b"QUITTANCE-1" + b"".join(len(f).to_bytes(4, "big") + f for f in fields)
    return hashlib.sha256(previous + header + hashlib.sha256(state).digest()).digest()
