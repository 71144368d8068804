"""`quittance erase`: make unreadable for ever who a person is, once nothing asks to keep it."""

from __future__ import annotations

from typing import Annotated

import typer

from commands import Asked, execute
from commands.party import ErasePerson
from domain.principal import OPERATOR
from journal.forgetting import destroy_again
from projections.people import forget_erased
from system.cli.ending import WrongUse, ending
from system.cli.language import say
from system.cli.opening import AsJson, agency_or_only_one, opened
from system.cli.output import results, write_json

HELP = say(
    "Effacer une personne : ce qui la nomme devient illisible partout et pour toujours ; les"
    " montants restent. Refusé tant qu'un bail court, qu'un compte n'est pas soldé ou qu'une durée"
    " légale n'est pas échue.",
    "Erase a person: what names them becomes unreadable everywhere and for ever; amounts stay."
    " Refused while a lease runs, an account is not settled or a legal term is not over.",
)


def erase(
    reference: Annotated[
        str,
        typer.Argument(
            metavar=say("RÉFÉRENCE", "REFERENCE"),
            help=say("La référence client de la personne.", "The person's client reference."),
        ),
    ],
    agency: Annotated[
        str | None,
        typer.Option(
            metavar=say("AGENCE", "AGENCY"),
            help=say("Le nom court de l'agence.", "The agency's short name."),
        ),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            help=say("Ne pas demander confirmation.", "Do not ask for confirmation."),
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    with ending(as_json):
        if not yes:
            _confirm(reference)
        with opened() as parts:
            books = agency_or_only_one(parts, agency)
            asked = Asked(OPERATOR, books)
            answer = execute(parts.office, ErasePerson(client_reference=reference), asked)
            with parts.pool.connection() as connection:
                # The key went with the event; these two only clear what a restore, or a read
                # model that has stopped, might have kept.
                destroy_again(connection)
                forget_erased(connection)
        if as_json:
            told = {"party_id": str(answer.ids["party_id"]), "position": answer.position}
            write_json({**told, "erased": bool(answer.events)})
            return
        done = say("Personne effacée.", "Person erased.")
        before = say("Déjà effacée : rien n'a changé.", "Erased before: nothing changed.")
        results(as_json).print(done if answer.events else before)


def _confirm(reference: str) -> None:
    question = say(
        f"Effacer {reference} pour toujours ? Personne ne pourra revenir en arrière.",
        f"Erase {reference} for ever? Nobody will be able to undo it.",
    )
    try:
        sure = typer.confirm(question, err=True)
    except typer.Abort:
        # Nobody is there to answer: a script says --yes.
        sure = False
    if not sure:
        raise WrongUse("Rien n'a été effacé.", "Nothing was erased.")
