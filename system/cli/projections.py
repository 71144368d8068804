"""`quittance projections`: how the read models stand, and letting a stopped agency go on."""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated, Any
from uuid import UUID

import typer

from journal.wakeup import CHANNEL
from projections.generations import generations, release, wanted
from projections.standing import ReadModelStanding, alarm, being_built, standings
from system.cli.ending import ending
from system.cli.language import Command, new_group, say
from system.cli.opening import AsJson, agency_named, opened
from system.cli.output import cells, results, table, write_json
from system.cli.rebuild import chosen, slugs_of
from system.office import PROJECTIONS, Premises

SHOWN_AGENCIES = 100

app = new_group(
    say("L'état des vues ; « release » relance.", "How read models stand; “release” lets go on."),
    invoke_without_command=True,
    no_args_is_help=False,
)


@app.callback()
def projections(context: typer.Context, as_json: AsJson = False) -> None:
    if context.invoked_subcommand is not None:
        return
    with ending(as_json), opened() as parts:
        told = _look(parts)
        if as_json:
            write_json({"projections": told})
            return
        _show(told)


@app.command(
    "release",
    cls=Command,
    help=say(
        "Relancer une vue arrêtée, une fois la cause réparée ; le projecteur reprend aussitôt.",
        "Let a stopped read model go on, once the cause is mended; the projector resumes at once.",
    ),
)
def release_stopped(
    name: Annotated[
        str,
        typer.Argument(metavar=say("NOM", "NAME"), help=say("La vue.", "The read model.")),
    ],
    agency: Annotated[
        list[str] | None,
        typer.Option(
            metavar=say("AGENCE", "AGENCY"),
            help=say("Cette agence ; sinon toutes.", "This agency; else all of them."),
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    with ending(as_json):
        (projection,) = chosen([name], False)
        with opened() as parts:
            only = [agency_named(parts, slug) for slug in agency] if agency else None
            with parts.connect() as connection:
                released = release(connection, projection.name, only)
                connection.execute("SELECT pg_notify(%s, '')", [CHANNEL])
            slugs = slugs_of(parts)
        told = sorted(slugs.get(each, str(each)) for each in released)
        if as_json:
            write_json({"projection": name, "released": told})
        listed = ", ".join(told) or say("aucune n'était arrêtée", "none was stopped")
        results(as_json).print(say(f"Relancées : {listed}.", f"Released: {listed}."))


def _look(parts: Premises) -> list[dict[str, Any]]:
    names = [projection.name for projection in PROJECTIONS]
    slugs = slugs_of(parts)
    with parts.connect() as connection:
        by_name: dict[str, list[ReadModelStanding]] = defaultdict(list)
        for each in standings(connection, names):
            by_name[each.projection].append(each)
        serving = generations(connection, "serving")
        former = generations(connection, "former")
        building = being_built(connection)
        waiting = {projection.name for projection in wanted(connection, PROJECTIONS)}
    told = []
    for name in names:
        served = serving.get(name)
        some = by_name[name]
        told.append(
            {
                "name": name,
                "state": _state(some, name in building, name in waiting),
                "generation": max([each.generation for each in some], default=0),
                "version": None if served is None else served.version,
                "rebuilt_at": max((e.rebuilt_at for e in some if e.rebuilt_at), default=None),
                "former_kept": name in former,
                "building": building.get(name),
                "lag_events": max([each.lag_events for each in some], default=0),
                "lag_seconds": round(max([each.lag_seconds for each in some], default=0.0), 3),
                "agencies": [_told(each, slugs) for each in some],
            }
        )
    return told


def _state(some: list[ReadModelStanding], building: bool, waiting: bool) -> str:
    if waiting:
        return "to_be_built"
    if building:
        return "rebuilding"
    if any(each.error for each in some):
        return "stopped"
    worst = alarm(max([each.lag_seconds for each in some], default=0.0))
    return ("following", "late", "too_late")[worst]


def _told(each: ReadModelStanding, slugs: dict[UUID, str]) -> dict[str, Any]:
    return {
        "agency": slugs.get(each.agency, str(each.agency)),
        "position": each.position,
        "generation": each.generation,
        "lag_events": each.lag_events,
        "lag_seconds": round(each.lag_seconds, 3),
        "as_of_at": each.as_of_at,
        "rebuilt_at": each.rebuilt_at,
        "error": each.error,
        "traceback": each.traceback,
    }


_STATES = {
    "to_be_built": ("à construire", "to be built"),
    "rebuilding": ("en reconstruction", "rebuilding"),
    "stopped": ("arrêtée", "stopped"),
    "following": ("à jour", "following"),
    "late": ("en retard (> 5 s)", "late (> 5 s)"),
    "too_late": ("en retard (> 24 h)", "too late (> 24 h)"),
}


def _show(told: list[dict[str, Any]]) -> None:
    console = results(False)
    shown = table(
        say("Vues", "Read models"), say("Nom", "Name"), say("État", "State"),
        say("Génération", "Generation"), say("Retard", "Behind"), say("Reconstruite", "Rebuilt"),
        say("Ancienne gardée", "Former kept"), say("Agences arrêtées", "Stopped agencies"),
    )  # fmt: skip
    for each in told:
        state = say(*_STATES[each["state"]])
        if each["building"]:
            done, total = each["building"]
            state += f" {100 * done // max(1, total)} %"
        rebuilt = each["rebuilt_at"]
        shown.add_row(
            *cells(
                each["name"], state, each["generation"],
                f"{each['lag_events']} / {each['lag_seconds']:.1f} s",
                "–" if rebuilt is None else f"{rebuilt:%Y-%m-%d %H:%M} UTC",
                say("oui", "yes") if each["former_kept"] else "–",
                ", ".join(a["agency"] for a in each["agencies"] if a["error"]) or "–",
            )
        )  # fmt: skip
    console.print(shown)
    _show_agencies(told)
    for each in told:
        for agency in each["agencies"]:
            if agency["error"]:
                console.print(f"\n{each['name']}, {agency['agency']}: {agency['error']}")
                console.print(agency["traceback"] or "")


def _show_agencies(told: list[dict[str, Any]]) -> None:
    """Each agency by what is furthest behind in it; the latest first."""
    worst: dict[str, tuple[float, int, int, str]] = {}
    for each in told:
        for agency in each["agencies"]:
            standing = (
                agency["lag_seconds"], agency["lag_events"], agency["position"], each["name"],
            )  # fmt: skip
            worst[agency["agency"]] = max(worst.get(agency["agency"], standing), standing)
    shown = table(
        say("Agences", "Agencies"), say("Agence", "Agency"), say("Position", "Position"),
        say("Retard", "Behind"), say("Vue la plus en retard", "Furthest behind"),
    )  # fmt: skip
    latest = sorted(worst.items(), key=lambda item: (*(-n for n in item[1][:2]), item[0]))
    for name, (seconds, events, position, projection) in latest[:SHOWN_AGENCIES]:
        behind = projection if events else "–"
        shown.add_row(*cells(name, position, f"{events} / {seconds:.1f} s", behind))
    console = results(False)
    console.print(shown)
    if len(worst) > SHOWN_AGENCIES:
        more = len(worst) - SHOWN_AGENCIES
        console.print(say(f"… et {more} autres ; --json les a toutes.",
                          f"… and {more} more; --json has them all."))  # fmt: skip
