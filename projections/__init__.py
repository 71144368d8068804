"""What can be known: one question per file, each a pure fold of the journal into rows.

A projection says which rows an entry touches, and how the entry changes them. It never refuses,
reads no clock, and copies sealed values without computing on them: so a rebuild ends with the
same rows. The engine fetches what is touched, folds a batch in memory and writes it back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from domain import Event
from journal import Recorded

if TYPE_CHECKING:
    from projections.in_sql import InSql

Key = tuple[Any, ...]
R = TypeVar("R", bound="Row")


class Row:
    """One row of a read model. Subclasses are frozen dataclasses with slots; fields are columns.

        @dataclass(frozen=True, slots=True)
        class LeaseRow(Row):
            table: ClassVar = "leases"
            key: ClassVar = ("lease_id",)
            indexes: ClassVar = ("(agency, reference)",)

            lease_id: UUID
            reference: str
            ends_on: date | None = None

    The table is `read.leases`; the agency is its first column and the first part of its key.
    """

    __slots__ = ()

    table: ClassVar[str]
    key: ClassVar[tuple[str, ...]]
    appended: ClassVar[bool] = False
    """Whether rows are only ever added: no fold looks at them again."""
    indexes: ClassVar[tuple[str, ...]] = ()
    """What follows `CREATE INDEX … ON read.leases`, for each index beside the key."""
    key_of: ClassVar[Any]

    def __init_subclass__(cls) -> None:
        get = attrgetter(*cls.key)
        cls.key_of = staticmethod(get if len(cls.key) > 1 else lambda row: (get(row),))

    @classmethod
    def columns(cls) -> str:
        """The fields as a list of columns, in their order."""
        return ", ".join(field.name for field in fields(cls))  # type: ignore[arg-type]


class NotTouched(Exception):
    """A fold looks at a row that its projection did not name in `touches`."""


class AlreadyThere(Exception):
    """A fold adds a row under a key that has one; the database would refuse it as well."""


class Rows:
    """What one projection knows of one agency while it folds: fetched rows and its changes.

    `whole` says that nothing exists but what is here, so that every row may be looked at.
    """

    def __init__(self, *, whole: bool = False) -> None:
        self.whole = whole
        self.changed: dict[type[Row], dict[Key, Row | None]] = defaultdict(dict)
        """Rows to write over what is stored; None to delete."""
        self.added: dict[type[Row], list[Row]] = defaultdict(list)
        """Rows that are new."""
        self._known: dict[type[Row], dict[Key, Row | None]] = defaultdict(dict)
        self._under: dict[type[Row], dict[int, dict[Key, dict[Key, None]]]] = {}

    def get(self, kind: type[R], *key: Any) -> R | None:
        """The row under a key that was touched, or None if there is none."""
        known = self._known[kind]
        if key not in known and not self.whole and not self._within(kind, key):
            raise NotTouched(f"{kind.__name__} {key}")
        return cast("R | None", known.get(key))

    def under(self, kind: type[R], *prefix: Any) -> list[R]:
        """The rows whose key begins with a prefix that was touched, in the order of their keys."""
        by_prefix = self._under.get(kind, {}).get(len(prefix), {})
        if prefix in by_prefix:
            known = self._known[kind]
            found = (known[key] for key in sorted(by_prefix[prefix]))
            return [cast("R", row) for row in found if row is not None]
        if not self.whole:
            raise NotTouched(f"{kind.__name__} {prefix}…")
        return [row for row in self.all(kind) if kind.key_of(row)[: len(prefix)] == prefix]

    def put(self, row: Row) -> None:
        """Write a row, over the one under its key if there is one."""
        kind, key = type(row), row.key_of(row)
        self.changed[kind][key] = row
        self._learn(kind, key, row)

    def delete(self, kind: type[Row], *key: Any) -> None:
        """Remove the row under this key, if there is one."""
        self.changed[kind][key] = None
        self._learn(kind, key, None)

    def add(self, row: Row) -> None:
        """Append a row under a key that is not there; cheaper than `put`, and needs no touch."""
        kind, key = type(row), row.key_of(row)
        if key in self._known[kind]:
            if self._known[kind][key] is not None:
                raise AlreadyThere(f"{kind.__name__} {key}")
            self.put(row)
            return
        self.added[kind].append(row)
        if self.whole or kind in self._under:
            self._learn(kind, key, row)

    def all(self, kind: type[R]) -> list[R]:
        """Every row that is here, in the order of their keys."""
        return [cast("R", row) for _, row in sorted(self._known[kind].items()) if row is not None]

    def found(self, kind: type[R], key: Key) -> list[R]:
        """The rows under a key, or under the beginning of one."""
        if len(key) < len(kind.key):
            return self.under(kind, *key)
        row = self.get(kind, *key)
        return [] if row is None else [row]

    def admit(self, kind: type[Row], key: Key, found: Iterable[Row]) -> None:
        """Take in what is stored under a touched key, or under the beginning of one."""
        known = self._known[kind]
        if len(key) == len(kind.key):
            known[key] = next(iter(found), None)
            return
        by_prefix = self._under.setdefault(kind, {}).setdefault(len(key), {})
        by_prefix[key] = {}
        for row in found:
            by_prefix[key][row.key_of(row)] = None
            known[row.key_of(row)] = row

    def _learn(self, kind: type[Row], key: Key, row: Row | None) -> None:
        self._known[kind][key] = row
        for length, by_prefix in self._under.get(kind, {}).items():
            if key[:length] in by_prefix:
                by_prefix[key[:length]][key] = None

    def _within(self, kind: type[Row], key: Key) -> bool:
        """Whether all rows around this key were fetched, so that it is known to be absent."""
        return any(key[:n] in by_prefix for n, by_prefix in self._under.get(kind, {}).items())


class Projection:
    """One question. `version` counts the ways of answering it: a new one folds everything anew."""

    name: ClassVar[str]
    version: ClassVar[int] = 1
    rows: ClassVar[tuple[type[Row], ...]]
    reads: ClassVar[tuple[type[Event], ...] | None] = None
    """The only events that `touches` and `fold` look at; None for all."""
    in_sql: ClassVar[InSql | None] = None
    """The same fold for whole logs in one statement, where that is worth a second telling."""

    def concerns(self, entries: Iterable[Recorded]) -> list[Recorded]:
        """Those of some entries that it looks at."""
        reads = self.reads
        if reads is None:
            return list(entries)
        return [entry for entry in entries if type(entry.event) in reads]

    def touches(self, entry: Recorded) -> Iterable[tuple[type[Row], Key]]:
        """The rows that folding this entry looks at, or the beginnings of their keys.

        A beginning `(LeaseRow, (tenant_id,))` touches all rows under it; see `Rows.under`. What
        is only put, added or deleted needs no mention.
        """
        return ()

    def fold(self, rows: Rows, entry: Recorded) -> None:
        """Change the rows by what has happened; entries of no interest change nothing."""
        raise NotImplementedError


def projected(projection: Projection, entries: Iterable[Recorded]) -> Rows:
    """All rows that the entries of one agency lead to, without a database.

    As strict as the engine: each fold sees only the rows that its own entry touches.
    """
    kept = Rows(whole=True)
    for entry in projection.concerns(entries):
        rows = Rows()
        for kind, key in projection.touches(entry):
            rows.admit(kind, key, kept.found(kind, key))
        projection.fold(rows, entry)
        for added in rows.added.values():
            for row in added:
                kept.add(row)
        for kind, changed in rows.changed.items():
            for key, changed_row in changed.items():
                kept.delete(kind, *key) if changed_row is None else kept.put(changed_row)
    return kept
