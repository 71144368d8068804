"""Where each payment stands, and which must be asked about again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from domain.payment import PaymentChecked, PaymentOutcomeUnknown
from journal import Recorded
from projections import projected
from projections.payments import (
    PaymentRow,
    Payments,
    payment,
    payments_of_lease,
    pending_cents,
    to_ask_about,
)
from tests.projections.story import LILAS, NOBODY, ROSES, Story, stored

BEFORE_ALL = UUID(int=0)


def row(story: Story, payment_id: UUID, entries: Sequence[Recorded] | None = None) -> PaymentRow:
    found = projected(Payments(), entries or story.entries).get(PaymentRow, payment_id)
    assert found is not None
    return found


def test_each_payment_stands_where_the_bank_says() -> None:
    story = Story()
    rows = projected(Payments(), story.entries)
    assert {found.payment_id: found.state for found in rows.all(PaymentRow)} == {
        story.settled: "settled",
        story.failed: "failed",
        story.rest: "confirmed",
        story.lost: "unknown",
        story.idle: "initiated",
        story.opened: "authenticating",
        story.returned: "confirmed",
    }


def test_a_confirmed_payment_has_its_ticket_and_the_amount_that_was_taken() -> None:
    story = Story()
    rest = row(story, story.rest)
    assert (rest.amount_cents, rest.ticket_number) == (31100, "T-2026-000002")
    assert (rest.provider_reference, rest.next_check_at) == ("cs_3", None)
    assert rest.confirmed_at is not None
    failed = row(story, story.failed)
    assert (failed.failure_code, failed.next_check_at) == ("card_declined", None)
    assert (failed.ticket_number, failed.confirmed_at) == (None, None)


def test_an_unknown_payment_is_asked_about_after_5_minutes_an_hour_and_a_day() -> None:
    story = Story()
    checks = [entry.position for entry in story.entries if isinstance(entry.event, PaymentChecked)]
    (unknown,) = (
        entry.position for entry in story.entries if isinstance(entry.event, PaymentOutcomeUnknown)
    )
    waits = []
    for position in (unknown, *checks):
        rows = projected(Payments(), story.entries[:position])
        found = rows.get(PaymentRow, story.lost)
        assert found is not None
        waits.append(found.next_check_at and found.next_check_at - story.unknown_at)
    assert waits == [timedelta(minutes=5), timedelta(hours=1), timedelta(days=1), None]


def test_a_payer_of_whom_nothing_is_heard_is_asked_about() -> None:
    story = Story()
    opened = row(story, story.opened)
    assert opened.next_check_at == opened.initiated_at + timedelta(minutes=15)


def test_who_is_to_be_asked_about_comes_first_due_first(database_url: str) -> None:
    story = Story()
    last = max(e.position for e in story.entries if isinstance(e.event, PaymentChecked))
    told = [entry for entry in story.entries if entry.position != last]
    with stored(database_url, told, Payments()) as connection:

        def asked_about(now: datetime) -> list[UUID]:
            found = to_ask_about(connection, now)
            assert [agency for agency, _ in found].count(LILAS) * 2 == len(found)
            assert all(each == row(story, each.payment_id, told) for _, each in found)
            return [each.payment_id for agency, each in found if agency == ROSES]

        first = story.unknown_at + timedelta(days=1)
        then = row(story, story.opened).next_check_at
        assert then is not None
        assert first < then
        assert asked_about(first - timedelta(seconds=1)) == []
        assert asked_about(first) == [story.lost]
        assert asked_about(then) == [story.lost, story.opened]


def test_a_payment_is_found_by_its_id(database_url: str) -> None:
    story = Story()
    with stored(database_url, story.entries, Payments()) as connection:
        assert payment(connection, LILAS, story.rest) == row(story, story.rest)
        assert payment(connection, LILAS, story.lost) == row(story, story.lost)
        assert payment(connection, LILAS, NOBODY) is None
        assert payment(connection, NOBODY, story.rest) is None


def test_the_payments_of_a_lease_come_in_the_order_in_which_they_began(database_url: str) -> None:
    story = Story()
    ours = [story.settled, story.failed, story.rest, story.idle, story.opened, story.returned]
    with stored(database_url, story.entries, Payments()) as connection:

        def listed(lease: UUID, after: UUID = BEFORE_ALL, limit: int = 10) -> list[UUID]:
            found = payments_of_lease(connection, LILAS, lease, after, limit)
            return [each.payment_id for each in found]

        assert listed(story.flat) == ours
        assert listed(story.flat, limit=2) == ours[:2]
        assert listed(story.flat, after=story.rest) == ours[3:]
        assert listed(story.garage) == [story.lost]
        assert payments_of_lease(connection, NOBODY, story.flat, BEFORE_ALL, 10) == []


def test_what_is_on_its_way_counts_apart(database_url: str) -> None:
    story = Story()
    with stored(database_url, story.entries, Payments()) as connection:
        assert pending_cents(connection, LILAS, story.flat) == 200
        assert pending_cents(connection, LILAS, story.garage) == 4500
        assert pending_cents(connection, LILAS, story.gone) == 0
        assert pending_cents(connection, NOBODY, story.flat) == 0
