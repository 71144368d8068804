"""Number series: gapless, one for each agency, kind and year."""

from __future__ import annotations

from typing import Literal

from domain import Event

SeriesKind = Literal["invoice", "ticket", "receipt"]

LETTERS: dict[SeriesKind, str] = {"invoice": "F", "ticket": "T", "receipt": "Q"}


class NumbersTaken(Event):
    """The numbers `first` to `last` are given out, in the append that uses them."""

    series: SeriesKind
    year: int
    first: int
    last: int


def written(series: SeriesKind, year: int, number: int) -> str:
    """A number as it is printed: F-2026-000042."""
    return f"{LETTERS[series]}-{year}-{number:06d}"
