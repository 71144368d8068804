"""Who did what, when and why, to anything that has an id."""

from __future__ import annotations

from uuid import UUID

from journal import Recorded
from projections import projected
from projections.timeline import MentionRow, Timeline, history
from tests.projections.logs import LILAS, ROSES, Logs
from tests.projections.story import NOBODY, Story, party, stored


def positions(entries: list[Recorded], about: UUID) -> list[int]:
    rows = projected(Timeline(), entries).all(MentionRow)
    return [row.position for row in rows if row.about_id == about]


def named(story: Story, about: UUID) -> list[str]:
    return [story.entries[position - 1].name for position in positions(story.entries, about)]


def test_an_entry_is_found_by_every_id_in_it_and_by_its_stream() -> None:
    story = Story()
    for entry in story.entries:
        for about in (entry.stream, *_all_ids(entry)):
            assert entry.position in positions(story.entries, about)


def _all_ids(entry: Recorded) -> list[UUID]:
    """By another way than the projection's: every text of the fact that reads as an id."""
    found = []
    for word in entry.event.model_dump_json().replace('"', " ").split():
        try:
            found.append(UUID(word.strip(" ,:[]{}")))
        except ValueError:
            continue
    assert found or entry.name == "NumbersTaken"
    return found


def test_the_history_of_a_payment_is_its_own() -> None:
    story = Story()
    assert named(story, story.rest) == [
        "PaymentInitiated",
        "AuthenticationRequired",
        "ProviderReferenceRecorded",
        "PaymentConfirmed",
        "PaymentTicketIssued",
        "PaymentBooked",
        "PaymentAllocated",
        "TaskRaised",
        "RentReceiptIssued",
    ]
    assert named(story, story.failed)[-1] == "PaymentFailed"


def test_the_history_of_a_person_and_an_invoice() -> None:
    story = Story()
    about = named(story, party("L-0312"))
    assert [about[0], about[-1]] == ["PartyRegistered", "LeaseAmended"]
    assert "LeaseSigned" in about
    assert named(story, story.garage_invoice) == [
        "InvoiceIssued",
        "ChargePosted",
        "CreditPosted",
        "CreditPosted",
    ]


def test_an_entry_is_mentioned_once_however_often_it_says_an_id() -> None:
    rows = projected(Timeline(), Story().entries).all(MentionRow)
    assert len({(row.about_id, row.position) for row in rows}) == len(rows)


def test_history_tells_who_did_what_and_when(logs: Logs) -> None:
    story = Story()
    events = [entry.event for entry in story.entries]
    logs.append(*events)
    logs.append(*events, agency=ROSES)
    with stored(logs.url, logs.entries(), Timeline()) as connection:
        told = history(connection, logs.journal, LILAS, story.rest, "fr")
        assert [moment.position for moment in told] == positions(story.entries, story.rest)
        assert [moment.told for moment in told[-2:]] == [
            "Tâche pour l'agence : montant confirmé différent du montant demandé",
            "Quittance Q-2026-000002 pour mai 2026 : loyer 612,40\u00a0€, charges 98,60\u00a0€",
        ]
        first = told[0]
        entry = logs.entries()[first.position - 1]
        assert (first.name, first.actor, first.on_behalf_of) == ("PaymentInitiated", "a test", None)
        assert (first.recorded_at, first.effective_on) == (entry.recorded_at, entry.effective_on)
        assert (first.command_id, first.correlation_id) == (entry.command_id, entry.correlation_id)
        english = history(connection, logs.journal, LILAS, story.rest, "en", limit=1)
        assert english[0].told == "Card payment of €310.00 asked for"
        later = history(
            connection, logs.journal, LILAS, story.rest, "fr", after=told[1].position, limit=2
        )
        assert later == told[2:4]
        assert history(connection, logs.journal, LILAS, NOBODY, "fr") == []
        assert history(connection, logs.journal, NOBODY, story.rest, "fr") == []
