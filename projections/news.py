"""What is new in the logs: read in one statement, decoded once for all projections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import Connection

from journal import Recorded
from journal.columns import Bigints, Uuids
from journal.journal import Journal
from projections.folding import reason, trace_of

LEAST_ENTRIES = 20
"""However many logs have news, this much of each is read."""

_NEWS = """
WITH news AS MATERIALIZED (
    SELECT k.agency, k.after, h.position AS head
    FROM unnest(%s::uuid[], %s::bigint[]) AS k(agency, after) CROSS JOIN LATERAL (
        SELECT position FROM heads WHERE agency = k.agency AND position > k.after OFFSET 0
    ) h
)
SELECT n.agency, n.after, n.head, e.* FROM news n CROSS JOIN LATERAL (
    SELECT position, stream, version, name, schema_version, event_id, recorded_at, effective_on,
        actor, on_behalf_of, command_id, correlation_id, causation_id, subjects, state
    FROM events WHERE agency = n.agency AND position > n.after ORDER BY position
    LIMIT (SELECT greatest(%s / count(*), %s) FROM news)
) e
"""


class News(NamedTuple):
    """What one log holds after a position, and why no more of it can be read."""

    entries: Sequence[Recorded]
    error: str | None
    more: bool
    """Whether the log holds readable entries behind these."""
    trace: str | None = None
    """Where in the program the error comes from."""


def read(
    connection: Connection[Any],
    journal: Journal,
    places: Sequence[tuple[bytes, int]],
    entries: int,
) -> dict[tuple[UUID, int], News]:
    """The news behind each place (an agency's bytes and a position) that has any.

    At most `entries` in all, shared equally between the logs that have news.
    """
    if not places:
        return {}
    agencies, afters = zip(*places, strict=True)
    parameters = [Uuids.of(agencies), Bigints.of(afters), entries, LEAST_ENTRIES]
    rows: dict[tuple[UUID, int], list[tuple[Any, ...]]] = defaultdict(list)
    heads: dict[tuple[UUID, int], int] = {}
    for row in connection.execute(_NEWS, parameters, prepare=True, binary=True):
        rows[row[:2]].append(row[3:])
        heads[row[:2]] = row[2]
    news = {}
    for (agency, after), some in rows.items():
        readable, error, trace = _decoded(journal, agency, after, some)
        more = error is None and after + len(readable) < heads[agency, after]
        news[agency, after] = News(readable, error, more, trace)
    return news


def _decoded(
    journal: Journal, agency: UUID, after: int, rows: list[tuple[Any, ...]]
) -> tuple[list[Recorded], str | None, str | None]:
    """The entries, up to the first that cannot be read or is missing."""
    error = trace = None
    try:
        entries = journal.recorded(agency, rows)
    except psycopg.Error:
        raise
    except Exception:
        entries, error, trace = _decoded_one_by_one(journal, agency, rows)
    for expected, entry in enumerate(entries, after + 1):
        if entry.position != expected:
            return entries[: expected - after - 1], f"Gap at position {expected}", None
    return entries, error, trace


def _decoded_one_by_one(
    journal: Journal, agency: UUID, rows: list[tuple[Any, ...]]
) -> tuple[list[Recorded], str | None, str | None]:
    entries: list[Recorded] = []
    for row in rows:
        try:
            entries += journal.recorded(agency, [row])
        except psycopg.Error:
            raise
        except Exception as poison:
            return entries, reason(poison, row[0], row[3]), trace_of(poison)
    return entries, None, None
