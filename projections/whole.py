"""A log folded from its first entry, with nothing to fetch: all rows in memory, copied out at once.

What does not fit is written down as far as it has come; the rest is folded like news, stretch by
stretch, on top of it. Rows that are only appended never stay in memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from struct import Struct
from typing import Any, TypeVar, cast
from uuid import UUID

from psycopg import Connection

from journal import Recorded
from journal.journal import Journal
from projections import AlreadyThere, Key, NotTouched, Projection, Row, Rows
from projections.columns import NULL
from projections.folding import reason, trace_of
from projections.tables import Table, table_of

R = TypeVar("R", bound=Row)

READ_ENTRIES = 5_000
COPY_ROWS = 20_000
ROW_BYTES, FIELD_BYTES = 420, 70
"""What a row takes in memory with its key and its place in a dictionary, as measured."""

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_COUNT = Struct(">h").pack


class Poisoned(Exception):
    """An entry that cannot be read or folded stops a rebuild, loudly."""

    def __init__(self, projection: str, agency: UUID, told: str, trace: str = "") -> None:
        super().__init__(projection, agency, told, trace)
        self.projection, self.agency, self.told, self.trace = projection, agency, told, trace

    def __str__(self) -> str:
        return f"{self.projection}, {self.agency}: {self.told}"


class Whole(Rows):
    """All rows of one agency since its first entry."""

    def __init__(self) -> None:
        super().__init__(whole=True)
        self.appended: dict[type[Row], list[Row]] = defaultdict(list)
        self._by_prefix: dict[tuple[type[Row], int], dict[Key, dict[Key, None]]] = {}

    def get(self, kind: type[R], *key: Any) -> R | None:
        if kind.appended:
            raise NotTouched(f"{kind.__name__} is only appended")
        return cast("R | None", self._known[kind].get(key))

    def under(self, kind: type[R], *prefix: Any) -> list[R]:
        if kind.appended:
            raise NotTouched(f"{kind.__name__} is only appended")
        known, length = self._known[kind], len(prefix)
        index = self._by_prefix.get((kind, length))
        if index is None:
            index = self._by_prefix[kind, length] = defaultdict(dict)
            for key in known:
                index[key[:length]][key] = None
        return [cast("R", known[key]) for key in sorted(index.get(prefix, ()))]

    def put(self, row: Row) -> None:
        kind = type(row)
        if kind.appended:
            raise NotTouched(f"{kind.__name__} is only appended")
        key = kind.key_of(row)
        self._known[kind][key] = row
        if self._by_prefix:
            self._index(kind, key)

    def add(self, row: Row) -> None:
        kind = type(row)
        if kind.appended:
            self.appended[kind].append(row)
            return
        key = kind.key_of(row)
        if key in self._known[kind]:
            raise AlreadyThere(f"{kind.__name__} {key}")
        self._known[kind][key] = row
        if self._by_prefix:
            self._index(kind, key)

    def delete(self, kind: type[Row], *key: Any) -> None:
        self._known[kind].pop(key, None)
        for (indexed, length), index in self._by_prefix.items():
            if indexed is kind:
                index[key[:length]].pop(key, None)

    def all(self, kind: type[R]) -> list[R]:
        return cast(
            "list[R]", self.appended[kind] if kind.appended else [*self._known[kind].values()]
        )

    def bytes_held(self) -> int:
        """An estimate of the memory that the rows take."""
        return sum(
            len(known) * (ROW_BYTES + FIELD_BYTES * len(kind.columns().split()))
            for kind, known in self._known.items()
        )

    def _index(self, kind: type[Row], key: Key) -> None:
        for (indexed, length), index in self._by_prefix.items():
            if indexed is kind:
                index[key[:length]][key] = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a fold may take."""

    memory_bytes: int
    on_folded: Callable[[int], None] = lambda _entries: None
    """Hears how many entries were read more."""


