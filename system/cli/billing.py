"""`quittance bill`: issue the invoices of a month."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from domain.period import Period
from domain.words import euros, month_name
from system.billing import Billed, Outlook, bill, look_out, refuse_too_far_ahead
from system.cli.ending import ending
from system.cli.language import language, say
from system.cli.opening import AgencyName, AsJson, agency_named, opened
from system.cli.output import progress, results, waiting, words, write_json

HELP = say(
    "Émettre les factures d'un mois : chaque bail en cours une fois, sans trou de numéros."
    " Arrêtée en route, la même commande fait le reste.",
    "Issue the invoices of a month: every running lease once, no gap in the numbers. Stopped on"
    " the way, the same command does the rest.",
)


def bill_month(
    period: Annotated[
        str,
        typer.Argument(
            metavar=say("MOIS", "MONTH"), help=say("Par exemple 2026-11.", "For example 2026-11.")
        ),
    ],
    agency: AgencyName,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help=say("Compter, ne rien émettre.", "Reckon, issue nothing."),
        ),
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help=say(
                "Émettre aussi un mois éloigné de plus de deux mois.",
                "Issue also a month that is more than two months ahead.",
            ),
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    with ending(as_json):
        month = Period.parse(period)
        billed = _bill(month, agency, dry_run=dry_run, force=force)
        results(as_json).print(_told(billed, month, dry_run))
        if as_json:
            write_json(asdict(billed))


def _bill(month: Period, slug: str, *, dry_run: bool, force: bool) -> Billed:
    with opened() as parts:
        agency = agency_named(parts, slug)
        with waiting(say("Les vues se mettent à jour…", "The read models catch up…")):
            outlook = look_out(parts, agency, month)
        if not force:
            refuse_too_far_ahead(outlook, month)
        _warn(outlook, month)
        with progress(say(f"Factures de {month}", f"Invoices of {month}")) as on_progress:
            return bill(
                parts.office,
                agency,
                month,
                outlook.leases,
                dry_run=dry_run,
                on_progress=on_progress,
            )


def _warn(outlook: Outlook, month: Period) -> None:
    if outlook.in_former_books:
        words().print(
            say(
                f"Attention : {outlook.in_former_books} baux ont été repris avec un solde arrêté"
                f" après {month_name(month, 'fr')}, qui peut déjà contenir ce mois.",
                f"Mind: {outlook.in_former_books} leases were taken over with a balance of a day"
                f" after {month_name(month, 'en')}, which may contain that month already.",
            ),
            style="yellow",
        )


def _told(billed: Billed, month: Period, dry_run: bool) -> str:
    name, total = month_name(month, language()), euros(billed.total_cents, language())
    told = say(
        f"{billed.invoices} factures pour {name}, {total} au total ;"
        f" {billed.already_issued} étaient déjà émises.",
        f"{billed.invoices} invoices for {name}, {total} in all;"
        f" {billed.already_issued} were issued before.",
    )
    dry = say("À blanc, rien n'est émis :", "Dry run, nothing is issued:")
    return f"{dry} {told}" if dry_run else told
