"""How rows are stored: tables made from row classes, read and written in bulk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar, get_type_hints

from psycopg import Connection, Cursor

from journal.columns import Uuids
from projections import Key, Row
from projections.columns import Field, field

R = TypeVar("R", bound=Row)

LIVE = "read"
"""The schema that queries read; a rebuild writes the same tables into another one."""


class Written(NamedTuple):
    """The rows of one kind that a batch changes, each with its agency's bytes."""

    added: list[tuple[bytes, Row]]
    put: list[tuple[bytes, Row]]
    deleted: list[tuple[bytes, Key]]


class Table:
    """A row class as a table of one schema, with its statements."""

    def __init__(self, kind: type[Row], schema: str) -> None:
        hints = get_type_hints(kind)
        self.kind = kind
        self.name = f"{schema}.{kind.table}"
        self.fields: list[Field] = [
            field(column.name, hints[column.name])
            for column in fields(kind)  # type: ignore[arg-type]
        ]
        self.columns = ", ".join(f't."{f.name}"' for f in self.fields)
        self._values = attrgetter(*(f.name for f in self.fields))
        self._loads = [(i, f.load) for i, f in enumerate(self.fields) if f.load is not None]
        by_name = {f.name: f for f in self.fields}
        self.key = [by_name[name] for name in kind.key]
        others = [f for f in self.fields if f.name not in kind.key]
        self.insert = (
            f"INSERT INTO {self.name} (agency, {self._names(self.fields)}) SELECT agency, "
            + ", ".join(f'"{f.name}"{f.cast}' for f in self.fields)
            + f" FROM {self._unnest(self.fields)}"
        )
        changes = ", ".join(f'"{f.name}" = excluded."{f.name}"' for f in others)
        self.upsert = f"{self.insert} ON CONFLICT (agency, {self._names(self.key)}) DO " + (
            f"UPDATE SET {changes}" if changes else "NOTHING"
        )
        self.delete = (
            f"DELETE FROM {self.name} t USING {self._unnest(self.key)}"
            f" WHERE {self._match(self.key)}"
        )

    def definition(self) -> str:
        return f"({self.bare_columns()}, {self.primary_key()})"

    def bare_columns(self) -> str:
        """The columns as they are declared, without the key."""
        columns = [
            f'"{f.name}" {f.sql_type}{"" if f.nullable else " NOT NULL"}' for f in self.fields
        ]
        return f"agency uuid NOT NULL, {', '.join(columns)}"

    def primary_key(self) -> str:
        return f"PRIMARY KEY (agency, {self._names(self.key)})"

    def indexes(self) -> dict[str, str]:
        """The declared indexes by name; the name follows from the definition."""
        return {
            f"{self.kind.table}_{hashlib.sha256(text.encode()).hexdigest()[:8]}": text
            for text in self.kind.indexes
        }

    def row(self, values: Sequence[Any]) -> Any:
        """A row from the values of its columns, as selected by `columns`."""
        if self._loads:
            loaded = list(values)
            for i, load in self._loads:
                if loaded[i] is not None:
                    loaded[i] = load(loaded[i])
            values = loaded
        return self.kind(*values)

    def fetch(self, length: int) -> str:
        """Selects the rows under keys, or beginnings of keys, of this length."""
        # A lateral subquery that cannot be pulled up is one index scan for each key, however
        # little the planner knows of a table that was filled a moment ago.
        key = self.key[:length]
        return (
            f"SELECT t.* FROM {self._unnest(key)} CROSS JOIN LATERAL (SELECT t.agency,"
            f" {self.columns} FROM {self.name} t WHERE {self._match(key)} OFFSET 0) t"
        )

    def key_parameters(self, keys: Sequence[tuple[bytes, Key]], length: int) -> list[Any]:
        parts = zip(*(key for _, key in keys), strict=True)
        packed = [f.pack(values) for f, values in zip(self.key[:length], parts, strict=True)]
        return [Uuids.of([agency for agency, _ in keys]), *packed]

    def row_parameters(self, rows: Sequence[tuple[bytes, Row]]) -> list[Any]:
        if len(self.fields) == 1:
            packed = [self.fields[0].pack([self._values(row) for _, row in rows])]
        else:
            values = zip(*(self._values(row) for _, row in rows), strict=True)
            packed = [f.pack(column) for f, column in zip(self.fields, values, strict=True)]
        return [Uuids.of([agency for agency, _ in rows]), *packed]

    def write(self, cursor: Cursor[Any], written: Written) -> None:
        """Send the statements that make the changes; new rows first, then over, then gone."""
        if written.added:
            cursor.execute(self.insert, self.row_parameters(written.added))
        if written.put:
            cursor.execute(self.upsert, self.row_parameters(written.put))
        if written.deleted:
            cursor.execute(self.delete, self.key_parameters(written.deleted, len(self.key)))

    def _names(self, some: Iterable[Field]) -> str:
        return ", ".join(f'"{f.name}"' for f in some)

    def _unnest(self, some: Sequence[Field]) -> str:
        arrays = ", ".join(f"%s::{f.array_type}" for f in some)
        return f"unnest(%s::uuid[], {arrays}) AS n(agency, {self._names(some)})"

    def _match(self, key: Sequence[Field]) -> str:
        same = [f't."{f.name}" = n."{f.name}"' for f in key]
        return " AND ".join(["t.agency = n.agency", *same])


_tables: dict[tuple[str, type[Row]], Table] = {}


def table_of(kind: type[Row], schema: str = LIVE) -> Table:
    """The table of a row class; made up once."""
    table = _tables.get((schema, kind))
    if table is None:
        table = _tables[schema, kind] = Table(kind, schema)
    return table


def find(
    connection: Connection[Any], kind: type[R], where: str, parameters: Sequence[Any]
) -> list[R]:
    """The rows that a condition selects: `find(connection, LeaseRow, "agency = %s", [agency])`.

    The condition may go on with ORDER BY and LIMIT.
    """
    table = table_of(kind)
    statement = f"SELECT {table.columns} FROM {table.name} t WHERE {where}"
    return [
        table.row(values)
        for values in connection.execute(statement, parameters, binary=True).fetchall()
    ]


def declared(connection: Connection[Any], table: Table) -> str | None:
    """The declaration that a stored table was made from; None if there is no table."""
    found = connection.execute(
        "SELECT to_regclass(%s), obj_description(to_regclass(%s), 'pg_class')",
        [table.name, table.name],
    ).fetchone()
    assert found is not None
    return None if found[0] is None else found[1] or ""


def make_table(
    connection: Connection[Any], table: Table, columns: str, *, unlogged: bool = False
) -> None:
    """Make an empty table; its comment holds the declaration that it was made from."""
    how = "UNLOGGED " if unlogged else ""
    connection.execute(f"CREATE {how}TABLE {table.name} {columns}")
    quoted = table.definition().replace("'", "''")
    connection.execute(f"COMMENT ON TABLE {table.name} IS '{quoted}'")


def make_indexes(connection: Connection[Any], table: Table) -> None:
    """Make the declared indexes that are missing."""
    for name, definition in table.indexes().items():
        connection.execute(f'CREATE INDEX IF NOT EXISTS "{name}" ON {table.name} {definition}')
