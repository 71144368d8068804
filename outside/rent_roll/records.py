"""From text to records: the cells of each row with the physical line on which it begins."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from outside.rent_roll.source import UnreadableFile

MAX_LINE_CHARS = 100_000
MAX_LINES_OF_A_ROW = 10
MAX_CHARS_OF_A_FOLDED_ROW = 5_000


class Record(NamedTuple):
    """One row. `badly_quoted`: its quotation marks do not pair, so its cells are a guess."""

    line: int
    cells: list[str]
    badly_quoted: bool = False


def records(text: str, separator: str, width: int | None = None) -> Iterator[Record]:
    """Every row that is not blank.

    A cell in quotation marks may run over several lines. One that never closes would swallow
    its neighbours: a row over several lines counts only when it ends within
    `MAX_LINES_OF_A_ROW` and has `width` cells; else its first line stands alone, as badly
    quoted, and reading goes on with the very next line.
    """
    lines = _Lines(text)
    number = 1
    while (line := lines.take()) is not None:
        if '"' not in line:
            record, length = Record(number, line.split(separator)), 1
        else:
            record, length = _quoted(Record(number, [line]), lines, separator, width)
        if record.cells[0].strip() or any(cell.strip() for cell in record.cells):
            yield record
        number += length


def _quoted(line: Record, lines: _Lines, separator: str, width: int | None) -> tuple[Record, int]:
    """The record that begins with `line`, and how many physical lines it takes."""
    number, taken, chars = line.line, [*line.cells], len(line.cells[0])
    cells = _parse(taken, separator)
    while cells is None and len(taken) < MAX_LINES_OF_A_ROW and chars < MAX_CHARS_OF_A_FOLDED_ROW:
        following = lines.ahead(len(taken) - 1)
        if following is None:
            break
        taken.append(following)
        chars += len(following)
        if '"' in following:
            cells = _parse(taken, separator)
    if cells is not None and (len(taken) == 1 or width is None or len(cells) == width):
        lines.skip(len(taken) - 1)
        return Record(number, cells), len(taken)
    return Record(number, taken[0].split(separator), badly_quoted=True), 1


class _Lines:
    """The physical lines of a text, with a look at those that come."""

    def __init__(self, text: str) -> None:
        self._rest = _physical_lines(text)
        self._seen: deque[str] = deque()

    def take(self) -> str | None:
        return self._seen.popleft() if self._seen else next(self._rest, None)

    def ahead(self, count: int) -> str | None:
        """The line after `count` further ones, or None when the text ends before."""
        while len(self._seen) <= count:
            following = next(self._rest, None)
            if following is None:
                return None
            self._seen.append(following)
        return self._seen[count]

    def skip(self, count: int) -> None:
        for _ in range(count):
            self._seen.popleft()


def _parse(lines: list[str], separator: str) -> list[str] | None:
    ended = [line + "\n" for line in lines[:-1]] + lines[-1:]
    try:
        parsed = list(csv.reader(ended, delimiter=separator, strict=True))
    except csv.Error:
        return None
    return parsed[0] if len(parsed) == 1 else None


def _physical_lines(text: str) -> Iterator[str]:
    """Lazily, for a list of fifty million empty lines would cost gigabytes."""
    start, number, end = 0, 0, len(text)
    while start < end:
        number += 1
        stop = text.find("\n", start)
        if stop < 0:
            stop = end
        if stop - start > MAX_LINE_CHARS:
            raise UnreadableFile(
                f"La ligne {number} compte plus de {MAX_LINE_CHARS} caractères : ce n'est pas "
                "l'export d'un état locatif, ou ses fins de ligne sont perdues.",
                f"Line {number} has more than {MAX_LINE_CHARS} characters: this is not the "
                "export of a rent roll, or its line ends are lost.",
            )
        yield text[start:stop]
        start = stop + 1
