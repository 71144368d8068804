"""What a lease owes, has paid, and how it came to that."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from aggregates.rent_account import RentAccount
from domain.payment import PaymentConfirmed, PaymentSettled
from domain.rent_account import (
    AllocationReversed,
    ChargePosted,
    CreditAllocated,
    CreditPosted,
    PaymentAllocated,
    PaymentBooked,
    PaymentUnbooked,
)
from journal import Recorded
from projections import projected
from projections.account import (
    Account,
    AllocationRow,
    ChargeRow,
    credit_to_allocate,
    open_charges,
)
from projections.balances import AccountRow, Balances, SourceRow, account
from projections.statement import balance_as_of, postings
from tests.given import day
from tests.projections.story import LILAS, NOBODY, ROSES, Story, stored


def at(story: Story, kind: type, nth: int = 0) -> int:
    """The position of the nth entry of a kind."""
    found = [entry.position for entry in story.entries if isinstance(entry.event, kind)]
    return found[nth]


def up_to(story: Story, position: int) -> list[Recorded]:
    return story.entries[:position]


def balances(story: Story, position: int) -> tuple[int, int, int]:
    row = projected(Balances(), up_to(story, position)).get(AccountRow, story.flat)
    assert row is not None
    return row.confirmed_cents, row.booked_cents, row.settled_cents


def test_a_balance_is_shown_in_its_true_states() -> None:
    story = Story()
    owed = 41131 + 71100
    assert balances(story, at(story, ChargePosted, 3)) == (owed, owed, owed)
    before_booking = at(story, PaymentConfirmed)
    assert balances(story, before_booking) == (owed - 40000, owed, owed)
    assert balances(story, at(story, PaymentAllocated)) == (owed - 40000, owed - 40000, owed)
    assert balances(story, at(story, PaymentSettled)) == (owed - 40000,) * 3


def test_a_payment_that_went_back_is_owed_again_in_every_state() -> None:
    story = Story()
    before = balances(story, at(story, PaymentConfirmed, 2) - 1)
    during = balances(story, at(story, PaymentAllocated, 2))
    assert during == (before[0] - 5000, before[1] - 5000, before[2])
    assert balances(story, at(story, PaymentUnbooked)) == before


def test_a_settled_payment_that_went_back_is_no_longer_settled() -> None:
    story = Story()
    story.books.decide(
        lambda store: store.get(RentAccount, story.flat).unbook(
            story.settled, "returned", store.today
        )
    )
    row = projected(Balances(), story.entries).get(AccountRow, story.flat)
    assert row is not None
    assert row.booked_cents == 41000 + 71100 - 31100
    assert (row.confirmed_cents, row.settled_cents) == (row.booked_cents, 41000 + 71100)


def test_the_read_model_agrees_with_the_books() -> None:
    story = Story()
    rows, balances = projected(Account(), story.entries), projected(Balances(), story.entries)
    for lease in (story.flat, story.garage, story.gone):
        books = story.books.get(RentAccount, lease)
        row = balances.get(AccountRow, lease)
        assert row is not None
        assert row.booked_cents == books.balance_cents
        assert row.credit_cents == sum(
            source.left_cents for source in books.sources.values() if source.allocatable
        )
        charges = {c.charge: c for c in rows.all(ChargeRow) if c.lease_id == lease}
        assert {n: (c.amount_cents, c.paid_cents) for n, c in charges.items()} == {
            n: (c.amount_cents, c.paid_cents) for n, c in books.charges.items()
        }


def test_surplus_benefit_is_owed_to_the_tenant_and_is_no_credit() -> None:
    story = Story()
    row = projected(Balances(), story.entries).get(AccountRow, story.garage)
    assert row == AccountRow(story.garage, -500, -500, -500, 0)


def test_what_a_payment_paid_is_known_until_it_goes_back() -> None:
    story = Story()
    rows = projected(Account(), up_to(story, at(story, PaymentAllocated, 2)))
    assert rows.get(AllocationRow, story.flat, story.returned, 1) == AllocationRow(
        story.flat, story.returned, 1, 5000
    )
    rows = projected(Account(), story.entries)
    assert rows.get(AllocationRow, story.flat, story.returned, 1) is None
    sources = projected(Balances(), story.entries)
    assert sources.get(SourceRow, story.flat, story.returned) is None
    assert sources.get(SourceRow, story.flat, story.settled) == SourceRow(
        story.flat, story.settled, "payment", 40000, 0, True
    )
    paid = [a for a in rows.all(AllocationRow) if a.source_id == story.settled]
    assert sum(a.amount_cents for a in paid) == 40000


def test_the_account_of_a_lease_and_no_other(database_url: str) -> None:
    story = Story()
    with stored(database_url, story.entries, Balances()) as connection:
        flat = AccountRow(story.flat, 41000, 41000, 41000 + 31100, 0)
        assert account(connection, LILAS, story.flat) == flat
        assert account(connection, LILAS, story.gone) == AccountRow(
            story.gone, -6100, -6100, -6100, 6100
        )
        assert account(connection, LILAS, NOBODY) == AccountRow(NOBODY)
        assert account(connection, NOBODY, story.flat) == AccountRow(story.flat)


def test_a_balance_as_of_a_day_as_known_at_a_position(database_url: str) -> None:
    story = Story()
    with stored(database_url, story.entries, Account()) as connection:

        def owed(on: date, known: int | None = None, lease: UUID = story.flat) -> int:
            return balance_as_of(connection, LILAS, lease, on=on, known=known)

        assert owed(day("30/03/2026")) == 0
        assert owed(day("31/03/2026")) == 41000
        assert owed(day("31/03/2026"), at(story, ChargePosted)) == 41131
        assert owed(day("01/05/2026")) == 41000 + 71100
        assert owed(day("06/05/2026")) == 41000
        assert owed(day("06/05/2026"), at(story, ChargePosted, 2)) == 41131 + 71100
        assert owed(day("06/05/2026"), at(story, PaymentBooked)) == 41131 + 31100
        assert owed(day("31/12/2199"), lease=story.gone) == -6100
        assert balance_as_of(connection, NOBODY, story.flat, on=day("31/12/2199"), known=None) == 0


def test_each_line_of_the_account_in_the_order_of_the_journal(database_url: str) -> None:
    story = Story()
    with stored(database_url, story.entries, Account()) as connection:
        lines = postings(connection, LILAS, story.flat)
        assert [(p.kind, p.debit_cents, p.credit_cents, p.effective_on) for p in lines] == [
            ("opening_balance", 41131, 0, day("31/03/2026")),
            ("rent", 61240, 0, day("01/05/2026")),
            ("charges", 9860, 0, day("01/05/2026")),
            ("payment", 0, 40000, day("06/05/2026")),
            ("payment", 0, 31100, day("06/05/2026")),
            ("payment", 0, 5000, day("07/05/2026")),
            ("chargeback", 5000, 0, day("07/05/2026")),
            ("correction", 0, 131, day("31/03/2026")),
        ]
        assert [p.period for p in lines[:4]] == [None, "2026-05", "2026-05", None]
        assert [p.ref_id for p in lines[1:4]] == [
            story.flat_invoice,
            story.flat_invoice,
            story.settled,
        ]
        assert lines[1].due_on == day("05/05/2026")
        assert lines[1].recorded_at == story.entries[lines[1].position - 1].recorded_at
        assert postings(connection, LILAS, story.flat, limit=2) == lines[:2]
        assert postings(connection, LILAS, story.flat, after=lines[1].position) == lines[2:]
        assert len(postings(connection, LILAS, story.gone)) == 1
        assert postings(connection, NOBODY, story.flat) == []


def test_what_is_open_oldest_first(database_url: str) -> None:
    story = Story()
    story.bill("2026-07", story.flat)
    story.bill("2026-06", story.flat, story.garage)
    with stored(database_url, story.entries, Account()) as connection:
        found = open_charges(connection, LILAS, story.flat)
        assert [(c.kind, c.due_on, c.amount_cents - c.paid_cents) for c in found] == [
            ("opening_balance", day("31/03/2026"), 41000),
            ("rent", day("05/06/2026"), 62000),
            ("charges", day("05/06/2026"), 9860),
            ("rent", day("05/07/2026"), 62000),
            ("charges", day("05/07/2026"), 9860),
        ]
        assert open_charges(connection, LILAS, story.gone) == []
        assert open_charges(connection, NOBODY, story.flat) == []


def test_credit_is_to_be_allocated_once_something_is_due(database_url: str) -> None:
    story = Story()
    story.books.on("08/05/2026")
    story.pay(story.flat, 50000, "cs_7")
    story.pay(story.garage, 100, "cs_8")
    story.bill("2026-06", story.flat)
    with stored(database_url, story.entries, Account(), Balances()) as connection:
        assert credit_to_allocate(connection, day("04/06/2026")) == []
        asked = credit_to_allocate(connection, day("05/06/2026"))
        assert sorted(asked) == sorted([(LILAS, story.flat), (ROSES, story.flat)])


def test_every_kind_of_fact_about_an_account_is_in_the_story() -> None:
    told = {type(entry.event) for entry in Story().entries}
    assert told >= {
        *(ChargePosted, CreditPosted, CreditAllocated, PaymentBooked, PaymentAllocated),
        *(AllocationReversed, PaymentUnbooked, PaymentConfirmed, PaymentSettled),
    }
