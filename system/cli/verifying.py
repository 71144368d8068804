"""`quittance verify`: whether the journals are what was written, and what was done to them."""

from __future__ import annotations

import os
from typing import Annotated
from uuid import UUID

import typer

from journal import HOUSE
from journal.tampering import Finding, Kind
from system.cli.ending import WrongUse, ending
from system.cli.language import say
from system.cli.opening import AsJson, agencies, agency_named, opened
from system.cli.output import cells, progress, results, table, write_json
from system.verification import Evidence, verify_all

TAMPERED = 1
HELP = say(
    "Vérifier les journaux : recalculer toutes les empreintes, les comparer aux ancrages, nommer"
    " ce qui a été altéré. Code 0 si tout est intact, 1 sinon.",
    "Verify the journals: recompute all hashes, compare them with the anchors, name what was"
    " tampered with. Exit code 0 if all is intact, 1 if not.",
)
KINDS = {
    Kind.EDITED: ("modifiée", "edited"),
    Kind.DELETED: ("supprimée", "deleted"),
    Kind.INSERTED: ("insérée", "inserted"),
    Kind.REORDERED: ("déplacée dans le journal", "reordered"),
    Kind.SWAPPED: ("prise à une autre agence", "taken from another agency"),
    Kind.CUT: ("fin du journal coupée", "end of the journal cut off"),
    Kind.HEAD: (
        "la tête du journal ne dit pas la dernière écriture",
        "the journal's head is not its last entry",
    ),
    Kind.TURNED_BACK: ("plus ancienne que la précédente", "earlier than the one before"),
    Kind.REWRITTEN: ("journal récrit, contraire à l'ancrage", "rewritten, against the anchor"),
    Kind.ANCHOR_MISSING: ("ancrage disparu", "anchor missing"),
    Kind.ANCHOR_UNREADABLE: ("ancrage illisible", "anchor unreadable"),
    Kind.ANCHOR_UNSIGNED: (
        "ancrage sans signature valable",
        "anchor without a valid signature",
    ),
    Kind.ANCHOR_FOREIGN: ("ancrage signé d'une autre clé", "anchor signed by another key"),
    Kind.ANCHOR_ALTERED: (
        "ancrage dont les têtes ne sont pas celles qui ont été signées",
        "anchor whose heads are not those that were signed",
    ),
    Kind.ANCHORS_CONTRADICT: (
        "ancrage qui en contredit un autre",
        "anchor that contradicts another",
    ),
}


def verify(
    agency: Annotated[
        str | None,
        typer.Option(
            metavar=say("AGENCE", "AGENCY"),
            help=say("Une agence seulement.", "One agency only."),
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, max=64, help=say("Processus à la fois.", "Processes at once.")),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help=say(
                "La clé publique des ancrages, si ce n'est pas celle de cette machine.",
                "The anchors' public key, if it is not this machine's.",
            )
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    with ending(as_json):
        public = None if key is None else _public_key(key)
        with opened() as parts:
            only = None if agency is None else agency_named(parts, agency)
            with progress(say("Écritures vérifiées", "Entries verified")) as report:
                seen = verify_all(
                    parts.settings, parts.url, only=only, key=public, report=report,
                    jobs=jobs or len(os.sched_getaffinity(0)),
                )  # fmt: skip
            slugs = {known: created.slug for known, created in agencies(parts).items()}
        slugs[HOUSE] = say("(maison)", "(house)")
        if as_json:
            write_json(_as_json(seen, slugs))
        _show(seen, slugs, as_json)
        if seen.findings:
            raise typer.Exit(TAMPERED)


def _public_key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise WrongUse(
            "Une clé publique compte 64 chiffres hexadécimaux, voir « quittance anchor key ».",
            "A public key is 64 hexadecimal digits, see “quittance anchor key”.",
        )
    return key


def _show(seen: Evidence, slugs: dict[UUID, str], as_json: bool) -> None:
    console = results(as_json)
    if seen.findings:
        shown = table(
            say("Ce qui a été altéré", "What was tampered with"),
            say("Agence", "Agency"),
            "Position",
            say("Flux", "Stream"),
            "Version",
            say("Constat", "Finding"),
        )
        for finding in seen.findings:
            shown.add_row(*cells(*_row(finding, slugs)))
        console.print(shown)
    told = say(
        f"{seen.events} écritures de {seen.agencies} journaux, {seen.anchors} ancrages.",
        f"{seen.events} entries of {seen.agencies} journals, {seen.anchors} anchors.",
    )
    verdict = (
        say(f"{len(seen.findings)} anomalies.", f"{len(seen.findings)} findings.")
        if seen.findings
        else say("Tout est intact.", "All is intact.")
    )
    console.print(f"{told} {verdict}")
    if not seen.anchors and not seen.findings:
        console.print(
            say(
                "Sans ancrage, une fin coupée avec soin ne se verrait pas : « quittance anchor ».",
                "Without an anchor, an end that was cut off with care would not show:"
                " “quittance anchor”.",
            )
        )


def _row(finding: Finding, slugs: dict[UUID, str]) -> list[object]:
    told = say(*KINDS[finding.kind])
    if finding.belongs is not None:
        agency, position = finding.belongs
        told += say(" ; sa place : ", "; its place: ") + f"{slugs.get(agency, agency)} {position}"
    if finding.anchor is not None:
        told += say(f" ; ancrage {finding.anchor}", f"; anchor {finding.anchor}")
    places = str(finding.position)
    if finding.up_to != finding.position:
        places += f"–{finding.up_to}"
    agency_id = finding.agency
    return [
        slugs.get(agency_id, agency_id) if agency_id else "–",
        places if finding.position or finding.up_to else "–",
        finding.stream or "–",
        "–" if finding.version is None else finding.version,
        told,
    ]


def _as_json(seen: Evidence, slugs: dict[UUID, str]) -> dict[str, object]:
    return {
        "intact": not seen.findings,
        "agencies": seen.agencies,
        "events": seen.events,
        "anchors": seen.anchors,
        "findings": [
            {
                "kind": finding.kind.value,
                "agency": slugs.get(finding.agency) if finding.agency else None,
                "agency_id": finding.agency,
                "position": finding.position,
                "up_to": finding.up_to,
                "stream": finding.stream,
                "version": finding.version,
                "belongs_to": None
                if finding.belongs is None
                else {"agency_id": finding.belongs[0], "position": finding.belongs[1]},
                "anchor": finding.anchor,
            }
            for finding in seen.findings
        ],
    }
