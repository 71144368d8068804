"""Where things are written: results on standard output, words and progress on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

PIPED_WIDTH = 160
"""Characters of a line where no terminal says how wide it is."""

Report = Callable[[int, int], None]
"""Hears (done, in all)."""


def words() -> Console:
    """Standard error."""
    return _console(stderr=True)


def results(as_json: bool) -> Console:
    """Standard output, which belongs to the one JSON object if that is asked for."""
    return _console(stderr=as_json)


def _console(*, stderr: bool) -> Console:
    # Made for each use: standard output and error may be replaced while the program runs.
    stream = sys.stderr if stderr else sys.stdout
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    width = None if stream.isatty() else PIPED_WIDTH
    return Console(file=stream, markup=False, highlight=False, emoji=False, width=width)


def write_json(answer: Mapping[str, object]) -> None:
    """The one JSON object, in ASCII so that no terminal's encoding can break it."""
    sys.stdout.write(json.dumps(answer, default=str) + "\n")
    sys.stdout.flush()


def table(title: str, *columns: str) -> Table:
    """A table without a cage."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def cells(*values: object) -> list[Text]:
    """Values as they are, for a table: what stands in brackets is no markup."""
    return [Text("" if value is None else str(value)) for value in values]


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Show on a terminal that something is under way whose end nobody can foresee."""
    console = words()
    if not console.is_terminal:
        yield
        return
    with console.status(text):
        yield


@contextmanager
def progress(text: str) -> Iterator[Report]:
    """A progress bar on a terminal; the block reports how far it has come."""
    console = words()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def progress_with_pace(text: str) -> Iterator[Report]:
    """The same with how many a second, for what takes long."""
    console = words()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    began = monotonic()
    with bar:
        task = bar.add_task(text, total=None, pace="")

        def report(done: int, total: int) -> None:
            pace = f"{done / max(0.1, monotonic() - began):,.0f}/s"
            bar.update(task, completed=done, total=total, pace=pace)

        yield report
