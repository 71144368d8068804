"""`quittance import journal` and `import keys`: what another house, or a backup, exported."""

from __future__ import annotations

import binascii
import sys
from base64 import b64decode
from pathlib import Path
from typing import Annotated

import typer

from journal.key_exchange import put_in, unpacked
from system.cli.ending import WrongUse, ending
from system.cli.language import say
from system.cli.opening import AsJson, agencies, opened
from system.cli.output import progress, results, write_json
from system.journal_import import import_journals

JOURNAL = say(
    "Importer des journaux exportés dans un système où ces agences n'ont rien écrit : mêmes"
    " positions, mêmes empreintes, aucun envoi. Tout ou rien.",
    "Import exported journals where these agencies have written nothing: same positions, same"
    " hashes, nothing is sent out. All or nothing.",
)
KEYS = say(
    "Importer les clés exportées d'une agence ; qui a été effacé le reste.",
    "Import the exported keys of an agency; who was erased stays so.",
)


def import_journal(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar=say("FICHIER…", "FILE…"),
            help=say(
                "Les exports ; plusieurs parties d'un journal se suivent.",
                "The exports; several parts of one journal follow each other.",
            ),
        ),
    ],
    as_json: AsJson = False,
) -> None:
    with ending(as_json):
        for file in files:
            _readable(file)
        total = sum(map(_lines, files))
        with opened() as parts:
            with progress(say("Écritures importées", "Entries imported")) as report:
                heads = import_journals(parts, files, lambda done: report(done, total))
            slugs = {agency: created.slug for agency, created in agencies(parts).items()}
        if as_json:
            write_json(
                {
                    "journals": [
                        {
                            "agency": slugs.get(agency),
                            "agency_id": agency,
                            "position": head.position,
                            "hash": head.hash.hex(),
                        }
                        for agency, head in heads.items()
                    ]
                }
            )
        for agency, head in heads.items():
            name = slugs.get(agency, str(agency))
            results(as_json).print(
                say(
                    f"{name} : {head.position} écritures importées et vérifiées.",
                    f"{name}: {head.position} entries imported and verified.",
                )
            )


def import_keys(
    file: Annotated[Path, typer.Argument(metavar=say("FICHIER", "FILE"))],
    transfer_key: Annotated[
        Path,
        typer.Option(
            metavar=say("FICHIER", "FILE"),
            help=say(
                "Le fichier qui contient la clé de transfert, ou - pour l'entrée standard.",
                "The file that holds the transfer key, or - for standard input.",
            ),
        ),
    ],
    as_json: AsJson = False,
) -> None:
    with ending(as_json):
        if str(transfer_key) == "-":
            key = _decoded(sys.stdin.readline())
        else:
            key = _decoded(_readable(transfer_key).read_text(errors="replace"))
        handed = unpacked(_readable(file).read_bytes(), key)
        with opened() as parts, parts.pool.connection() as connection:
            new = put_in(connection, parts.journal.keys, handed)
        if as_json:
            write_json({"new": new, "destroyed": len(handed.destroyed)})
        results(as_json).print(
            say(
                f"{new} clés importées, {len(handed.destroyed)} personnes effacées.",
                f"{new} keys imported, {len(handed.destroyed)} persons erased.",
            )
        )


def _lines(file: Path) -> int:
    with file.open("rb") as opened_file:
        return sum(block.count(b"\n") for block in iter(lambda: opened_file.read(1 << 20), b""))


def _readable(file: Path) -> Path:
    try:
        with file.open("rb"):
            return file
    except (OSError, ValueError):
        raise WrongUse(
            f"{file} n'existe pas ou ne peut pas être ouvert.",
            f"{file} does not exist or cannot be opened.",
        ) from None


def _decoded(text: str) -> bytes:
    try:
        key = b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise WrongUse("Ce n'est pas une clé de transfert.", "This is not a transfer key.")
    return key
