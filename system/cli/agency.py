"""`quittance agency`: open the books of an agency."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

import typer
from pydantic import ValidationError

from commands import Asked, execute
from commands.agency import CreateAgency
from domain.principal import OPERATOR
from journal import HOUSE, agency_id
from system.cli.ending import WrongUse, ending
from system.cli.language import Command, new_group, say
from system.cli.opening import AsJson, opened
from system.cli.output import results, write_json

app = new_group(say("Ouvrir les livres d'une agence.", "Open the books of an agency."))

_WRONG = {
    "slug": (
        "Le nom court n'a que des minuscules sans accent, des chiffres et des tirets, de 2 à 60"
        " caractères{hint}.",
        "The short name has only lower-case letters without accents, digits and hyphens, 2 to 60"
        " characters{hint}.",
    ),
    "legal_name": (
        "La raison sociale compte de 1 à 200 caractères (--legal-name).",
        "The legal name has 1 to 200 characters (--legal-name).",
    ),
    "siren": (
        "Le SIREN compte neuf chiffres (--siren).",
        "The SIREN has nine digits (--siren).",
    ),
    "department": (
        "Le département s'écrit comme 57, 2A ou 971 (--department).",
        "The department is written like 57, 2A or 971 (--department).",
    ),
}


@app.callback()
def agency() -> None:
    """Keep `create` a command of its own: a group of one would be folded into it."""


@app.command(
    cls=Command,
    help=say(
        "Créer une agence : une entité juridique, ses livres et ses numéros. La répéter à"
        " l'identique ne change rien.",
        "Create an agency: one legal entity with its books and its numbers. Repeating it"
        " identically changes nothing.",
    ),
)
def create(
    name: Annotated[
        str,
        typer.Argument(
            metavar=say("NOM", "NAME"),
            help=say("Le nom court, par exemple metz.", "The short name, for example metz."),
        ),
    ],
    legal_name: Annotated[
        str | None,
        typer.Option(
            help=say(
                "La raison sociale ; sans elle, le nom court.",
                "The legal name; without it, the short name.",
            )
        ),
    ] = None,
    siren: Annotated[
        str | None, typer.Option(help=say("Le SIREN, neuf chiffres.", "The SIREN, nine digits."))
    ] = None,
    department: Annotated[
        str | None,
        typer.Option(
            help=say(
                "Le code du département (57, 2A, 971) : il décide des jours fériés.",
                "The department's code (57, 2A, 971): it decides the public holidays.",
            )
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    with ending(as_json):
        command = _command(name, legal_name, siren, department)
        with opened() as parts:
            parts.journal.open_log(HOUSE)
            answer = execute(parts.office, command, Asked(OPERATOR, HOUSE))
            parts.journal.open_log(agency_id(name))
        _tell(name, bool(answer.events), as_json)


def _tell(name: str, created: bool, as_json: bool) -> None:
    if as_json:
        write_json({"agency": name, "agency_id": agency_id(name), "created": created})
    results(as_json).print(
        say(f"L'agence {name} est ouverte.", f"The agency {name} is open.")
        if created
        else say(f"L'agence {name} existait déjà.", f"The agency {name} existed already.")
    )


def _command(
    name: str, legal_name: str | None, siren: str | None, department: str | None
) -> CreateAgency:
    given = {"--siren": siren, "--department": department}
    missing = [option for option, value in given.items() if not value]
    if missing:
        example = f"quittance agency create {name} --siren 732829320 --department 57"
        raise WrongUse(
            f"Il manque {' et '.join(missing)}, par exemple : {example}",
            f"{' and '.join(missing)} missing, for example: {example}",
        )
    try:
        return CreateAgency(
            slug=name, legal_name=legal_name or name, siren=siren, department=department
        )
    except ValidationError as invalid:
        wrong = str(invalid.errors(include_url=False, include_input=False)[0]["loc"][0])
    fr, en = _WRONG[wrong]
    slug = _slug(name)
    hint = f" : {slug}" if len(slug) > 1 else "", f": {slug}" if len(slug) > 1 else ""
    raise WrongUse(fr.format(hint=hint[0]), en.format(hint=hint[1]))


def _slug(name: str) -> str:
    """A short name like the one that was typed."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:60].strip("-")
