"""A lease on one date, as it was known at another: told from the events, and equal to them."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.lease import Lease
from aggregates.rent_account import RentAccount
from domain import stream_id
from domain.lease import LeaseAmended
from domain.rent_account import CreditPosted, PaymentAllocated, PaymentUnbooked
from journal import EPOCH, Recorded
from projections.replay import Difference, Replayed, items, learnt, replayed
from projections.two_dates import TwoDates
from tests.given import day
from tests.projections.histories import DAYS, History, naive, steps
from tests.projections.story import LILAS, NOBODY, Story

FAR_OFF = day("31/12/2199")


def at(entries: list[Recorded], lease: UUID, on: date, known: int | None = None) -> Replayed:
    position = len(entries) if known is None else known
    return replayed(entries, lease, TwoDates(on, position, EPOCH))


def aggregate(entries: list[Recorded], kind: type, stream: UUID, known: int):
    """What decides, replayed from its own stream as it was known."""
    told = [e for e in entries if e.stream == stream and e.position <= known]
    return kind.replay(stream, [(entry.version, entry.event) for entry in told])


@settings(max_examples=60, deadline=None)
@given(steps, DAYS, st.floats(0, 1))
def test_a_replayed_balance_is_what_adding_up_the_events_gives(told, on, part) -> None:
    history = History(told)
    known = round(part * len(history.entries))
    for lease in history.leases:
        account = at(history.entries, lease, on, known).account
        balances = (account.booked_cents, account.confirmed_cents, account.settled_cents)
        assert balances == naive(history.entries, lease, on, known)
        assert account.booked_cents == sum(
            posting.debit_cents - posting.credit_cents for posting in account.postings
        )


@settings(max_examples=60, deadline=None)
@given(steps, DAYS, st.floats(0, 1))
def test_what_is_open_less_what_is_ahead_is_the_balance_on_every_date(told, on, part) -> None:
    history = History(told)
    known = round(part * len(history.entries))
    for lease in history.leases:
        account = at(history.entries, lease, on, known).account
        open_cents = sum(charge.open_cents for charge in account.charges)
        assert all(0 <= c.paid_cents <= c.amount_cents for c in account.charges)
        assert open_cents - account.credit_cents == account.booked_cents


@settings(max_examples=60, deadline=None)
@given(steps, st.floats(0, 1))
def test_on_a_day_far_off_a_replay_is_what_decides(told, part) -> None:
    history = History(told)
    known = round(part * len(history.entries))
    for lease in history.leases:
        stream = stream_id(LILAS, "rent_account", lease)
        books = aggregate(history.entries, RentAccount, stream, known)
        account = at(history.entries, lease, FAR_OFF, known).account
        assert account.booked_cents == books.balance_cents
        assert {c.charge: c.paid_cents for c in account.charges} == {
            number: charge.paid_cents for number, charge in books.charges.items()
        }
        assert account.credit_cents == sum(
            source.left_cents for source in books.sources.values() if source.allocatable
        )


@settings(max_examples=60, deadline=None)
@given(steps, DAYS, st.floats(0, 1))
def test_the_terms_of_a_day_are_those_the_lease_would_bill_by(told, on, part) -> None:
    history = History(told)
    known = round(part * len(history.entries))
    for reference, lease in zip(history.references, history.leases, strict=True):
        decides = aggregate(history.entries, Lease, stream_id(LILAS, "lease", reference), known)
        then = at(history.entries, lease, on, known).lease
        if then is None:
            assert decides.version == 0
            continue
        assert then.terms == decides._terms_on(on)
        assert (then.start_on, then.ended_on) == (
            decides.reading.start_on,
            decides.reading.ended_on,
        )


@settings(max_examples=40, deadline=None)
@given(steps, DAYS, st.floats(0, 1), st.floats(0, 1))
def test_the_difference_names_all_that_changed_and_only_what_came_later(
    told, on, part, other
) -> None:
    history = History(told)
    lease = history.leases[0]
    early, late = sorted(round(p * len(history.entries)) for p in (part, other))
    before, after = (at(history.entries, lease, on, known) for known in (early, late))
    found = learnt(history.entries, before, after)
    said = [{(i.part, i.key): i.value for i in items(history.entries, s)} for s in (before, after)]
    changed = [key for key, value in said[1].items() if said[0].get(key, "") != value]
    assert len(found) == len(changed)
    for difference in found:
        assert difference.before != difference.after or before.lease is None
        assert all(early < position <= late for position in difference.positions)
        assert difference.positions or difference.after in (0, "", None)


def said(found: list[Difference]) -> dict[str, tuple[object, object, tuple[int, ...]]]:
    return {d.part: (d.before, d.after, d.positions) for d in found}


def position(story: Story, kind: type, nth: int = 0) -> int:
    return [e.position for e in story.entries if isinstance(e.event, kind)][nth]


def test_a_payment_that_went_back_later_was_counted_until_that_was_known() -> None:
    story = Story()
    on = story.books.now.date()
    unbooked = position(story, PaymentUnbooked)
    before = at(story.entries, story.flat, on, position(story, PaymentAllocated, 2))
    after = at(story.entries, story.flat, on, unbooked)
    assert (before.account.booked_cents, after.account.booked_cents) == (36131, 41131)
    found = said(learnt(story.entries, before, after))
    assert found["booked"] == (36131, 41131, (unbooked,))
    assert found["debt"] == (36131, 41131, (unbooked - 1,))
    assert found["posting"] == (None, 5000, (unbooked,))
    assert found.keys() == {"booked", "confirmed", "debt", "posting"}


def test_terms_that_were_amended_later_were_others_before_that_was_known() -> None:
    story = Story()
    on, amended = day("01/06/2026"), position(story, LeaseAmended)
    before, after = (at(story.entries, story.flat, on, known) for known in (amended - 1, amended))
    assert before.lease is not None
    assert after.lease is not None
    assert (before.lease.terms.rent_cents, after.lease.terms.rent_cents) == (61240, 62000)
    assert said(learnt(story.entries, before, after))["rent"] == (61240, 62000, (amended,))
    assert after.lease.made_by["terms"] == amended
    earlier = at(story.entries, story.flat, day("01/05/2026")).lease
    assert earlier is not None
    assert earlier.terms.rent_cents == 61240


def test_a_correction_of_an_old_day_changes_that_day_and_all_after_it() -> None:
    story = Story()
    corrected = position(
        story,
        CreditPosted,
        len([e for e in story.entries if isinstance(e.event, CreditPosted)]) - 1,
    )
    on = day("31/03/2026")
    assert at(story.entries, story.flat, on, corrected - 1).account.booked_cents == 41131
    assert at(story.entries, story.flat, on).account.booked_cents == 41000
    assert at(story.entries, story.flat, day("30/03/2026")).account.booked_cents == 0


def test_each_lease_is_replayed_from_its_own_entries() -> None:
    story = Story()
    on = day("31/05/2026")
    flat, garage, gone = (
        at(story.entries, lease, on) for lease in (story.flat, story.garage, story.gone)
    )
    assert [s.lease and s.lease.reference for s in (flat, garage, gone)] == [
        "L-0312", "L-0313", "L-0299",
    ]  # fmt: skip
    assert [s.lease and s.lease.status for s in (flat, garage, gone)] == [
        "running", "running", "ended",
    ]  # fmt: skip
    assert [t.client_reference for t in garage.tenants] == ["C-L-0313"]
    assert [i.number for i in flat.invoices] == ["F-2026-000001"]
    assert [i.number for i in garage.invoices] == ["F-2026-000002"]
    assert [r.kind for r in flat.receipts] == ["receipt", "quittance"]
    assert garage.account.booked_cents == -500


def test_before_it_was_known_a_lease_is_nothing_and_owes_nothing() -> None:
    story = Story()
    for state in (
        at(story.entries, story.flat, FAR_OFF, 0),
        at(story.entries, NOBODY, FAR_OFF),
    ):
        assert state.lease is None
        assert state.account.booked_cents == 0
        assert (state.positions, state.tenants, state.payments) == ((), (), ())
    first = at(story.entries, story.flat, day("01/01/1900"))
    assert first.lease is not None
    assert first.lease.status == "to_come"
    assert first.account.postings == ()


def test_a_person_who_was_erased_is_shown_as_erased() -> None:

    from domain import ERASED
    from domain.party import PartyRegistered

    story = Story()
    entries = [
        e._replace(event=e.event.model_copy(update=dict.fromkeys(type(e.event).personal, ERASED)))
        if isinstance(e.event, PartyRegistered) and e.event.client_reference == "C-L-0313"
        else e
        for e in story.entries
    ]
    garage, flat = (at(entries, lease, FAR_OFF) for lease in (story.garage, story.flat))
    assert [t.name for t in garage.tenants] == ["[effacé]"]
    assert "Weber" in flat.tenants[0].name
    assert garage.account == at(story.entries, story.garage, FAR_OFF).account
