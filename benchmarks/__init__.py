"""How fast: each row of the table is one file, measured beside the other side at its best.

A row is a module with `TITLE`, `GOAL` and `measure(bench)`; it runs in a process of its own over
fresh databases of one durable PostgreSQL, and both sides take turns in it: A B A B …, so that
whatever else the machine does falls on both. Nothing is asserted: a figure is a figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from system.postgres import create_database, drop_database

THREADS = 32
AGENCIES = 200
STOCK_THREADS = (1, 8, 32)
"""The library's stock application is measured with each; its best counts."""

ROWS = (
    "commands",
    "limit",
    "hot_agency",
    "hot_lease",
    "live_lag",
    "own_write",
    "over_http",
    "billing",
    "receipts",
    "verify",
    "demo_copy",
    "as_of",
    "rebuild",
    "rebuild_all",
    "rebuild_online",
    "catch_up",
)
"""The modules with a row each, in the order of the table."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What a row is measured with."""

    server_url: str
    """A database of the durable server; rows make their own beside it."""
    folder: Path
    """For files of this run."""
    rounds: int = 5
    quick: bool = False

    @property
    def turn_seconds(self) -> float:
        """How long one side works in one round."""
        return 0.8 if self.quick else 3.0

    def size(self, full: int, quick: int) -> int:
        """How much of something: less when quick."""
        return quick if self.quick else full

    @contextmanager
    def database(self, name: str, *, template: str | None = None) -> Iterator[str]:
        """A fresh database, dropped at the end; its URL."""
        drop_database(self.server_url, name)
        try:
            yield create_database(self.server_url, name, template=template)
        finally:
            drop_database(self.server_url, name)

    def each_round(self) -> Iterator[int]:
        return iter(range(self.rounds))


@dataclass(slots=True)
class Figure:
    """One thing that was measured, once in each round."""

    unit: str
    rounds: list[float] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        values = self.rounds
        return {
            "unit": self.unit,
            "median": round(median(values), 4) if values else None,
            "min": round(min(values), 4) if values else None,
            "max": round(max(values), 4) if values else None,
            "rounds": [round(value, 4) for value in values],
        }


class Measured:
    """What a row found: figures by name, and in words what a reader has to know."""

    def __init__(self) -> None:
        self._figures: dict[str, Figure] = {}
        self._notes: list[str] = []

    def add(self, name: str, value: float, unit: str) -> None:
        """The value of one round."""
        self._figures.setdefault(name, Figure(unit)).rounds.append(value)

    def ratio(self, name: str, ours: float, theirs: float) -> None:
        """How many times theirs ours is, in this round; nothing if theirs was not measured."""
        if theirs > 0:
            self.add(name, ours / theirs, "×")

    def note(self, words: str) -> None:
        if words not in self._notes:
            self._notes.append(words)

    def told(self) -> dict[str, Any]:
        return {
            "figures": {name: figure.told() for name, figure in self._figures.items()},
            "notes": self._notes,
        }