def fold_whole(
    connection: Connection[Any],
    journal: Journal,
    projections: Sequence[Projection],
    agency: UUID,
    upto: int,
    schema: str,
    bounds: Bounds,
) -> int:
    """Fold an agency's log from its first entry into empty tables; where it has come to.

    All in one transaction, with the positions: it is there or not. Stops before `upto` when the
    memory is used up. Raises Poisoned.
    """
    kept = [(projection, Whole()) for projection in projections]
    with connection.transaction():
        after, last = 0, None
        while after < upto:
            entries = _read(connection, journal, projections[0].name, agency, after, upto)
            for projection, rows in kept:
                fold_strictly(projection, rows, agency, entries)
                for kind in rows.appended:
                    _copy_out(connection, table_of(kind, schema), agency, rows.appended[kind])
                rows.appended.clear()
            after, last = entries[-1].position, entries[-1]
            bounds.on_folded(len(entries))
            if sum(rows.bytes_held() for _, rows in kept) > bounds.memory_bytes:
                break
        for projection, rows in kept:
            for kind in projection.rows:
                if not kind.appended:
                    _copy_out(connection, table_of(kind, schema), agency, rows.all(kind))
        if last is not None:
            _moved(connection, projections, last, schema)
    return after


def fold_strictly(
    projection: Projection, rows: Rows, agency: UUID, entries: Iterable[Recorded]
) -> None:
    """Fold entries; the first that cannot be folded is told with its place in the program."""
    fold_one = projection.fold
    for entry in projection.concerns(entries):
        try:
            fold_one(rows, entry)
        except Exception as poison:
            told = reason(poison, entry.position, entry.name)
            raise Poisoned(projection.name, agency, told, trace_of(poison)) from None


_READ = """
SELECT position, stream, version, name, schema_version, event_id, recorded_at, effective_on,
    actor, on_behalf_of, command_id, correlation_id, causation_id, subjects, state
FROM events WHERE agency = %s AND position > %s AND position <= %s ORDER BY position LIMIT %s
"""


def _read(
    connection: Connection[Any], journal: Journal, name: str, agency: UUID, after: int, upto: int
) -> Sequence[Recorded]:
    """The next entries, without a gap; the name is of whom to blame for one."""
    rows = connection.execute(
        _READ, [agency, after, upto, READ_ENTRIES], binary=True, prepare=True
    ).fetchall()
    try:
        entries = journal.recorded(agency, rows)
    except Exception:
        _find(journal, name, agency, rows)
        raise
    if not entries or entries[-1].position != after + len(entries):
        there = {entry.position for entry in entries}
        hole = next(p for p in range(after + 1, upto + 1) if p not in there)
        raise Poisoned(name, agency, f"Gap at position {hole}")
    return entries


def _find(journal: Journal, name: str, agency: UUID, rows: Iterable[Sequence[Any]]) -> None:
    """Say which of some entries cannot be read."""
    for row in rows:
        try:
            journal.recorded(agency, [row])
        except Exception as poison:
            told = reason(poison, row[0], row[3])
            raise Poisoned(name, agency, told, trace_of(poison)) from None


def _copy_out(connection: Connection[Any], table: Table, agency: UUID, rows: Sequence[Row]) -> None:
    """Append rows to a table, in PostgreSQL's own binary format."""
    if not rows:
        return
    columns = ", ".join(f'"{f.name}"' for f in table.fields)
    statement = f"COPY {table.name} (agency, {columns}) FROM STDIN (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(_HEADER)
        for first in range(0, len(rows), COPY_ROWS):
            copy.write(packed(table, agency, rows[first : first + COPY_ROWS]))
        copy.write(_TRAILER)


def packed(table: Table, agency: UUID, rows: Sequence[Row]) -> bytes:
    """Rows as COPY BINARY takes them, packed a column at a time."""
    begin = _COUNT(len(table.fields) + 1) + b"\0\0\0\x10" + agency.bytes
    columns: list[list[bytes]] = [[begin] * len(rows)]
    for f in table.fields:
        wire, values = f.wire, map(attrgetter(f.name), rows)
        if f.nullable:
            columns.append([NULL if value is None else wire(value) for value in values])
        else:
            columns.append([wire(value) for value in values])
    return b"".join([cell for row in zip(*columns, strict=True) for cell in row])


def _moved(
    connection: Connection[Any], projections: Iterable[Projection], last: Recorded, schema: str
) -> None:
    """Say where the projections have come to, unless somebody else has written there."""
    names = [projection.name for projection in projections]
    moved = connection.execute(
        f"UPDATE {schema}.positions SET position = %s, as_of = %s"
        " WHERE agency = %s AND projection = ANY(%s) AND position = 0",
        [last.position, last.recorded_at, last.agency, names],
    )
    if moved.rowcount != len(names):
        raise AlreadyThere(f"{schema} positions of {last.agency}")
