"""`quittance export`: an agency's journal, proofs from it, and, apart from it, its keys."""

from __future__ import annotations

import os
import secrets
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from commands import PARIS, Asked, execute
from commands.key_export import RecordKeyExport
from domain.principal import OPERATOR
from journal import HOUSE
from journal.key_exchange import packed, taken_out
from system.cli.ending import WrongUse, ending
from system.cli.language import Command, new_group, say
from system.cli.opening import AgencyName, AsJson, agency_named, opened
from system.cli.output import progress, words, write_json
from system.exports import (
    HOUSE_SLUG,
    Exported,
    export_event_proof,
    export_journal,
    export_lease_proof,
    span,
)
from system.office import Premises

app = new_group(
    say("Sortir un journal, une preuve, des clés.", "Take out a journal, a proof, keys.")
)
proof_app = new_group(
    say(
        "Ce qu'il faut pour prouver une écriture ou un solde, sans montrer le reste.",
        "What it takes to prove an entry or a balance without showing the rest.",
    )
)
app.add_typer(proof_app, name="proof")

Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar=say("FICHIER", "FILE"),
        help=say(
            "Où l'écrire ; sans cela, sur la sortie standard.",
            "Where to write it; without it, to standard output.",
        ),
    ),
]


def _bound_option(name: str) -> typer.models.OptionInfo:
    return typer.Option(  # type: ignore[no-any-return]
        name,
        metavar="DATE|POSITION",
        help=say(
            "Une date (du jour à Paris, 2026-11-30) ou une position ; comprise.",
            "A date (a day in Paris, 2026-11-30) or a position; included.",
        ),
    )


@app.command(
    "journal",
    cls=Command,
    help=say(
        "Exporter le journal d'une agence en lignes JSON : enveloppes, octets gardés, empreintes."
        " Les clés n'y sont pas : ce qui est personnel reste scellé.",
        "Export an agency's journal as JSON lines: envelopes, stored bytes, hashes. Keys are not"
        " in it: what is personal stays sealed.",
    ),
)
def journal(
    agency: AgencyName,
    begin: Annotated[str | None, _bound_option("--from")] = None,
    end: Annotated[str | None, _bound_option("--to")] = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    with ending(as_json):
        _check_output(output, as_json)
        with opened() as parts:
            books = _books(parts, agency)
            today = parts.office.clock().astimezone(PARIS).date()
            bounds = _bound(begin, today), _bound(end, today)
            first, last = span(parts, books, *bounds)
            with (
                _written(output) as write,
                progress(say("Écritures exportées", "Entries exported")) as report,
            ):
                done = export_journal(parts, books, first, last, write, report)
        _tell(done, as_json)


@proof_app.command(
    "lease",
    cls=Command,
    help=say(
        "Prouver le solde d'un bail : ses écritures en entier, l'en-tête seul des autres.",
        "Prove a lease's balance: its entries in full, only the headers of all others.",
    ),
)
def prove_lease(
    reference: Annotated[str, typer.Argument(help="B-00012")],
    agency: AgencyName,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    with ending(as_json):
        _check_output(output, as_json)
        with (
            opened() as parts,
            _written(output) as write,
            progress(say("Écritures lues", "Entries read")) as report,
        ):
            books = agency_named(parts, agency)
            done = export_lease_proof(parts, books, reference, write, report)
        _tell(done, as_json)


@proof_app.command(
    "event",
    cls=Command,
    help=say(
        "Prouver qu'une écriture est dans le journal ancré.",
        "Prove that an entry is in the anchored journal.",
    ),
)
def prove_event(
    position: Annotated[int, typer.Argument(min=1)],
    agency: AgencyName,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    with ending(as_json):
        _check_output(output, as_json)
        with opened() as parts, _written(output) as write:
            books = _books(parts, agency)
            span(parts, books, position, None)
            done = export_event_proof(parts, books, position, write)
        _tell(done, as_json)


@app.command(
    "keys",
    cls=Command,
    help=say(
        "Exporter les clés des personnes d'une agence. C'est un acte à part, inscrit dans son"
        " journal. Le fichier est scellé par une clé de transfert, affichée cette seule fois :"
        " remettez-la par une autre voie.",
        "Export the keys of an agency's persons. It is an act of its own, recorded in its journal."
        " The file is sealed by a transfer key, shown this one time: hand it over by another way.",
    ),
)
def keys(
    agency: AgencyName,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar=say("FICHIER", "FILE"), help=say("Où.", "Where.")),
    ],
    as_json: AsJson = False,
) -> None:
    with ending(as_json):
        _check_output(output, as_json)
        transfer_key = secrets.token_bytes(32)
        with opened() as parts:
            books = agency_named(parts, agency)
            with parts.pool.connection() as connection:
                handed = taken_out(connection, parts.journal.keys, books)
            with _written(output) as write:
                write(packed(handed, transfer_key))
                # Before the file has its name: no key leaves that the journal does not know of.
                recorded = RecordKeyExport(keys=len(handed.keys), destroyed=len(handed.destroyed))
                answer = execute(parts.office, recorded, Asked(OPERATOR, books))
        shown = b64encode(transfer_key).decode()
        if as_json:
            write_json(
                {
                    "transfer_key": shown,
                    "keys": len(handed.keys),
                    "destroyed": len(handed.destroyed),
                    "position": answer.position,
                }
            )
        else:
            typer.echo(shown)


def _books(parts: Premises, slug: str) -> UUID:
    return HOUSE if slug == HOUSE_SLUG else agency_named(parts, slug)


def _bound(text: str | None, today: date) -> date | int | None:
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 a calendar date
    except ValueError:
        raise WrongUse(
            "Une borne est une date (2026-11-30) ou une position.",
            "A bound is a date (2026-11-30) or a position.",
        ) from None
    if day > today:
        raise WrongUse(f"Le {text} est dans l'avenir.", f"{text} is in the future.")
    return day


def _check_output(output: Path | None, as_json: bool) -> None:
    if output is None and as_json:
        raise WrongUse("--json demande --output.", "--json needs --output.")
    if output is not None and output.exists():
        raise WrongUse(f"{output} existe déjà.", f"{output} exists already.")


@contextmanager
def _written(output: Path | None) -> Iterator[Callable[[bytes], object]]:
    """A file that has its name once it is whole, for its owner alone; else standard output."""
    if output is None:
        yield sys.stdout.buffer.write
        sys.stdout.buffer.flush()
        return
    fresh = output.with_name(f".{output.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file.write
            file.flush()
            os.fsync(file.fileno())
        os.link(fresh, output)
    except OSError as unwritten:
        raise WrongUse(
            f"{output} n'a pu être écrit : {unwritten.strerror}.",
            f"{output} could not be written: {unwritten.strerror}.",
        ) from None
    finally:
        fresh.unlink(missing_ok=True)


def _tell(done: Exported, as_json: bool) -> None:
    if as_json:
        write_json({"first": done.first, "last": done.last, "anchored": done.anchored})
    covered = (
        say("aucun ancrage ne les couvre", "no anchor covers them")
        if done.anchored is None
        else say(f"ancrées jusqu'à {done.anchored}", f"anchored up to {done.anchored}")
    )
    words().print(
        say(
            f"Écritures {done.first} à {done.last}, {covered}.",
            f"Entries {done.first} to {done.last}, {covered}.",
        )
    )
