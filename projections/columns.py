"""How the fields of rows become columns: SQL types from annotations, packed in bulk."""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from operator import attrgetter, methodcaller
from struct import Struct
from typing import Any, Union, get_args, get_origin
from uuid import UUID

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

from domain.period import Period
from journal import EPOCH
from journal.columns import Bigints, Column, Dates, Instants, Integers, Texts, Uuids

_MICROSECOND = timedelta(microseconds=1)


class Bools(Column):
    """boolean[] from truth values; None is NULL."""

    __slots__ = ()
    array_oid, element_oid = 1000, 16

    @classmethod
    def of(cls, values: Sequence[bool | None]) -> Column:
        null, yes, no = Struct(">i").pack(-1), b"\0\0\0\1\1", b"\0\0\0\1\0"
        return cls._of([null if v is None else yes if v else no for v in values], len(values))


def _register(kind: type[Column]) -> None:
    """Let psycopg send columns as the arrays that they already are."""

    class Packed(Dumper):
        format = Format.BINARY
        oid = kind.array_oid

        def dump(self, obj: Any) -> bytes:
            return bytes(obj)

    psycopg.adapters.register_dumper(kind, Packed)


for _kind in (Bigints, Bools, Dates, Instants, Integers, Texts, Uuids):
    _register(_kind)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a row class as a column."""

    name: str
    sql_type: str
    nullable: bool
    array_type: str
    """The type of the packed column of many values."""
    cast: str
    """What turns an element of it into a value of the column, if it is not one."""
    pack: Callable[[Sequence[Any]], Column]
    load: Callable[[Any], Any] | None
    """What turns the value that psycopg reads into that of the row, if it is not."""
    wire: Callable[[Any], bytes]
    """One value, with its length before it, as COPY BINARY takes it."""


def microseconds(instant: datetime) -> int:
    """Since 1970 UTC."""
    return (instant - EPOCH) // _MICROSECOND


_EIGHT, _FOUR, _LENGTH = Struct(">iq").pack, Struct(">ii").pack, Struct(">i").pack
_PG_EPOCH_US = 946_684_800_000_000
_PG_EPOCH_DAY = date(2000, 1, 1).toordinal()
NULL = _LENGTH(-1)


def _text(value: Any) -> bytes:
    encoded = str(value).encode()
    return _LENGTH(len(encoded)) + encoded


@dataclass(frozen=True, slots=True)
class _Scalar:
    sql_type: str
    column: type[Any]
    dump: Callable[[Any], Any] | None = None
    load: Callable[[Any], Any] | None = None
    write: Callable[[Any], str] = str
    """As an element of an array's text."""
    wire: Callable[[Any], bytes] = _text


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_SCALARS: dict[type, _Scalar] = {
    UUID: _Scalar("uuid", Uuids, attrgetter("bytes"), wire=lambda v: b"\0\0\0\x10" + v.bytes),
    bool: _Scalar("bool", Bools, wire=lambda v: b"\0\0\0\1\1" if v else b"\0\0\0\1\0"),
    int: _Scalar("bigint", Bigints, wire=lambda v: _EIGHT(8, v)),
    str: _Scalar("text", Texts, str.encode, write=_quoted),
    datetime: _Scalar(
        "timestamptz",
        Instants,
        microseconds,
        wire=lambda v: _EIGHT(8, microseconds(v) - _PG_EPOCH_US),
    ),
    date: _Scalar(
        "date",
        Dates,
        methodcaller("toordinal"),
        wire=lambda v: _FOUR(4, v.toordinal() - _PG_EPOCH_DAY),
    ),
    Period: _Scalar("text", Texts, lambda period: str(period).encode(), Period.parse),
}


def field(name: str, annotation: Any) -> Field:
    """The column of a field. Raises TypeError for a type that no column holds."""
    nullable = False
    if get_origin(annotation) in (Union, types.UnionType):
        options = [option for option in get_args(annotation) if option is not type(None)]
        nullable = len(options) < len(get_args(annotation))
        if len(options) != 1:
            raise TypeError(f"{name}: no column holds {annotation}")
        annotation = options[0]
    origin = get_origin(annotation)
    if annotation in (dict, list) or origin in (dict, list):
        return Field(
            name, "jsonb", nullable, "text[]", "::jsonb", _packer(Texts, _json), None, _jsonb
        )
    if origin is tuple and len(get_args(annotation)) == 2 and get_args(annotation)[1] is ...:
        item = _scalar(name, get_args(annotation)[0])
        write, load = item.write, item.load
        return Field(
            name, f"{item.sql_type}[]", nullable, "text[]", f"::{item.sql_type}[]",
            _packer(Texts, lambda items: f"{{{','.join(map(write, items))}}}".encode()),
            tuple if load is None else lambda found: tuple(map(load, found)), _array(item),
        )  # fmt: skip
    scalar = _scalar(name, annotation)
    pack = _packer(scalar.column, scalar.dump)
    kind = f"{scalar.sql_type}[]"
    return Field(name, scalar.sql_type, nullable, kind, "", pack, scalar.load, scalar.wire)


def _scalar(name: str, annotation: Any) -> _Scalar:
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return _Scalar("text", Texts, str.encode, annotation, write=_quoted)
    if annotation not in _SCALARS:
        raise TypeError(f"{name}: no column holds {annotation}")
    return _SCALARS[annotation]


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _jsonb(value: Any) -> bytes:
    encoded = _json(value)
    return _LENGTH(len(encoded) + 1) + b"\1" + encoded


def _array(item: _Scalar) -> Callable[[Any], bytes]:
    pack = _packer(item.column, item.dump)

    def wire(items: Any) -> bytes:
        packed = bytes(pack(items))
        return _LENGTH(len(packed)) + packed

    return wire


def _packer(
    column: type[Any], dump: Callable[[Any], Any] | None
) -> Callable[[Sequence[Any]], Column]:
    of: Callable[[Sequence[Any]], Column] = column.of
    if dump is None:
        return of
    return lambda values: of([None if value is None else dump(value) for value in values])
