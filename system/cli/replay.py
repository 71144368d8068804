"""`quittance replay`: how something stood on one date, as it was known at another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from pydantic_core import from_json, to_json
from rich.table import Table
from rich.text import Text

from access import tokens
from domain.words import PARIS, euros, short_date
from projections.hindsight import Hindsight, as_answer, hindsight
from projections.replay import Part, Replayed
from projections.replay_words import (
    kind_told,
    part_named,
    part_told,
    status_told,
    terms_told,
    value_told,
)
from projections.story import Moment, Reader
from projections.subjects import lease_id_of
from projections.two_dates import read_as_of, read_known_at, told
from system.cli.ending import ending
from system.cli.history import OptionalAgency
from system.cli.language import Command, language, new_group, say
from system.cli.opening import AsJson, agency_or_only_one, opened
from system.cli.output import cells, results, table, waiting, write_json
from system.readiness import catch_up

app = new_group(
    say(
        "Relire l'état d'un bail à une date, tel que connu à une autre.",
        "Replay the state of a lease on one date, as known at another.",
    )
)


@app.callback()
def _group() -> None:
    """A group, even while there is one thing in it."""


Reference = Annotated[
    str,
    typer.Argument(
        metavar="REF",
        help=say("Sa référence, B-00012, ou son id.", "Its reference, B-00012, or its id."),
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="DATE",
        help=say(
            "La situation à cette date, fin du jour à Paris ; aujourd'hui si rien n'est dit.",
            "As true on this date, the end of the day in Paris; today if not said.",
        ),
    ),
]
KnownAtText = Annotated[
    str | None,
    typer.Option(
        "--known-at",
        metavar="DATE|INSTANT|POSITION",
        help=say(
            "Telle que connue alors : 2026-11-07, 2026-11-07T14:30 ou la position 1234.",
            "As known then: 2026-11-07, 2026-11-07T14:30 or position 1234.",
        ),
    ),
]
WithDifference = Annotated[
    bool,
    typer.Option(
        "--diff",
        help=say(
            "Ce que la suite en a changé, et quels événements.",
            "What later knowledge changed of it, and which events did.",
        ),
    ),
]


@app.command(
    cls=Command,
    help=say(
        "L'état et le solde d'un bail, tels que vrais à une date et connus à une autre.",
        "The state and balance of a lease, as true on one date and known at another.",
    ),
)
def lease(
    reference: Reference,
    as_of: AsOf = None,
    known_at: KnownAtText = None,
    diff: WithDifference = False,
    agency: OptionalAgency = None,
    as_json: AsJson = False,
) -> None:
    with ending(as_json):
        on = None if as_of is None else read_as_of(as_of)
        known = None if known_at is None else read_known_at(known_at)
        with opened() as parts:
            books = agency_or_only_one(parts, agency)
            with waiting(say("Les vues se mettent à jour…", "The read models catch up…")):
                catch_up(parts, books)
            with parts.pool.connection() as connection:
                reader = Reader(connection, parts.journal, books, language(), tokens)
                about = lease_id_of(reader, reference)
                answer = hindsight(reader, about, on, known, parts.office.clock(), diff=diff)
        if as_json:
            write_json(_as_json(reference, answer))
            return
        console = results(as_json)
        for shown in _shown(reference, answer):
            console.print(shown, soft_wrap=isinstance(shown, Text))


def _shown(reference: str, answer: Hindsight) -> Iterator[Text | Table]:
    state, speak = answer.state, language()
    yield Text(f"{say('Bail', 'Lease')} {reference}, {told(state.dates, speak)}", style="bold")
    if state.lease is None:
        yield Text(_nothing(answer))
    else:
        yield from _state(state)
    if answer.differences is not None:
        yield from _differences(answer)


def _nothing(answer: Hindsight) -> str:
    first = answer.now.positions[0] if answer.now.positions else None
    return say(
        "Rien n'était connu de ce bail ; sa première écriture est à la position"
        f" {first}. Choisissez une date de connaissance plus tardive.",
        f"Nothing was known of this lease; its first entry is at position {first}. Choose a later"
        " date of knowledge.",
    )


def _state(state: Replayed) -> Iterator[Text | Table]:
    lease, account, speak = state.lease, state.account, language()
    assert lease is not None
    yield Text(f"  {status_told(lease, speak)}")
    since = say("depuis le", "since")
    yield Text(
        f"  {terms_told(lease.terms, speak)} ({since} {short_date(lease.terms_from_on)},"
        f" #{lease.made_by['terms']})"
    )
    for tenant in state.tenants:
        yield Text(f"  {tenant.client_reference}  {tenant.name}")
    yield Text()
    balances: tuple[tuple[Part, int], ...] = (
        ("booked", account.booked_cents),
        ("confirmed", account.confirmed_cents),
        ("settled", account.settled_cents),
        ("credit", account.credit_cents),
    )
    for part, cents in balances:
        yield Text(f"  {part_named(part, speak)} : {euros(cents, speak)}")
    yield from _lines_of(state)


def _lines_of(state: Replayed) -> Iterator[Text | Table]:
    speak, account = language(), state.account
    if account.open_charges:
        open_ = table(
            say("Reste dû", "Still open"), say("Échéance", "Due"), say("Quoi", "What"),
            say("Appelé", "Called for"), say("Payé", "Paid"), say("Reste", "Open"),
        )  # fmt: skip
        for c in account.open_charges:
            amounts = (c.amount_cents, c.paid_cents, c.open_cents)
            what = " ".join(filter(None, (kind_told(c.kind, speak), c.period)))
            open_.add_row(
                *cells(short_date(c.due_on), what, *(euros(cents, speak) for cents in amounts))
            )
        yield open_
    lines = table(
        say("Écritures", "Postings"), "#", say("Au", "As of"), say("Quoi", "What"),
        say("Débit", "Debit"), say("Crédit", "Credit"),
    )  # fmt: skip
    for p in account.postings:
        what = " ".join(filter(None, (kind_told(p.kind, speak), p.period)))
        sides = (euros(cents, speak) if cents else "" for cents in (p.debit_cents, p.credit_cents))
        lines.add_row(*cells(p.position, short_date(p.effective_on), what, *sides))
    yield lines


def _differences(answer: Hindsight) -> Iterator[Text | Table]:
    assert answer.differences is not None
    speak = language()
    yield Text()
    then, now = answer.state.dates.position, answer.now.dates.position
    since = say(
        f"Ce que la suite a changé, de la position {then} à {now} :",
        f"What later knowledge changed, from position {then} to {now}:",
    )
    yield Text(since, style="bold")
    if not answer.differences:
        yield Text(f"  {say('Rien, à cette date.', 'Nothing, for this date.')}")
    for d in answer.differences:
        before, after = (value_told(d.part, value, speak) for value in (d.before, d.after))
        yield Text(f"  ≠ {part_told(d, speak)} : {before} → {after}")
        for position in d.positions:
            yield Text(f"      {_because(answer.because[position])}", style="dim")


def _because(moment: Moment) -> str:
    at = moment.recorded_at.astimezone(PARIS)
    return f"#{moment.position} {at:%d/%m/%Y %H:%M:%S}, {moment.who} : {moment.told}"


def _as_json(reference: str, answer: Hindsight) -> dict[str, object]:
    """The state and the differences, with amounts in cents and dates as in the journal."""
    told_ = from_json(to_json(as_answer(answer, language())))
    return {"reference": reference, **told_}
