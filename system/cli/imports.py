"""`quittance import`: take over what an agency's former software knows."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from domain.words import short_date
from outside.rent_roll import Rejection, RentRoll, write_rejected
from system.cli.ending import REJECTED_ROWS, ending
from system.cli.language import Command, new_group, say
from system.cli.opening import AgencyName, AsJson, agency_named, opened
from system.cli.output import cells, progress, results, table, words, write_json
from system.office import Premises
from system.rent_roll import Import, import_rent_roll

SHOWN_ROWS = 100
"""How many rows a table shows; the file of rejected rows and the JSON have all."""
MOST_NAMES = 1_000

app = new_group(say("Reprendre les données d'un autre logiciel.", "Take over another software's."))


@app.callback()
def imports() -> None:
    """Keep `rent-roll` a command of its own: a group of one would be folded into it."""


@app.command(
    "rent-roll",
    cls=Command,
    help=say(
        "Importer un état locatif (CSV). Une ligne fautive est rejetée avec sa raison, toutes les"
        " autres sont gardées ; réimporter le fichier ne fait que ce qui manquait.",
        "Import a rent roll (CSV). A faulty row is rejected with its reason, all others are kept;"
        " importing the file again does only what was missing.",
    ),
)
def rent_roll(
    file: Annotated[
        Path,
        typer.Argument(
            metavar=say("FICHIER", "FILE"), help=say("L'état locatif.", "The rent roll.")
        ),
    ],
    agency: AgencyName,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help=say("Tout vérifier, ne rien garder.", "Check all, keep nothing.")
        ),
    ] = False,
    accept_differences: Annotated[
        bool,
        typer.Option(
            "--accept-differences",
            help=say(
                "Appliquer, en avenants, ce qui diffère de ce qui est connu.",
                "Apply what differs from what is known, as amendments.",
            ),
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    with ending(as_json):
        with opened() as parts:
            done = _import(parts, agency_named(parts, agency), file, dry_run, accept_differences)
        _show(done, as_json, dry_run)
        if done.roll.rejected and not dry_run:
            _hand_back(file, done.roll)
        if as_json:
            write_json(_as_json(done))
        if done.roll.rejected:
            raise typer.Exit(REJECTED_ROWS)


def _import(parts: Premises, agency: UUID, file: Path, dry_run: bool, accept: bool) -> Import:
    with (
        progress(say("Lecture", "Reading")) as on_reading,
        progress(say("Vérification" if dry_run else "Reprise", "Keeping")) as on_keeping,
    ):
        return import_rent_roll(
            parts.office,
            agency,
            file,
            dry_run=dry_run,
            accept_differences=accept,
            on_reading=on_reading,
            on_keeping=on_keeping,
        )


def _show(done: Import, as_json: bool, dry_run: bool) -> None:
    console = results(as_json)
    roll = done.roll
    if roll.rejected:
        shown = table(
            say("Lignes rejetées", "Rejected rows"),
            say("Ligne", "Line"),
            say("Colonne", "Column"),
            say("Raison", "Reason"),
        )
        for rejection in roll.rejected[:SHOWN_ROWS]:
            shown.add_row(*cells(rejection.line, rejection.column, _reason(rejection)))
        console.print(shown)
        _say_how_many_more(len(roll.rejected), as_json)
    if done.differing:
        shown = table(
            say("Lignes qui diffèrent de ce qui est connu", "Rows that differ from what is known"),
            say("Ligne", "Line"),
            say("Bail", "Lease"),
            say("Colonnes", "Columns"),
        )
        for difference in done.differing[:SHOWN_ROWS]:
            columns = ", ".join(difference.columns)
            shown.add_row(*cells(difference.line, difference.lease_reference, columns))
        console.print(shown)
        _say_how_many_more(len(done.differing), as_json)
        console.print(
            say(
                "Rien n'en est repris ; --accept-differences les applique en avenants.",
                "Nothing of them is kept; --accept-differences applies them as amendments.",
            )
        )
    if roll.ignored_columns:
        names = ", ".join(roll.ignored_columns)
        console.print(say(f"Colonnes ignorées : {names}", f"Ignored columns: {names}"))
    console.print(_summary(done, dry_run))


def _say_how_many_more(rows: int, as_json: bool) -> None:
    if rows > SHOWN_ROWS:
        more = rows - SHOWN_ROWS
        results(as_json).print(say(f"… et {more} autres.", f"… and {more} more."))


def _summary(done: Import, dry_run: bool) -> str:
    rejected, differing = len(done.roll.rejected), len(done.differing)
    day = short_date(done.roll.balance_on)
    told = say(
        f"{done.imported} importées, {done.amended} modifiées, {done.unchanged} inchangées,"
        f" {differing} différentes, {rejected} rejetées ; soldes au {day}.",
        f"{done.imported} imported, {done.amended} amended, {done.unchanged} unchanged,"
        f" {differing} differing, {rejected} rejected; balances of {day}.",
    )
    dry = say("À blanc, rien n'est gardé :", "Dry run, nothing is kept:")
    return f"{dry} {told}" if dry_run else told


def _reason(rejection: Rejection) -> str:
    """Why, with all that is wrong in the row."""
    told = [say(rejection.reason, rejection.reason_en)]
    told += [
        f"{fault.column} : {say(fault.reason, fault.reason_en)}"
        if fault.column
        else say(fault.reason, fault.reason_en)
        for fault in rejection.also
    ]
    return " | ".join(told)


def _as_json(done: Import) -> dict[str, object]:
    return {
        "imported": done.imported,
        "unchanged": done.unchanged,
        "amended": done.amended,
        "differing": [
            {"line": each.line, "lease": each.lease_reference, "columns": list(each.columns)}
            for each in done.differing
        ],
        "rejected": [
            {"line": each.line, "column": each.column, "reason": _reason(each)}
            for each in done.roll.rejected
        ],
    }


def _hand_back(source: Path, roll: RentRoll) -> None:
    """Write the rejected rows beside the source, else where we are, and say where."""
    for folder in (source.absolute().parent, Path.cwd()):
        try:
            written = _write_once(folder, source.stem, roll)
        except OSError:
            continue
        words().print(
            say(
                f"Lignes rejetées, à corriger et à réimporter : {written}",
                f"Rejected rows, to be corrected and imported again: {written}",
            ),
            soft_wrap=True,
        )
        return
    words().print(
        say(
            "Le fichier des lignes rejetées n'a pu être écrit ni à côté du fichier importé ni dans"
            " le dossier courant.",
            "The file of rejected rows could be written neither beside the imported file nor in"
            " the current folder.",
        ),
        style="red",
    )


def _write_once(folder: Path, stem: str, roll: RentRoll) -> Path:
    """Write the file under a name that takes away nobody's corrections. Raises OSError."""
    with tempfile.TemporaryDirectory(prefix="quittance-") as private:
        fresh = Path(private) / "rejected.csv"
        write_rejected(fresh, roll)
        content = fresh.read_bytes()
    for number in range(1, MOST_NAMES):
        ordinal = "" if number == 1 else f"-{number}"
        target = folder / f"{stem}.rejected{ordinal}.csv"
        try:
            with target.open("xb") as opened_file:
                opened_file.write(content)
        except FileExistsError:
            if target.is_file() and target.read_bytes() == content:
                return target
        else:
            return target
    raise FileExistsError(folder / f"{stem}.rejected.csv")
