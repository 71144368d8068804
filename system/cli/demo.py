"""`quittance demo`: fill a database with many agencies and years of history, to try it at size."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from time import monotonic
from typing import Annotated

import typer

from commands import PARIS
from domain.period import Period
from system.cli.ending import WrongUse, ending
from system.cli.language import say
from system.cli.opening import AsJson, opened
from system.cli.output import progress, results, write_json
from system.demo_loading import Made, make
from system.demo_many import MOST_LEASES, MOST_MONTHS, Plan, months_until

HELP = say(
    "Fabriquer une grande démonstration : des agences entières, avec leurs baux, factures,"
    " paiements et quittances. N'écrit jamais dans une agence qui existe.",
    "Make a big demo: whole agencies with their leases, invoices, payments and receipts. Never"
    " writes into an agency that exists.",
)

_PREFIX = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

Agencies = Annotated[
    int, typer.Option(min=1, max=999, help=say("Combien d'agences.", "How many agencies."))
]
Leases = Annotated[
    int,
    typer.Option(
        min=1, max=MOST_LEASES, help=say("Combien de baux chacune.", "How many leases each.")
    ),
]
Months = Annotated[
    int,
    typer.Option(
        min=1, max=MOST_MONTHS, help=say("Combien de mois passés.", "How many past months.")
    ),
]
Seed = Annotated[
    int, typer.Option(help=say("La même graine donne la même chose.", "The same seed, the same."))
]
Prefix = Annotated[
    str,
    typer.Option(
        help=say(
            "Le début du nom court des agences : parc-001, parc-002…",
            "What the short names of the agencies begin with: parc-001, parc-002…",
        )
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        min=1, max=64, help=say("Combien de processus à la fois.", "How many processes at once.")
    ),
]


def demo(
    agencies: Agencies = 100,
    leases: Leases = 30,
    months: Months = 24,
    seed: Seed = 1,
    prefix: Prefix = "parc",
    jobs: Jobs = 2,
    as_json: AsJson = False,
) -> None:
    with ending(as_json):
        if not _PREFIX.fullmatch(prefix):
            raise WrongUse(
                "--prefix n'a que des minuscules sans accent, des chiffres et des tirets.",
                "--prefix has only lower-case letters without accents, digits and hyphens.",
            )
        last = Period.of(datetime.now(UTC).astimezone(PARIS).date()).previous()
        plan = Plan(agencies, leases, months_until(last, months), seed, prefix)
        with opened() as parts:
            begun = monotonic()
            with progress(say("Écritures", "Events")) as on_progress:
                made = make(parts, plan, jobs=jobs, report=on_progress)
            _tell(plan, made, monotonic() - begun, as_json)


def _tell(plan: Plan, made: Made, seconds: float, as_json: bool) -> None:
    rate = int(made.events / seconds)
    if as_json:
        write_json({**made._asdict(), "seconds": round(seconds, 3), "events_per_second": rate})
        return
    first, last = plan.slug(1), plan.slug(plan.agencies)
    results(as_json).print(
        say(
            f"{made.agencies} agences, {made.events} écritures en {seconds:.1f} s"
            f" ({rate}/s), de {first} à {last}.",
            f"{made.agencies} agencies, {made.events} events in {seconds:.1f} s"
            f" ({rate}/s), from {first} to {last}.",
        ),
        soft_wrap=True,
    )
