"""What exactly does the journal hold: envelope, stored bytes and hash, entry by entry?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg import Connection


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """One entry as it is stored; nothing is unsealed."""

    position: int
    stream: UUID
    version: int
    name: str
    schema_version: int
    event_id: UUID
    recorded_at: datetime
    effective_on: date
    actor: str
    on_behalf_of: str | None
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID | None
    subjects: list[UUID]
    state: str
    """The stored bytes, which are JSON in UTF-8; personal fields sealed."""
    hash: str
    """In hexadecimal: SHA-256 of the previous hash, the header and the digest of the state."""


def stored_entries(
    connection: Connection[Any], agency: UUID, after: int, limit: int
) -> list[StoredEntry]:
    """The entries behind a position, in order."""
    rows = connection.execute(
        "SELECT position, stream, version, name, schema_version, event_id, recorded_at,"
        " effective_on, actor, on_behalf_of, command_id, correlation_id, causation_id, subjects,"
        " convert_from(state, 'UTF8'), encode(hash, 'hex')"
        " FROM events WHERE agency = %s AND position > %s ORDER BY position LIMIT %s",
        [agency, after, limit],
    ).fetchall()
    return [StoredEntry(*row) for row in rows]
