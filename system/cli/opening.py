"""Opens what a command works with: the database in shape, the office, the agency that is named."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated
from uuid import UUID

import typer

from domain.agency import AgencyCreated
from journal import HOUSE, NoSuchAgency, agency_id
from system.cli.ending import WrongUse
from system.cli.language import say
from system.cli.output import waiting
from system.office import Premises, premises
from system.postgres import database
from system.readiness import bring_to_shape
from system.settings import Settings

POOL_SIZE = 10

AgencyName = Annotated[
    str,
    typer.Option(
        "--agency",
        metavar=say("AGENCE", "AGENCY"),
        help=say("Le nom court de l'agence.", "The agency's short name."),
    ),
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json",
        help=say(
            "Un objet JSON sur la sortie standard, les mots sur la sortie d'erreur.",
            "One JSON object on standard output, words on standard error.",
        ),
    ),
]


@contextmanager
def opened() -> Iterator[Premises]:
    """The parts of the program over its database, which is brought to shape first."""
    # The command says in its own words what went wrong; the log of a server would only hide it.
    logging.basicConfig(handlers=[logging.NullHandler()])
    settings = Settings.load()
    with ExitStack() as stack:
        with waiting(say("La base de données démarre…", "The database is starting…")):
            url = stack.enter_context(database(settings))
            bring_to_shape(url)
            parts = stack.enter_context(premises(settings, url, pool_size=POOL_SIZE))
        yield parts


def agency_named(parts: Premises, slug: str) -> UUID:
    """The id of an agency that exists; NoSuchAgency, with the command that creates it, if not."""
    if slug.isascii() and slug.isprintable():
        agency = agency_id(slug)
        if agency in parts.journal.logs():
            return agency
    command = f"quittance agency create {shlex.quote(slug)}"
    raise NoSuchAgency(
        f"L'agence « {slug} » n'existe pas. Pour la créer : {command} --siren SIREN"
        " --department DÉPARTEMENT",
        f"The agency “{slug}” does not exist. To create it: {command} --siren SIREN"
        " --department DEPARTMENT",
    )


def agencies(parts: Premises) -> dict[UUID, AgencyCreated]:
    """Every agency whose books are open."""
    return {
        entry.event.agency_id: entry.event
        for entry in parts.journal.read_all(HOUSE)
        if isinstance(entry.event, AgencyCreated)
    }


def agency_or_only_one(parts: Premises, slug: str | None) -> UUID:
    """The agency that is named, or the only one there is."""
    if slug is not None:
        return agency_named(parts, slug)
    known = agencies(parts)
    if len(known) == 1:
        return next(iter(known))
    slugs = ", ".join(sorted(agency.slug for agency in known.values())) or "–"
    raise WrongUse(
        f"Dites laquelle avec --agency ; il y a : {slugs}.",
        f"Say which one with --agency; there are: {slugs}.",
    )
