"""The rent roll that an agency's former software exports as CSV, read row by row into leases.

`read_rent_roll` tells a file that cannot be read (`UnreadableFile`) from rows that cannot be
kept (`Rejection`); `write_rejected` gives the latter back to be corrected and imported again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from outside.rent_roll.cells import in_euros
from outside.rent_roll.header import COLUMNS, read_header
from outside.rent_roll.reading import Reading
from outside.rent_roll.records import records
from outside.rent_roll.rejected import write_rejected
from outside.rent_roll.rows import Fault, Rejection, RentRoll, RentRollRow, fingerprint
from outside.rent_roll.source import MAX_BYTES, UnreadableFile, decode, load

MAX_ROWS = 200_000
MAX_LINES = 5 * MAX_ROWS  # blank lines and rows over several lines included
_ROWS_BETWEEN_TWO_REPORTS = 1_000


def read_rent_roll(
    source: bytes | Path, on_progress: Callable[[int, int], None] | None = None
) -> RentRoll:
    """Read a whole file; `on_progress` hears (lines read, lines in all). UnreadableFile if not.

    Of two rows of one lease the first valid one is kept. Were a faulty first row to count, the
    order of rows would decide whether a lease is imported at all.
    """
    text, encoding = decode(load(source))
    lines = text.count("\n") + (not text.endswith("\n"))
    if lines > MAX_LINES:
        raise _too_long()
    header = read_header(text, encoding)
    reading = Reading(header)
    following = records(text, header.separator, len(header.names))
    next(following)  # the header itself
    for count, record in enumerate(following, start=1):
        if count > MAX_ROWS:
            raise _too_long()
        reading.take(record)
        if on_progress is not None and count % _ROWS_BETWEEN_TWO_REPORTS == 0:
            on_progress(record.line, lines)
    if on_progress is not None:
        on_progress(lines, lines)
    return RentRoll(
        rows=reading.rows,
        rejected=reading.rejected,
        balance_on=header.balance_on,
        encoding=encoding,
        separator=header.separator,
        header=header.names,
        ignored_columns=header.ignored_columns,
    )


def _too_long() -> UnreadableFile:
    return UnreadableFile(
        f"Le fichier a plus de {MAX_ROWS} lignes : découpez-le en plusieurs fichiers "
        "qui gardent chacun la ligne de titres.",
        f"The file has more than {MAX_ROWS} rows: split it into several files that "
        "each keep the header line.",
    )


__all__ = [
    "COLUMNS",
    "MAX_BYTES",
    "MAX_ROWS",
    "Fault",
    "Rejection",
    "RentRoll",
    "RentRollRow",
    "UnreadableFile",
    "fingerprint",
    "in_euros",
    "read_rent_roll",
    "write_rejected",
]
