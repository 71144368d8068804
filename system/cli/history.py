"""`quittance history`: who did what, when and why, as a readable timeline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

import typer
from rich.text import Text

from access import tokens
from projections.story import Link, Reader, chain, moments
from projections.subjects import Subject, Window, entries_in, ids_of, window
from projections.two_dates import KnownAt, read_known_at
from system.cli.ending import ending
from system.cli.language import Command, language, new_group, say
from system.cli.moments import as_json, lines
from system.cli.opening import AsJson, agencies, agency_or_only_one, opened
from system.cli.output import results, waiting, words, write_json
from system.readiness import catch_up

MOST_IN_JSON = 1_000
"""Entries of a period in the one JSON object, unless told otherwise; `next` goes on."""
AT_ONCE = 500
"""Entries that are read and told at a time, however long the history is."""

app = new_group(
    say(
        "L'histoire d'un bail, d'un compte, d'un paiement, d'une facture, d'une personne, d'un"
        " intervenant, d'une période.",
        "The history of a lease, an account, a payment, an invoice, a person, an agent, a period.",
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
_WHEN = say("une date, un instant ou une position", "a date, an instant or a position")
Since = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar=say("DÉBUT", "START"),
        help=say(f"À partir de quand : {_WHEN}.", f"From when on: {_WHEN}."),
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar=say("FIN", "END"),
        help=say(f"Jusqu'à quand, compris : {_WHEN}.", f"Until when, included: {_WHEN}."),
    ),
]
AsChain = Annotated[
    bool,
    typer.Option(
        "--chain",
        help=say(
            "De cause à effet, avec ce qui a suivi ailleurs.",
            "From cause to effect, with what followed elsewhere.",
        ),
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        min=1,
        help=say(
            "Au plus tant d'écritures ; --after donne la suite.",
            "At most so many entries; --after goes on.",
        ),
    ),
]
After = Annotated[
    int,
    typer.Option("--after", min=0, help=say("Après cette position.", "After this position.")),
]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for, as it was typed."""

    subject: Subject
    reference: str
    since: str | None
    until: str | None
    after: int
    limit: int | None
    as_chain: bool
    as_json: bool


@dataclass(slots=True)
class _Told:
    """What has been told so far."""

    wish: Wish
    slug: str
    last: int
    count: int = 0
    more: bool = False
    begun: bool = False
    json: list[dict[str, object]] = field(default_factory=list)


_HELP = {
    Subject.LEASE: (
        "L'histoire d'un bail. REF : sa référence, B-00012, ou son id.",
        "The history of a lease. REF: its reference, B-00012, or its id.",
    ),
    Subject.ACCOUNT: (
        "L'histoire d'un compte de loyer. REF : la référence de son bail, ou un id.",
        "The history of a rent account. REF: its lease's reference, or an id.",
    ),
    Subject.PAYMENT: (
        "L'histoire d'un paiement. REF : son id, ou le numéro de son ticket.",
        "The history of a payment. REF: its id, or the number of its ticket.",
    ),
    Subject.INVOICE: (
        "L'histoire d'une facture. REF : son numéro, F-2026-000042, ou son id.",
        "The history of an invoice. REF: its number, F-2026-000042, or its id.",
    ),
    Subject.PARTY: (
        "L'histoire d'une personne. REF : sa référence client, ou son id.",
        "The history of a person. REF: their client reference, or their id.",
    ),
    Subject.AGENT: (
        "Tout ce qu'un intervenant a fait. REF : le nom ou l'id d'un jeton, ou clock, operator,"
        " reaction, webhook.",
        "All that an agent did. REF: a token's name or id, or clock, operator, reaction, webhook.",
    ),
}


def _offer(subject: Subject) -> None:
    def tell_history(
        reference: Annotated[str, typer.Argument(metavar="REF")],
        agency: OptionalAgency = None,
        since: Since = None,
        until: Until = None,
        after: After = 0,
        limit: Limit = None,
        as_chain: AsChain = False,
        as_json: AsJson = False,
    ) -> None:
        _show(Wish(subject, reference, since, until, after, limit, as_chain, as_json), agency)

    app.command(subject.value, cls=Command, help=say(*_HELP[subject]))(tell_history)


