"""The file of rejected rows, to be corrected in a spreadsheet and imported again as it is."""

from __future__ import annotations

import csv
from pathlib import Path

from outside.rent_roll.header import LINE_COLUMN, REASON_COLUMN, is_own_column
from outside.rent_roll.rows import Rejection, RentRoll

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_rejected(path: Path, roll: RentRoll) -> None:
    """Write the rejected rows, two columns of ours in front, which reading again ignores.

    They stand in front so that a row with too few or too many cells keeps them in place. Cells
    of the agency are written unchanged, also those a spreadsheet might take for a formula: the
    agency wrote them, and they must come back as they were. OSError when `path` cannot be
    written.
    """
    ours = {index for index, name in enumerate(roll.header) if is_own_column(name)}
    with path.open("w", encoding="utf-8-sig", newline="") as opened:
        writer = csv.writer(opened, delimiter=roll.separator, lineterminator="\r\n")
        writer.writerow([LINE_COLUMN, REASON_COLUMN, *_without(ours, roll.header)])
        for rejection in roll.rejected:
            reason = _as_text(_reasons(rejection))
            writer.writerow([rejection.line, reason, *_without(ours, rejection.cells)])


def _reasons(rejection: Rejection) -> str:
    faults = [(rejection.column, rejection.reason)]
    faults += [(fault.column, fault.reason) for fault in rejection.also]
    return " | ".join(f"{column} : {reason}" if column else reason for column, reason in faults)


def _without(indexes: set[int], cells: tuple[str, ...]) -> list[str]:
    return [cell for index, cell in enumerate(cells) if index not in indexes]


def _as_text(words: str) -> str:
    """Words that a spreadsheet shows and never computes."""
    return f"'{words}" if words.startswith(_STARTS_A_FORMULA) else words
