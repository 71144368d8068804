"""What no field may hold, whatever its type allows: values that the engines below cannot keep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import NamedTuple

from pydantic import BaseModel

FIRST_YEAR = 1900
LAST_YEAR = 2199
"""Far from the ends of the calendar, so that a month or a time zone more stays inside it."""
BIGGEST = 2**63 - 1
"""What PostgreSQL's bigint holds."""

Place = tuple[str | int, ...]


class Unfit(NamedTuple):
    """A value that cannot be kept, and where it stands."""

    place: Place
    code: str


def unfit(value: object, place: Place = ()) -> Iterator[Unfit]:
    """Every value inside `value` that cannot be kept."""
    match value:
        case BaseModel():
            for name, held in value.__dict__.items():
                yield from unfit(held, (*place, name))
        case Mapping():
            for name, held in value.items():
                yield from unfit(name, (*place, "*"))
                yield from unfit(held, (*place, "*"))
        case list() | tuple() | set() | frozenset():
            for index, held in enumerate(value):
                yield from unfit(held, (*place, index))
        case _:
            if fault := _fault(value):
                yield Unfit(place, fault)


def _fault(value: object) -> str | None:
    """What is wrong with one value, as the code of a message."""
    match value:
        case str():
            if "\0" in value:
                return "string_nul"
            lone = not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value)
            return "string_unicode" if lone else None
        case int():
            return None if -BIGGEST <= value <= BIGGEST else "int_too_big"
        case date():
            return None if FIRST_YEAR <= value.year <= LAST_YEAR else "date_out_of_range"
        case float():
            return None if isfinite(value) else "finite_number"
        case Decimal():
            fits = value.is_finite() and -19 <= value.adjusted() <= 19
            return None if fits else "finite_number"
        case _:
            return None
