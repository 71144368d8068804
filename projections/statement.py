"""Which lines make up an account on a date, as it was known at a position of the journal?

Answered from the rows of postings, each dated by the business and placed by the journal: no
snapshot is needed, whatever the two dates are.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from psycopg import Connection

from projections.account import PostingRow
from projections.tables import find


def balance_as_of(
    connection: Connection, agency: UUID, lease_id: UUID, *, on: date, known: int | None
) -> int:
    """The booked balance on a date, as it was known at a position (None: now)."""
    row = connection.execute(
        "SELECT coalesce(sum(debit_cents - credit_cents), 0)::bigint FROM read.postings"
        " WHERE agency = %s AND lease_id = %s AND effective_on <= %s"
        " AND (%s::bigint IS NULL OR position <= %s)",
        [agency, lease_id, on, known, known],
    ).fetchone()
    assert row is not None
    return int(row[0])


def postings(
    connection: Connection,
    agency: UUID,
    lease_id: UUID,
    *,
    after: int = 0,
    limit: int = 200,
    on: date | None = None,
    known: int | None = None,
) -> list[PostingRow]:
    """The lines of an account in the order in which they were recorded.

    With `on` and `known`, those that count by a date, of those recorded by a position.
    """
    where = "agency = %s AND lease_id = %s AND position > %s"
    where += " AND (%s::date IS NULL OR effective_on <= %s)"
    where += " AND (%s::bigint IS NULL OR position <= %s) ORDER BY position LIMIT %s"
    asked = [agency, lease_id, after, on, on, known, known, limit]
    return find(connection, PostingRow, where, asked)
