"""Columns of values as PostgreSQL's binary arrays, packed by hand.

One statement carries a whole batch, so its arrays are packed for every commit. psycopg's list
dumper looks at each element's type; these columns know theirs, and pack some ten times faster.
Each class is one array type; its content is the array's wire format (PostgreSQL, array_send).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from struct import Struct

_HEAD = Struct(">iiIii")
_LENGTH = Struct(">i")
_NULL = _LENGTH.pack(-1)
_PG_EPOCH_US = 946_684_800_000_000
_PG_EPOCH_DAY = date(2000, 1, 1).toordinal()


class Column(bytes):
    """The wire format of a one-dimensional array, whose element type the subclass names."""

    __slots__ = ()
    array_oid = 0
    element_oid = 0

    @classmethod
    def _of(cls, parts: list[bytes], count: int) -> Column:
        return cls(_HEAD.pack(1, 1, cls.element_oid, count, 1) + b"".join(parts))


class Uuids(Column):
    """uuid[] from 16 bytes each; None is NULL."""

    __slots__ = ()
    array_oid, element_oid = 2951, 2950

    @classmethod
    def of(cls, values: Sequence[bytes | None]) -> Column:
        sixteen = _LENGTH.pack(16)
        return cls._of([_NULL if v is None else sixteen + v for v in values], len(values))


class Byteas(Column):
    """bytea[] from bytes."""

    __slots__ = ()
    array_oid, element_oid = 1001, 17

    @classmethod
    def of(cls, values: Sequence[bytes | None]) -> Column:
        size = _LENGTH.pack
        return cls._of([_NULL if v is None else size(len(v)) + v for v in values], len(values))


class Texts(Byteas):
    """text[] from UTF-8 bytes; None is NULL."""

    __slots__ = ()
    array_oid, element_oid = 1009, 25


class _Fixed(Column):
    __slots__ = ()
    size = 8

    @classmethod
    def of(cls, values: Sequence[int | None]) -> Column:
        item = Struct(">iq" if cls.size == 8 else ">ii").pack
        size = cls.size
        return cls._of([_NULL if v is None else item(size, v) for v in values], len(values))


class Bigints(_Fixed):
    """bigint[] from integers."""

    __slots__ = ()
    array_oid, element_oid = 1016, 20


class Integers(_Fixed):
    """integer[] from integers."""

    __slots__ = ()
    array_oid, element_oid, size = 1007, 23, 4


class Instants(_Fixed):
    """timestamptz[] from microseconds since 1970 UTC."""

    __slots__ = ()
    array_oid, element_oid = 1185, 1184

    @classmethod
    def of(cls, values: Sequence[int | None]) -> Column:
        return super().of([None if v is None else v - _PG_EPOCH_US for v in values])


class Dates(_Fixed):
    """date[] from proleptic ordinals (`date.toordinal()`)."""

    __slots__ = ()
    array_oid, element_oid, size = 1182, 1082, 4

    @classmethod
    def of(cls, values: Sequence[int | None]) -> Column:
        return super().of([None if v is None else v - _PG_EPOCH_DAY for v in values])
