"""A run as a table for people; the same as JSON is for machines."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table


def show(console: Console, run: dict[str, Any]) -> None:
    """The rows, then what they were measured on."""
    table = Table(show_lines=False, pad_edge=False)
    for heading in ("row", "figure", "median", "min to max", "at least"):
        table.add_column(
            heading, justify="right" if heading in ("median", "min to max") else "left"
        )
    for name, row in run["rows"].items():
        _add(table, name, row)
        table.add_section()
    console.print(table)
    for name, row in run["rows"].items():
        for note in row["notes"]:
            console.print(f"{name}: {note}", style="dim", highlight=False)
    for name in ("versions", "postgresql", "machine"):
        said = ", ".join(f"{key} {value}" for key, value in run[name].items() if value is not None)
        console.print(f"{name}: {said}", style="dim", highlight=False)


def _add(table: Table, name: str, row: dict[str, Any]) -> None:
    first = True
    for figure, found in row["figures"].items():
        table.add_row(
            name if first else "",
            figure,
            written(found["median"], found["unit"]),
            f"{written(found['min'])} to {written(found['max'])}",
            row["goal"] if first else "",
            style="bold" if found["unit"] == "×" else None,
        )
        first = False
    if first:
        table.add_row(name, "not measured", "", "", row["goal"])


def written(value: float | None, unit: str = "") -> str:
    """Three digits that matter, thousands apart."""
    if value is None:
        return ""
    number = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{number} {unit}".strip()
