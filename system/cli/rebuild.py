"""`quittance rebuild` and `quittance check`: read models folded anew, to serve or to compare."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from uuid import UUID

import typer

from journal import HOUSE
from projections import Projection
from projections.comparing import Difference
from projections.generations import FORMER, abandon, only_one
from system.cli.ending import REFUSED, WrongUse, ending
from system.cli.language import say
from system.cli.opening import AsJson, agencies, agency_named, opened
from system.cli.output import cells, progress_with_pace, results, table, write_json
from system.office import PROJECTIONS, Premises
from system.readiness import workshop
from system.rebuild import Asked, Differs, Outcome, check, rebuild

DIFFERENT = 1
JOBS = os.cpu_count() or 1
SHOWN_DIFFERENCES = 100
MEGABYTE = 1024 * 1024

REBUILD = say(
    "Reconstruire des vues à côté de celles qui servent, comparer, puis les remplacer d'un coup.",
    "Rebuild read models beside the ones that serve, compare, then switch at once.",
)
CHECK = say(
    "Comparer chaque vue avec une relecture complète du journal ; rien ne change.",
    "Compare every read model with a fresh fold of the journal; nothing changes.",
)
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar=say("[NOM]…", "[NAME]…"), help=say("Les vues.", "The read models.")),
]
Agencies = Annotated[
    list[str] | None,
    typer.Option(
        "--agency",
        metavar=say("AGENCE", "AGENCY"),
        help=say(
            "Cette agence seulement ; plusieurs fois possible.", "This agency only; may repeat."
        ),
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs", "-j", min=1, max=64,
        help=say("Combien de processus.", "How many processes."),
    ),
]  # fmt: skip
Memory = Annotated[
    int,
    typer.Option(
        "--memory", min=64, max=1_000_000,
        metavar=say("MO", "MB"),
        help=say("Mémoire au plus, en Mo.", "Memory at most, in MB."),
    ),
]  # fmt: skip


Everything = Annotated[bool, typer.Option("--all", help=say("Toutes les vues.", "All of them."))]
Accept = Annotated[
    bool,
    typer.Option(
        "--accept",
        help=say("Remplacer même si les lignes diffèrent.", "Switch although rows differ."),
    ),
]
Abandoned = Annotated[
    bool,
    typer.Option(
        "--abandon",
        help=say("Oublier une reconstruction interrompue.", "Forget an interrupted rebuild."),
    ),
]
DropOld = Annotated[
    bool,
    typer.Option(
        "--drop-old",
        help=say("Supprimer l'ancienne génération.", "Drop the former generation."),
    ),
]


def rebuild_read_models(
    names: Names = None,
    everything: Everything = False,
    agency: Agencies = None,
    jobs: Jobs = JOBS,
    memory: Memory = 256,
    accept: Accept = False,
    abandoned: Abandoned = False,
    drop_old: DropOld = False,
    as_json: AsJson = False,
) -> None:
    with ending(as_json):
        asked = chosen(names or (), everything)
        with opened() as parts:
            if abandoned or drop_old:
                _drop(parts, asked, abandoned, drop_old, as_json)
                return
            only = _agencies(parts, agency)
            order = Asked(asked, only, jobs, memory * MEGABYTE, accept)
            with progress_with_pace(say("Reconstruction", "Rebuilding")) as report:
                try:
                    done = rebuild(workshop(parts), order, report)
                except Differs as different:
                    _show(parts, different.outcome, as_json)
                    raise typer.Exit(REFUSED) from None
            _show(parts, done, as_json)


def check_read_models(
    names: Names = None,
    agency: Agencies = None,
    jobs: Jobs = JOBS,
    memory: Memory = 256,
    as_json: AsJson = False,
) -> None:
    with ending(as_json):
        asked = chosen(names or (), not names)
        with opened() as parts:
            order = Asked(asked, _agencies(parts, agency), jobs, memory * MEGABYTE)
            with progress_with_pace(say("Comparaison", "Comparing")) as report:
                done = check(workshop(parts), order, report)
            _show(parts, done, as_json)
        if done.differences:
            raise typer.Exit(DIFFERENT)


def chosen(names: Collection[str], everything: bool) -> tuple[Projection, ...]:
    """The read models that are named; WrongUse with all names if one is not known."""
    known = [projection.name for projection in PROJECTIONS]
    unknown = sorted(set(names).difference(known))
    listed = ", ".join(known)
    if unknown:
        shown = ", ".join(unknown)
        raise WrongUse(
            f"Vue inconnue : {shown}. Il y a : {listed}.",
            f"Unknown read model: {shown}. There are: {listed}.",
        )
    if bool(names) == everything:
        raise WrongUse(
            f"Nommez des vues, ou --all. Il y a : {listed}.",
            f"Name read models, or say --all. There are: {listed}.",
        )
    return tuple(p for p in PROJECTIONS if everything or p.name in names)


def _agencies(parts: Premises, slugs: Iterable[str] | None) -> frozenset[UUID] | None:
    return frozenset(agency_named(parts, slug) for slug in slugs) if slugs else None


def _drop(
    parts: Premises,
    asked: tuple[Projection, ...],
    abandoned: bool,
    drop_old: bool,
    as_json: bool,
) -> None:
    gone: dict[str, list[str]] = {"abandoned": [], "dropped": []}
    with _alone(parts, asked) as connection:
        if abandoned:
            gone["abandoned"] = abandon(connection, asked)
        if drop_old:
            gone["dropped"] = abandon(connection, asked, "former", FORMER)
    if as_json:
        write_json(gone)
    told = ", ".join(gone["abandoned"] + gone["dropped"])
    results(as_json).print(
        say(f"Supprimé : {told}", f"Dropped: {told}")
        if told
        else say("Il n'y avait rien à supprimer.", "There was nothing to drop.")
    )


@contextmanager
def _alone(parts: Premises, asked: tuple[Projection, ...]) -> Iterator[Any]:
    with parts.connect() as connection:
        only_one(connection, [projection.name for projection in asked])
        yield connection


def slugs_of(parts: Premises) -> dict[UUID, str]:
    """What agencies are called, the house among them."""
    return {HOUSE: "house"} | {id_: made.slug for id_, made in agencies(parts).items()}


def _show(parts: Premises, done: Outcome, as_json: bool) -> None:
    slugs = slugs_of(parts)
    console = results(as_json)
    if done.differences:
        shown = table(
            say("Ce qui diffère d'une relecture du journal", "What differs from a fold of the log"),
            say("Vue", "Read model"), say("Table", "Table"), say("Agence", "Agency"),
            say("En service", "Serving"), say("Relues", "Folded"), say("Différentes", "Differing"),
            say("Premières clés", "First keys"),
        )  # fmt: skip
        for each in done.differences[:SHOWN_DIFFERENCES]:
            shown.add_row(*cells(*_told(each, slugs).values()))
        console.print(shown)
    console.print(_summary(done), soft_wrap=True)
    if as_json:
        write_json(_as_json(done, slugs))


def _told(each: Difference, slugs: dict[UUID, str]) -> dict[str, Any]:
    return {
        "projection": each.projection,
        "table": each.table,
        "agency": slugs.get(each.agency, str(each.agency)),
        "serving_rows": each.serving_rows,
        "folded_rows": each.folded_rows,
        "differing_rows": each.differing_rows,
        "first_keys": "; ".join(each.first_keys),
    }


def _summary(done: Outcome) -> str:
    names = ", ".join(done.projections)
    pace = round(done.entries / max(done.seconds, 0.001))
    told = say(
        f"{names} : {done.entries:,} écritures relues en {done.seconds:.1f} s ({pace:,}/s),"
        f" {done.compared_logs} journaux comparés.",
        f"{names}: {done.entries:,} entries folded in {done.seconds:.1f} s ({pace:,}/s),"
        f" {done.compared_logs} logs compared.",
    )
    if done.not_compared:
        told += say(
            f" {len(done.not_compared)} vues en retard n'ont pu être comparées.",
            f" {len(done.not_compared)} could not be compared: what serves is behind.",
        )
    if done.switched:
        return told + say(" Les nouvelles vues servent.", " The new rows serve.")
    if done.differences:
        return told + say(
            " Rien n'a changé. Après un rebuild, --accept remplace, --abandon oublie.",
            " Nothing was changed. After a rebuild, --accept switches, --abandon forgets.",
        )
    return told + say(" Aucune différence.", " No difference.")


def _as_json(done: Outcome, slugs: dict[UUID, str]) -> dict[str, Any]:
    return {
        "projections": list(done.projections),
        "resumed": done.resumed,
        "entries": done.entries,
        "seconds": round(done.seconds, 3),
        "compared_logs": done.compared_logs,
        "not_compared": [
            {"projection": name, "agency": slugs.get(agency, str(agency))}
            for name, agency in done.not_compared
        ],
        "differences": [_told(each, slugs) for each in done.differences],
        "switched": done.switched,
    }
