"""A period: the calendar month that is billed and receipted, written 2026-11."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from domain import Refused

FIRST_YEAR, LAST_YEAR = 1900, 2199
"""No lease is billed outside; the bounds keep every date that is reckoned from a period valid."""

_WRITTEN = re.compile(r"(\d{4})-(\d{2})", re.ASCII)


class NotAPeriod(Refused, ValueError):
    """What was given does not name a month."""


@dataclass(frozen=True, order=True, slots=True)
class Period:
    """A month of a year; in JSON the string "2026-11", so that text sorts as time does."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (FIRST_YEAR <= self.year <= LAST_YEAR and 1 <= self.month <= 12):
            raise NotAPeriod(
                f"Une période est un mois entre {FIRST_YEAR}-01 et {LAST_YEAR}-12.",
                f"A period is a month between {FIRST_YEAR}-01 and {LAST_YEAR}-12.",
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "2026-11"; NotAPeriod (also a ValueError) for anything else."""
        written = _WRITTEN.fullmatch(text)
        if written is None:
            raise NotAPeriod(
                "Une période s'écrit année-mois, par exemple 2026-11.",
                "A period is written year-month, for example 2026-11.",
            )
        return cls(int(written[1]), int(written[2]))

    @classmethod
    def of(cls, day: date) -> Self:
        """The month in which a day lies."""
        return cls(day.year, day.month)

    @property
    def first_on(self) -> date:
        """The first day of the month."""
        return date(self.year, self.month, 1)

    @property
    def last_on(self) -> date:
        """The last day of the month."""
        return date(self.year, self.month, self.days())

    def days(self) -> int:
        """How many days the month has, 28 to 31."""
        return monthrange(self.year, self.month)[1]

    def next(self) -> Self:
        """The month after; NotAPeriod after the last month that can be billed."""
        return type(self)(self.year + self.month // 12, self.month % 12 + 1)

    def previous(self) -> Self:
        """The month before; NotAPeriod before the first month that can be billed."""
        before = date(self.year, self.month, 1) - timedelta(days=1)
        return type(self)(before.year, before.month)

    def __contains__(self, day: date) -> bool:
        return (day.year, day.month) == (self.year, self.month)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @classmethod
    def _read(cls, given: Any) -> Self:
        if isinstance(given, cls):
            return given
        if not isinstance(given, str):
            raise ValueError("a period is a string such as 2026-11")  # noqa: TRY004 pydantic's word
        return cls.parse(given)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._read,
            serialization=core_schema.to_string_ser_schema(when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            "type": "string",
            "pattern": r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$",
            "examples": ["2026-11"],
        }
