"""A rent roll half read: what is accepted and rejected so far, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from outside.rent_roll.cells import Unreadable, quoted
from outside.rent_roll.header import Header
from outside.rent_roll.records import Record
from outside.rent_roll.rows import Fault, Rejection, RentRollRow


@dataclass(slots=True)
class Reading:
    """Takes one record after the other; each ends in `rows` or in `rejected`."""

    header: Header
    rows: list[RentRollRow] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    _line_of_lease: dict[str, int] = field(default_factory=dict)

    def take(self, record: Record) -> None:
        """Keep the row, or reject it with all its faults."""
        whole = self._fault_of_the_whole(record)
        if whole is not None:
            self._reject(record, [whole])
            return
        cells = record.cells
        values: dict[str, Any]
        try:
            values = {name: read(cells[index]) for index, name, read in self.header.places}
            faults: list[Fault] = []
        except Unreadable:
            values, faults = self._each_cell(cells)
        faults += self._faults_between_cells(values)
        if faults:
            self._reject(record, faults)
            return
        row = RentRollRow(line=record.line, **values)
        self._line_of_lease[row.lease_reference] = row.line
        self.rows.append(row)

    def _each_cell(self, cells: list[str]) -> tuple[dict[str, Any], list[Fault]]:
        """The same cell by cell: not one fault is left for the next attempt."""
        values: dict[str, Any] = {}
        faults: list[Fault] = []
        for index, name, read in self.header.places:
            try:
                values[name] = read(cells[index])
            except Unreadable as wrong:
                faults.append(Fault(self.header.names[index], wrong.fr, wrong.en))
        return values, faults

    def _fault_of_the_whole(self, record: Record) -> Fault | None:
        cells, columns = len(record.cells), len(self.header.names)
        if record.badly_quoted:
            return Fault(
                "",
                "Un guillemet est ouvert sans être fermé, ou mal placé : corrigez la ligne.",
                "A quotation mark is opened and not closed, or misplaced: correct the row.",
            )
        if cells != columns:
            fewer = cells < columns
            fr = "ligne coupée ou séparateur oublié" if fewer else "séparateur en trop"
            en = "a row cut short or a separator left out" if fewer else "a separator too many"
            return Fault(
                "",
                f"La ligne a {cells} cellule(s), {columns} sont attendues : {fr}.",
                f"The row has {cells} cell(s), {columns} are expected: {en}.",
            )
        return None

    def _faults_between_cells(self, values: dict[str, Any]) -> Iterator[Fault]:
        """What no cell shows alone; a cell that could not be read is absent from `values`."""
        reference = values.get("lease_reference")
        first_line = self._line_of_lease.get(reference) if reference else None
        if reference and first_line is not None:
            fr, en = quoted(reference)
            yield Fault(
                self.header.name_of("lease_reference"),
                f"{fr} est déjà à la ligne {first_line} : un bail n'a qu'une ligne par fichier.",
                f"{en} is already on line {first_line}: a lease has one row in a file.",
            )
        entered_on: date | None = values.get("entered_on")
        left_on: date | None = values.get("left_on")
        if entered_on and left_on and left_on < entered_on:
            # The date of entry is not repeated: a reason shows the faulty cell and no other.
            fr, en = quoted(f"{left_on:%d/%m/%Y}")
            yield Fault(
                self.header.name_of("left_on"),
                f"{fr} précède la date d'entrée : la sortie vient après l'entrée.",
                f"{en} is before the date of entry: leaving comes after entering.",
            )
        if values.get("charges_cents") and values.get("charges_mode", "") is None:
            yield Fault(
                self.header.name_of("charges_mode"),
                "La cellule est vide alors qu'il y a des charges ; attendu : provision ou forfait.",
                "The cell is empty though there are charges; expected: provision or forfait.",
            )

    def _reject(self, record: Record, faults: list[Fault]) -> None:
        first, *others = sorted(faults, key=lambda fault: self._place(fault.column))
        self.rejected.append(
            Rejection(
                line=record.line,
                column=first.column,
                reason=first.reason,
                reason_en=first.reason_en,
                cells=tuple(record.cells),
                also=tuple(others),
            )
        )

    def _place(self, column: str) -> int:
        return self.header.names.index(column) if column else -1
