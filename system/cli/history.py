"""`quittance history`: who did what, when and why, as a readable timeline."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated

import typer
from rich.text import Text

from domain.words import PARIS, short_date
from system.cli.ending import ending
from system.cli.language import Command, language, new_group, say
from system.cli.opening import AsJson, agencies, agency_or_only_one, opened
from system.cli.output import results, waiting, write_json
from system.readiness import catch_up
from system.story import Moment, Story, Subject, tell_story

app = new_group(
    say(
        "L'histoire d'un bail, d'un paiement, d'une facture, d'une personne.",
        "The history of a lease, a payment, an invoice, a person.",
    )
)

OptionalAgency = Annotated[
    str | None,
    typer.Option(
        "--agency",
        metavar=say("AGENCE", "AGENCY"),
        help=say("L'agence, s'il y en a plusieurs.", "The agency, if there are several."),
    ),
]


def _reference(fr: str, en: str) -> typer.models.ArgumentInfo:
    return typer.Argument(metavar="REF", help=say(fr, en))  # type: ignore[no-any-return]


@app.command(cls=Command, help=say("L'histoire d'un bail.", "The history of a lease."))
def lease(
    reference: Annotated[
        str, _reference("Sa référence, B-00012, ou son id.", "Its reference, B-00012, or its id.")
    ],
    agency: OptionalAgency = None,
    as_json: AsJson = False,
) -> None:
    _show(Subject.LEASE, reference, agency, as_json)


@app.command(cls=Command, help=say("L'histoire d'un paiement.", "The history of a payment."))
def payment(
    reference: Annotated[
        str,
        _reference("Son id, ou le numéro de son ticket.", "Its id, or the number of its ticket."),
    ],
    agency: OptionalAgency = None,
    as_json: AsJson = False,
) -> None:
    _show(Subject.PAYMENT, reference, agency, as_json)


@app.command(cls=Command, help=say("L'histoire d'une facture.", "The history of an invoice."))
def invoice(
    reference: Annotated[
        str, _reference("Son numéro, F-2026-000042, ou son id.", "Its number, or its id.")
    ],
    agency: OptionalAgency = None,
    as_json: AsJson = False,
) -> None:
    _show(Subject.INVOICE, reference, agency, as_json)


@app.command(cls=Command, help=say("L'histoire d'une personne.", "The history of a person."))
def party(
    reference: Annotated[
        str, _reference("Sa référence client, ou son id.", "Their client reference, or their id.")
    ],
    agency: OptionalAgency = None,
    as_json: AsJson = False,
) -> None:
    _show(Subject.PARTY, reference, agency, as_json)


def _show(subject: Subject, reference: str, agency: str | None, as_json: bool) -> None:
    with ending(as_json):
        with opened() as parts:
            books = agency_or_only_one(parts, agency)
            with waiting(say("Les vues se mettent à jour…", "The read models catch up…")):
                catch_up(parts, books)
            story = tell_story(parts, books, subject, reference, language())
            slug = agency or agencies(parts)[books].slug
        if as_json:
            write_json(_as_json(story, reference, slug))
            return
        console = results(as_json)
        for line in _lines(story, reference, slug):
            console.print(line, soft_wrap=True)


def _lines(story: Story, reference: str, slug: str) -> list[Text]:
    lines = [Text(f"{_SUBJECTS[story.subject]()} {reference} · {slug}", style="bold")]
    for _, of_one_command in groupby(story.moments, key=lambda moment: moment.command_id):
        moments = list(of_one_command)
        lines += [Text(), _head(moments[0])]
        lines += [_line(moment) for moment in moments]
        causes = dict.fromkeys(moment.because for moment in moments if moment.because)
        lines += [Text(f"    {say('parce que', 'because')} : {cause}") for cause in causes]
    return lines


def _head(moment: Moment) -> Text:
    at = moment.recorded_at.astimezone(PARIS)
    behalf = say("pour", "on behalf of")
    who = moment.who + (f", {behalf} {moment.on_behalf_of}" if moment.on_behalf_of else "")
    head = Text(f"{at:%d/%m/%Y %H:%M:%S}  {who}", style="cyan")
    head.append(f"  {say('demande', 'request')} {moment.command_id}", style="dim")
    return head


def _line(moment: Moment) -> Text:
    line = Text(f"  · {moment.told}")
    if moment.effective_on != moment.recorded_at.astimezone(PARIS).date():
        line.append(f" ({say('au', 'as of')} {short_date(moment.effective_on)})", style="dim")
    return line


_SUBJECTS = {
    Subject.LEASE: lambda: say("Bail", "Lease"),
    Subject.PAYMENT: lambda: say("Paiement", "Payment"),
    Subject.INVOICE: lambda: say("Facture", "Invoice"),
    Subject.PARTY: lambda: say("Personne", "Person"),
}


def _as_json(story: Story, reference: str, slug: str) -> dict[str, object]:
    return {
        "subject": story.subject.value,
        "reference": reference,
        "id": story.about,
        "agency": slug,
        "moments": [
            {
                "position": moment.position,
                "recorded_at": moment.recorded_at.isoformat(),
                "effective_on": moment.effective_on.isoformat(),
                "name": moment.name,
                "told": moment.told,
                "actor": moment.actor,
                "who": moment.who,
                "on_behalf_of": moment.on_behalf_of,
                "because": moment.because,
                "command_id": moment.command_id,
                "correlation_id": moment.correlation_id,
                "causation_id": moment.causation_id,
            }
            for moment in story.moments
        ],
    }
