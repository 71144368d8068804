"""`quittance token`: the keys of the API, each shown once."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import typer

from access.tokens import create_token, revoke
from domain import NotFound
from domain.principal import Role
from domain.words import PARIS
from system.cli.ending import WrongUse, ending
from system.cli.language import Command, new_group, say
from system.cli.opening import AsJson, agencies, agency_named, opened
from system.cli.output import cells, results, table, words, write_json
from system.office import Premises

app = new_group(say("Les jetons d'accès à l'API.", "The access tokens of the API."))


class TokenRole(StrEnum):
    """What the bearer of a token is here for."""

    SERVICE = "service"
    AGENT = "agent"
    ACCOUNTANT = "accountant"
    AUDITOR = "auditor"
    ADMIN = "admin"


class NoSuchToken(NotFound):
    """No token has this id."""


class TokenRow(NamedTuple):
    """A token as it is listed: all but its secret, which nobody knows."""

    id: UUID
    name: str
    role: str
    agencies: list[UUID]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_on: Any


@app.command(
    cls=Command,
    help=say(
        "Créer un jeton et l'afficher seul, la seule fois où il se voit.",
        "Create a token and print it alone, the only time that it can be seen.",
    ),
)
def create(
    agency: Annotated[
        list[str],
        typer.Option(
            "--agency",
            metavar=say("AGENCE", "AGENCY"),
            help=say("Une agence qu'il ouvre ; répétable.", "An agency that it opens; repeatable."),
        ),
    ],
    role: Annotated[TokenRole, typer.Option(help=say("Ce qu'il permet.", "What it allows."))],
    name: Annotated[
        str | None,
        typer.Option(help=say("Pour le reconnaître dans la liste.", "To know it in the list.")),
    ] = None,
    expires_days: Annotated[
        int,
        typer.Option(
            min=1, max=3653, help=say("Sa durée de vie en jours.", "How many days it lasts.")
        ),
    ] = 365,
    as_json: AsJson = False,
) -> None:
    with ending(as_json):
        with opened() as parts:
            opens = [agency_named(parts, slug) for slug in agency]
            now = parts.office.clock()
            life = timedelta(days=expires_days)
            with parts.pool.connection() as connection:
                token = create_token(
                    connection,
                    Role(role.value),
                    opens,
                    name if name is not None else f"{role.value}, {', '.join(agency)}"[:100],
                    life,
                    now=now,
                )
        if as_json:
            token_id = UUID(hex=token.split("_")[1])
            write_json({"token": token, "id": token_id, "expires_at": (now + life).isoformat()})
        else:
            typer.echo(token)


@app.command(
    "list", cls=Command, help=say("Les jetons, sans leur secret.", "The tokens, without secrets.")
)
def list_tokens(as_json: AsJson = False) -> None:
    with ending(as_json):
        with opened() as parts:
            tokens = _tokens(parts)
            slugs = {agency: known.slug for agency, known in agencies(parts).items()}
            now = parts.office.clock()
        if as_json:
            write_json({"tokens": [_as_json(token, slugs, now) for token in tokens]})
            return
        shown = table(
            "",
            "Id",
            say("Nom", "Name"),
            say("Rôle", "Role"),
            say("Agences", "Agencies"),
            say("Expire le", "Expires on"),
            say("Dernier usage", "Last used"),
            say("État", "State"),
        )
        for token in tokens:
            expires_on = f"{token.expires_at.astimezone(PARIS):%d/%m/%Y}"
            used_on = f"{token.last_used_on:%d/%m/%Y}" if token.last_used_on else "–"
            opens = ", ".join(slugs.get(agency, str(agency)) for agency in token.agencies)
            state = {
                "valid": say("valable", "valid"),
                "expired": say("expiré", "expired"),
                "revoked": say("révoqué", "revoked"),
            }[_state(token, now)]
            shown.add_row(
                *cells(token.id, token.name, token.role, opens, expires_on, used_on, state)
            )
        results(as_json).print(shown)


@app.command(
    "revoke",
    cls=Command,
    help=say(
        "Mettre fin à un jeton ; il n'ouvre plus rien dans la demi-minute.",
        "End a token; it opens nothing any more within half a minute.",
    ),
)
def revoke_token(
    token_id: Annotated[
        str,
        typer.Argument(metavar="ID", help=say("Son id, de la liste.", "Its id, from the list.")),
    ],
    as_json: AsJson = False,
) -> None:
    with ending(as_json):
        try:
            asked = UUID(token_id)
        except ValueError:
            raise WrongUse(
                "L'id d'un jeton est un UUID : « quittance token list » le montre.",
                "The id of a token is a UUID: “quittance token list” shows it.",
            ) from None
        with opened() as parts, parts.pool.connection() as connection:
            if not revoke(connection, asked, now=parts.office.clock()):
                raise NoSuchToken("Ce jeton n'existe pas.", "This token does not exist.")
        if as_json:
            write_json({"id": asked, "revoked": True})
        words().print(say("Le jeton est révoqué.", "The token is revoked."))


def _tokens(parts: Premises) -> list[TokenRow]:
    with parts.pool.connection() as connection:
        rows = connection.execute(
            "SELECT id, name, role, agencies, created_at, expires_at, revoked_at, last_used_on"
            " FROM tokens ORDER BY id"
        ).fetchall()
    return [TokenRow(*row) for row in rows]


def _state(token: TokenRow, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if token.expires_at <= now else "valid"


def _as_json(token: TokenRow, slugs: dict[UUID, str], now: datetime) -> dict[str, object]:
    instants = {
        name: None if instant is None else instant.isoformat()
        for name in ("created_at", "expires_at", "revoked_at")
        for instant in [getattr(token, name)]
    }
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role,
        "agencies": [slugs.get(agency, str(agency)) for agency in token.agencies],
        **instants,
        "last_used_on": token.last_used_on,
        "state": _state(token, now),
    }
