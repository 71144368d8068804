"""Who did what, when and why, to anything that has an id."""

from __future__ import annotations

from uuid import UUID

from journal import Recorded
from projections import projected
from projections.timeline import MentionRow, Timeline, actor_id
from tests.projections.story import Story, party


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


def test_an_entry_is_found_by_who_acted_and_for_whom_and_by_what_caused_it() -> None:
    story = Story()
    party_id, cause = party("L-0312"), story.entries[0].event_id
    entries = [
        entry._replace(actor="reaction", on_behalf_of=str(party_id), causation_id=cause)
        if entry.position == 7
        else entry._replace(on_behalf_of="not an id")
        for entry in story.entries
    ]
    assert positions(entries, actor_id("reaction")) == [7]
    assert 7 not in positions(entries, actor_id("token:test"))
    assert len(positions(entries, actor_id("token:test"))) == len(entries) - 1
    assert positions(entries, cause) == [7]
    assert 7 in positions(entries, party_id)
