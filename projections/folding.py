"""A stretch of one log, folded by one projection: fetch what it touches, fold, write back.

The same steps serve live reading, catching up and a rebuild into another schema.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from traceback import extract_tb
from typing import Any
from uuid import UUID

from psycopg import Connection, Cursor

from journal import Recorded
from projections import Key, Projection, Row, Rows
from projections.tables import LIVE, Written, table_of


@dataclass(slots=True)
class Stretch:
    """Entries of one agency in order, for one projection that stands at `after`."""

    projection: Projection
    agency: UUID
    after: int
    entries: Sequence[Recorded]
    error: str | None = None
    """Why the projection stops behind the last of these entries, if it does."""
    trace: str | None = None
    """Where in the program that came from."""
    generation: int = 1
    """Of the rows that were fetched; who meets another one is fenced."""
    rows: Rows = field(default_factory=Rows)
    found: list[tuple[type[Row], Key, list[Row]]] = field(default_factory=list)
    """What was stored before the fold."""

    @property
    def end(self) -> int:
        """Where the projection stands once these entries are folded."""
        return self.entries[-1].position if self.entries else self.after

    def stop_before(self, entry: Recorded, poison: Exception) -> None:
        """Keep the entries before the one that cannot be folded, and say why."""
        self.error = reason(poison, entry.position, entry.name)
        self.trace = trace_of(poison)
        self.entries = [e for e in self.entries if e.position < entry.position]


def reason(poison: Exception, position: int, name: str) -> str:
    """What went wrong and where, without the exception's words: they may hold personal data."""
    steps = extract_tb(poison.__traceback__)
    where = f" in {Path(steps[-1].filename).name}:{steps[-1].lineno}" if steps else ""
    return f"{type(poison).__name__}{where} at position {position} ({name})"


def trace_of(poison: BaseException) -> str:
    """The places on the way to an error, without values: they may hold personal data."""
    return "\n".join(
        f"{'/'.join(Path(step.filename).parts[-2:])}:{step.lineno} {step.name}"
        for step in extract_tb(poison.__traceback__)
    )


def fetch(connection: Connection[Any], stretches: Iterable[Stretch], schema: str = LIVE) -> None:
    """Bring the stored rows that the stretches touch, all in one round trip."""
    wanted = _wanted(stretches)
    if not wanted:
        return
    asked = []
    with connection.pipeline():
        for (kind, length), keys in wanted.items():
            table = table_of(kind, schema)
            cursor = connection.cursor(binary=True)
            cursor.execute(table.fetch(length), table.key_parameters(list(keys), length))
            asked.append((table, length, keys, cursor))
    for table, length, keys, cursor in asked:
        found: dict[tuple[bytes, Key], list[Row]] = defaultdict(list)
        for agency, *values in cursor.fetchall():
            row = table.row(values)
            found[agency.bytes, row.key_of(row)[:length]].append(row)
        for key, stretch in keys.items():
            stretch.found.append((table.kind, key[1], found.get(key, [])))


def _wanted(
    stretches: Iterable[Stretch],
) -> dict[tuple[type[Row], int], dict[tuple[bytes, Key], Stretch]]:
    """Touched keys by row class and length; a table belongs to one projection."""
    wanted: dict[tuple[type[Row], int], dict[tuple[bytes, Key], Stretch]] = defaultdict(dict)
    for stretch in stretches:
        agency, touches = stretch.agency.bytes, stretch.projection.touches
        stretch.found = []
        for entry in stretch.projection.concerns(stretch.entries):
            try:
                for kind, key in touches(entry):
                    wanted[kind, len(key)][agency, key] = stretch
            except Exception as poison:
                stretch.stop_before(entry, poison)
                break
    return wanted


def fold(stretch: Stretch) -> None:
    """Fold the entries into rows; an entry that cannot be folded ends the stretch before it."""
    rows = stretch.rows = _stored(stretch)
    fold_one = stretch.projection.fold
    concerns = stretch.projection.concerns
    for entry in concerns(stretch.entries):
        try:
            fold_one(rows, entry)
        except Exception as poison:
            stretch.stop_before(entry, poison)
            break
    else:
        return
    # The entry at fault may have changed some rows before it failed: fold the others again.
    rows = stretch.rows = _stored(stretch)
    for entry in concerns(stretch.entries):
        fold_one(rows, entry)


def _stored(stretch: Stretch) -> Rows:
    rows = Rows()
    for kind, key, found in stretch.found:
        rows.admit(kind, key, found)
    return rows


def write(cursor: Cursor[Any], stretches: Iterable[Stretch], schema: str = LIVE) -> None:
    """Write the changes of all stretches, with at most three statements for each table."""
    by_kind: dict[type[Row], Written] = defaultdict(lambda: Written([], [], []))
    for stretch in stretches:
        agency = stretch.agency.bytes
        for kind, added in stretch.rows.added.items():
            by_kind[kind].added.extend([(agency, row) for row in added])
        for kind, changed in stretch.rows.changed.items():
            written = by_kind[kind]
            for key, row in changed.items():
                if row is None:
                    written.deleted.append((agency, key))
                else:
                    written.put.append((agency, row))
    for kind, written in by_kind.items():
        table_of(kind, schema).write(cursor, written)
