"""Are two foldings of the same log the same? Sums of all rows' hashes, and the keys that differ."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from projections import Row
from projections.tables import Table, table_of

FIRST_KEYS = 5
"""How many differing rows are named."""
FETCHED_ROWS = 5_000

Digests = dict[UUID, tuple[int, int]]
"""For each agency the number of its rows and the sum of their hashes."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the rows that serve are not those of a fresh fold; keys only, no values."""

    projection: str
    table: str
    agency: UUID
    serving_rows: int
    folded_rows: int
    differing_rows: int
    first_keys: tuple[str, ...]


def digests(
    connection: Connection[Any], kind: type[Row], schema: str, agencies: Collection[UUID]
) -> Digests:
    """What the rows of a table come to, agency by agency; an agency without rows is absent."""
    rows = connection.execute(
        "SELECT agency, count(*), coalesce(sum(hash_record_extended(t, 0)), 0)::numeric"
        f" FROM {table_of(kind, schema).name} t WHERE agency = ANY(%s) GROUP BY agency",
        [list(agencies)],
    ).fetchall()
    return {agency: (count, int(total)) for agency, count, total in rows}


def difference(
    serving: Connection[Any],
    folded: Connection[Any],
    projection: str,
    kind: type[Row],
    schemas: tuple[str, str],
    agency: UUID,
) -> Difference:
    """Which rows differ. The two connections may see the database at different moments."""
    ours = _Rows(serving, table_of(kind, schemas[0]), agency)
    theirs = _Rows(folded, table_of(kind, schemas[1]), agency)
    keys: list[str] = []
    differing = 0
    for key in _differing(iter(ours), iter(theirs)):
        differing += 1
        if len(keys) < FIRST_KEYS:
            keys.append(", ".join(key))
    return Difference(
        projection, kind.table, agency, ours.count, theirs.count, differing, tuple(keys)
    )


class _Hashed(NamedTuple):
    """A row by its key, as text in the order of its bytes, and its hash."""

    key: tuple[str, ...]
    hash: int


class _Rows:
    """The rows of a table in the order of their keys, a few at a time, and how many they were."""

    def __init__(self, connection: Connection[Any], table: Table, agency: UUID) -> None:
        self._connection, self._table, self._agency = connection, table, agency
        self.count = 0

    def __iter__(self) -> Iterator[_Hashed]:
        keys = [f'"{f.name}"::text COLLATE "C"' for f in self._table.key]
        statement = (
            f"SELECT {', '.join(keys)}, hash_record_extended(t, 0) FROM {self._table.name} t"
            f" WHERE agency = %s ORDER BY {', '.join(keys)}"
        )
        with (
            self._connection.transaction(),
            self._connection.cursor(name="differing") as cursor,
        ):
            cursor.itersize = FETCHED_ROWS
            for *key, found in cursor.execute(statement, [self._agency]):
                self.count += 1
                yield _Hashed(tuple(key), found)


def _differing(ours: Iterator[_Hashed], theirs: Iterator[_Hashed]) -> Iterator[Sequence[str]]:
    """The keys that only one has, or under which the two have not the same."""
    one, other = next(ours, None), next(theirs, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one.key < other.key):
            assert one is not None
            yield one.key
            one = next(ours, None)
        elif one is None or other.key < one.key:
            yield other.key
            other = next(theirs, None)
        else:
            if one.hash != other.hash:
                yield one.key
            one, other = next(ours, None), next(theirs, None)
