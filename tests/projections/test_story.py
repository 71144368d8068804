"""How something came to be as it is: in words, with who and why, from cause to effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg import Connection

from domain import Event
from journal import Envelope, Fact
from journal.append import Append
from projections.engine import Engine
from projections.generations import create_tables
from projections.invoices import Invoices
from projections.payments import Payments
from projections.people import People
from projections.receipts import Receipts
from projections.story import Reader, at, chain, first_cause, moments, whole_command
from projections.subjects import (
    BackwardPeriod,
    NothingKnown,
    Subject,
    Window,
    entries_in,
    ids_of,
    window,
)
from projections.timeline import Timeline
from projections.two_dates import BeyondTheHead
from tests.given import day
from tests.projections.logs import LILAS, ROSES, THE_DAY, Logs
from tests.projections.story import Story

TOKEN = uuid4()
QUESTIONS = (Timeline(), People(), Payments(), Invoices(), Receipts())


class Book:
    """One token, called `portail`."""

    def token_names(self, _connection: Connection[Any], ids: Sequence[UUID]) -> Mapping[UUID, str]:
        return {TOKEN: "portail (service)"} if TOKEN in ids else {}

    def tokens_named(self, _connection: Connection[Any], agency: UUID, name: str) -> list[UUID]:
        return [TOKEN] if (agency, name) == (LILAS, "portail") else []


def tell(logs: Logs, *events: Event, by: str = "a test", agency: UUID = LILAS, **why: Any) -> int:
    """One command's events, by somebody and for a reason; the position of the last."""
    stream = uuid4()
    facts = [Fact(stream, version, event) for version, event in enumerate(events, 1)]
    command_id = uuid4()
    correlation = why.pop("correlation_id", command_id)
    envelope = Envelope(by, command_id, correlation, THE_DAY, **why)
    append = Append(agency.bytes, logs.journal.entries(agency, facts, envelope))
    logs.journal.submit(append)
    return append.result()


@contextmanager
def reading(logs: Logs, language: Any = "en", agency: UUID = LILAS) -> Iterator[Reader]:
    """The read models caught up, and somebody who reads."""
    with logs.connect() as connection:
        engine = Engine(logs.connect, logs.journal, QUESTIONS)
        try:
            while engine.cycle():
                pass
        finally:
            engine.close()
        yield Reader(connection, logs.journal, agency, language, Book())


@pytest.fixture(autouse=True)
def tables(logs: Logs) -> None:
    """Made while nothing is there to be folded, so that they serve at once."""
    with logs.connect() as connection:
        create_tables(connection, QUESTIONS)


@pytest.fixture
def told(logs: Logs) -> Story:
    """A whole story in two agencies, command by command."""
    story = Story()
    by_command: dict[UUID, list[Event]] = {}
    for entry in story.entries:
        by_command.setdefault(entry.command_id, []).append(entry.event)
    for events in by_command.values():
        tell(logs, *events, by=f"token:{TOKEN}")
        tell(logs, *events, by="operator", agency=ROSES)
    return story


def names(reader: Reader, subject: Subject, reference: str) -> list[str]:
    about = ids_of(reader, subject, reference)
    return [e.name for e in entries_in(reader, about, window(reader, None, None), 0, 1000)]


def test_everything_has_a_history_under_the_name_that_people_call_it(logs, told) -> None:
    with reading(logs) as reader:
        lease = names(reader, Subject.LEASE, "L-0313")
        assert lease[0] == "LeaseSigned"
        assert {"InvoiceIssued", "PaymentOutcomeUnknown", "ProviderReferenceRecorded"} <= {*lease}
        assert names(reader, Subject.PARTY, "C-L-0313")[0] == "PartyRegistered"
        assert names(reader, Subject.INVOICE, "F-2026-000002")[0] == "InvoiceIssued"
        assert names(reader, Subject.PAYMENT, "T-2026-000001")[0] == "PaymentInitiated"
        assert names(reader, Subject.LEASE, str(told.flat))[0] == "LeaseSigned"
        everything = names(reader, Subject.PERIOD, "")
        assert everything == [entry.name for entry in told.entries]
        assert names(reader, Subject.AGENT, "portail") == everything
        assert names(reader, Subject.AGENT, f"token:{TOKEN}") == everything
    with reading(logs, agency=ROSES) as reader:
        assert names(reader, Subject.AGENT, "operator") == everything


