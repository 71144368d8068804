"""`quittance anchor`: sign what all heads are, and keep it outside the database."""

from __future__ import annotations

from typing import Annotated

import typer

from system.anchors import anchor_public_key, anchoring
from system.cli.ending import ending
from system.cli.language import Command, new_group, say
from system.cli.opening import AsJson, opened
from system.cli.output import results, write_json
from system.settings import Settings

app = new_group(
    say(
        "Ancrer maintenant les journaux de toutes les agences ; le programme le fait aussi de"
        " lui-même, toutes les heures.",
        "Anchor the journals of all agencies now; the program also does so by itself, every hour.",
    ),
    invoke_without_command=True,
)
# Alone it anchors, so it must not show its help instead.
app.info.no_args_is_help = False


@app.callback()
def anchor(
    context: typer.Context,
    as_json: Annotated[
        bool, typer.Option("--json", help=say("Un objet JSON.", "One JSON object."))
    ] = False,
) -> None:
    if context.invoked_subcommand is not None:
        return
    with ending(as_json):
        with opened() as parts:
            made = anchoring(parts).anchor()
        if as_json:
            write_json(
                {
                    "anchored": made is not None,
                    "number": made.number if made else None,
                    "anchored_at": made.anchored_at.isoformat() if made else None,
                    "root": made.root.hex() if made else None,
                    "agencies": len(made.heads) if made else 0,
                }
            )
            return
        if made is None:
            told = say(
                "Rien n'a changé depuis le dernier ancrage.", "Nothing moved since the last anchor."
            )
        else:
            told = say(
                f"Ancrage {made.number} : {len(made.heads)} journaux, racine {made.root.hex()}.",
                f"Anchor {made.number}: {len(made.heads)} journals, root {made.root.hex()}.",
            )
        results(as_json).print(told, soft_wrap=True)


@app.command(
    cls=Command,
    help=say(
        "Afficher la clé publique des ancrages, à remettre à l'auditeur.",
        "Print the anchors' public key, to be given to the auditor.",
    ),
)
def key(as_json: AsJson = False) -> None:
    with ending(as_json):
        public = anchor_public_key(Settings.load()).hex()
        if as_json:
            write_json({"key": public})
        else:
            typer.echo(public)