for _subject in _HELP:
    _offer(_subject)


@app.command(
    cls=Command,
    help=say(
        "Tout ce qui s'est passé entre deux dates ou positions.",
        "All that happened between two dates or positions.",
    ),
)
def period(
    since: Since = None,
    until: Until = None,
    agency: OptionalAgency = None,
    after: After = 0,
    limit: Limit = None,
    as_chain: AsChain = False,
    as_json: AsJson = False,
) -> None:
    reference = f"{since or '…'} – {until or '…'}"
    if as_json and limit is None:
        limit = MOST_IN_JSON
    wish = Wish(Subject.PERIOD, reference, since, until, after, limit, as_chain, as_json)
    _show(wish, agency)


def _show(wish: Wish, agency: str | None) -> None:
    with ending(wish.as_json):
        since, until = _bound(wish.since), _bound(wish.until)
        with opened() as parts:
            books = agency_or_only_one(parts, agency)
            with waiting(say("Les vues se mettent à jour…", "The read models catch up…")):
                catch_up(parts, books)
            slug = agency or agencies(parts)[books].slug
            with parts.pool.connection() as connection:
                reader = Reader(connection, parts.journal, books, language(), tokens)
                about = ids_of(reader, wish.subject, wish.reference)
                stretch = window(reader, since, until)
                told = _Told(wish, slug, wish.after)
                for page in _pages(reader, about, stretch, told):
                    _tell(told, page)
        _end(told, about)


def _bound(written: str | None) -> KnownAt | None:
    return None if written is None else read_known_at(written)


def _pages(
    reader: Reader, about: list[UUID] | None, stretch: Window, told: _Told
) -> Iterator[list[Link]]:
    """The history in pieces, so that a long one needs no memory."""
    while True:
        left = AT_ONCE if told.wish.limit is None else told.wish.limit - told.count
        entries = entries_in(reader, about, stretch, told.last, min(left, AT_ONCE))
        if not entries:
            return
        told.last, told.count = entries[-1].position, told.count + len(entries)
        if told.wish.as_chain:
            yield chain(reader, entries)
        else:
            yield [Link(0, moment) for moment in moments(reader, entries)]
        if told.wish.limit is not None and told.count >= told.wish.limit:
            told.more = bool(entries_in(reader, about, stretch, told.last, 1))
            return


def _tell(told: _Told, page: list[Link]) -> None:
    if told.wish.as_json:
        told.json += [as_json(link) for link in page]
        return
    console = results(as_json=False)
    if not told.begun:
        told.begun = True
        title = f"{_TITLES[told.wish.subject]()} {told.wish.reference} · {told.slug}"
        console.print(Text(title, style="bold"), soft_wrap=True)
    for line in lines(page):
        console.print(line, soft_wrap=True)


def _end(told: _Told, about: list[UUID] | None) -> None:
    if told.wish.as_json:
        answer: dict[str, object] = {
            "subject": told.wish.subject.value,
            "reference": told.wish.reference,
            "id": about[0] if about else None,
            "agency": told.slug,
            "moments": told.json,
            "next": told.last if told.more else None,
        }
        write_json(answer)
    elif not told.count:
        words().print(say("Rien dans cette période.", "Nothing in this period."))
    elif told.more:
        words().print(say(f"La suite : --after {told.last}", f"There is more: --after {told.last}"))


_TITLES = {
    Subject.LEASE: lambda: say("Bail", "Lease"),
    Subject.ACCOUNT: lambda: say("Compte du bail", "Account of lease"),
    Subject.PAYMENT: lambda: say("Paiement", "Payment"),
    Subject.INVOICE: lambda: say("Facture", "Invoice"),
    Subject.PARTY: lambda: say("Personne", "Person"),
    Subject.AGENT: lambda: say("Intervenant", "Agent"),
    Subject.PERIOD: lambda: say("Période", "Period"),
}