def test_what_another_agency_knows_is_not_known_here(logs, told) -> None:
    with reading(logs, agency=ROSES) as reader:
        for subject, reference in (
            (Subject.AGENT, "portail"),
            (Subject.AGENT, str(TOKEN)),
            (Subject.LEASE, "L-0000"),
            (Subject.LEASE, "\0"),
            (Subject.PAYMENT, "\ud800"),
            (Subject.INVOICE, "x" * 10_000),
            (Subject.PARTY, str(uuid4())),
            (Subject.ACCOUNT, "L-0000"),
        ):
            with pytest.raises(NothingKnown) as nothing:
                ids_of(reader, subject, reference)
            assert nothing.value.told("fr").encode()


def test_a_moment_says_who_for_whom_and_why(logs, told) -> None:
    story = told
    party = story.entries[0].event.party_id
    cause = logs.entries()[-1]
    event = story.entries[0].event
    tell(logs, event, by="reaction", causation_id=cause.event_id)
    tell(logs, event, by=f"token:{TOKEN}", on_behalf_of=str(party))
    with reading(logs) as reader:
        *_, caused, acted = moments(reader, logs.entries())
        assert (caused.who, caused.because) == ("the system, by reaction", _told(reader, cause))
        assert (acted.who, acted.behalf) == ("portail (service)", "C-L-0312")
        assert acted.because is None
        # The cause is found wherever it stands, and by what it has in common with its effect.
        (alone,) = moments(reader, logs.entries()[-2:-1])
        assert alone.because == caused.because
    with reading(logs, "fr") as reader:
        assert moments(reader, logs.entries())[-2].who == "le système, en réaction"


def _told(reader: Reader, entry: Any) -> str:
    (moment,) = moments(reader, [entry])
    return moment.told


def test_a_chain_goes_from_cause_to_effect_across_aggregates(logs, told) -> None:
    a, b, c, d = (told.entries[n].event for n in range(4))
    root = tell(logs, a, b, by="webhook")
    tell(logs, c, by="operator")
    first, second = logs.entries()[root - 2 : root]
    effect = tell(logs, c, by="reaction", causation_id=second.event_id)
    tell(logs, d, by="reaction", causation_id=logs.entries()[effect - 1].event_id)
    other = tell(logs, d, by="reaction", causation_id=first.event_id)
    with reading(logs) as reader:
        (last,) = at(reader, [effect + 1])
        set_off = first_cause(reader, last)
        assert set_off.position == second.position
        for begun_with in (whole_command(reader, set_off), [last, *at(reader, [other])]):
            links = chain(reader, begun_with)
            shape = [(link.depth, link.moment.position) for link in links]
            assert [pair for pair in shape if pair[0]] == [
                (1, other), (1, effect), (2, effect + 1),
            ]  # fmt: skip
            assert [pair for pair in shape if not pair[0]] == [(0, root - 1), (0, root)]


def test_a_period_is_two_dates_or_positions_both_included(logs, told) -> None:
    with reading(logs) as reader:
        head = len(logs.entries())
        today = logs.entries()[0].recorded_at.astimezone(UTC).date()
        assert window(reader, None, None) == Window(1, head)
        assert window(reader, 3, 5) == Window(3, 5)
        assert [e.position for e in entries_in(reader, None, Window(3, 5), 0, 9)] == [3, 4, 5]
        assert [e.position for e in entries_in(reader, None, Window(3, 5), 4, 9)] == [5]
        assert entries_in(reader, None, Window(3, 5), 5, 9) == []
        assert window(reader, today - timedelta(days=2), day("31/12/2199")) == Window(1, head)
        nothing = window(reader, day("01/01/1990"), day("31/12/1990"))
        assert entries_in(reader, None, nothing, 0, 9) == []
        third = logs.entries()[2].recorded_at
        inside = window(reader, third, third)
        assert inside.first <= 3 <= inside.last
        with pytest.raises(BeyondTheHead):
            window(reader, None, head + 1)
        for since, until in ((5, 3), (day("02/05/2026"), day("01/05/2026"))):
            with pytest.raises(BackwardPeriod):
                window(reader, since, until)
        with pytest.raises(BackwardPeriod):
            window(reader, datetime.now(UTC), datetime.now(UTC) - timedelta(hours=1))


def test_what_was_erased_is_told_without_it(logs, told) -> None:
    party = told.entries[0].event.party_id
    logs.journal.keys.destroy(LILAS, party)
    with reading(logs) as reader:
        assert names(reader, Subject.PARTY, str(party))[0] == "PartyRegistered"
        assert replace(moments(reader, logs.entries()[:1])[0], told="").name == "PartyRegistered"
