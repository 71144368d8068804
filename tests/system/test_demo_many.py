"""The big demo is true: what it tells is what the product would have decided, stored and shown."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from uuid import UUID

import psycopg
import pytest

from aggregates.invoice import Invoice
from aggregates.lease import Lease
from aggregates.numbers import NumberSeries
from aggregates.payment import Payment
from aggregates.receipt import Receipts
from aggregates.rent_account import RentAccount
from commands import Asked, execute
from commands.invoice import IssueInvoices
from commands.payment import InitiatePayment
from domain import Event, stream_id
from domain.invoice import InvoiceIssued
from domain.lease import LeaseSigned
from domain.numbers import NumbersTaken, written
from domain.party import PartyRegistered
from domain.payment import PaymentInitiated, PaymentTicketIssued
from domain.period import Period
from domain.principal import OPERATOR
from domain.receipt import RentReceiptIssued
from journal import HOUSE, agency_id
from projections import projected
from projections.balances import AccountRow, Balances
from system.demo_loading import AgencyThere, make
from system.demo_many import Plan, months_until
from system.readiness import catch_up
from tests.journal.verifier import broken_at
from tests.system.command_line import REFUSED, CommandLine
from tests.system.rolls import new_agency, rooms

LAST = Period(2026, 10)
PLAN = Plan(2, 44, months_until(LAST, 13), 7, "essai")
BOOKS = [agency_id(slug) for slug in PLAN.slugs()]


pytestmark = pytest.mark.xdist_group("demo_many")


@pytest.fixture(scope="module")
def made(module_database_url, tmp_path_factory):
    """Two agencies with more leases than there are kinds of lives, loaded once."""
    with rooms(module_database_url, tmp_path_factory.mktemp("many")) as parts:
        with parts.pool.connection() as connection:
            connection.execute("INSERT INTO reaction_positions VALUES ('print', %s, 0)", [HOUSE])
        heard: list[tuple[int, int]] = []
        told = make(parts, PLAN, jobs=2, report=lambda *far: heard.append(far))
        assert heard[-1] == (told.events, told.events)
        yield parts


def entries(parts, agency=BOOKS[0]):
    return list(parts.journal.read_all(agency))


def streams(parts, agency: UUID) -> dict[UUID, list[tuple[int, Event]]]:
    found: dict[UUID, list[tuple[int, Event]]] = defaultdict(list)
    for entry in entries(parts, agency):
        found[entry.stream].append((entry.version, entry.event))
    return found


def test_the_chain_holds_from_the_first_entry_to_the_head(made) -> None:
    for agency in BOOKS:
        assert broken_at(made.url, agency) is None


def test_the_bytes_are_those_that_the_product_stores(made) -> None:
    mapper = made.journal.mapper(BOOKS[0])
    with psycopg.connect(made.url) as connection:
        rows = connection.execute(
            "SELECT stream, version, name, schema_version, state, effective_on FROM events"
            " WHERE agency = %s", [BOOKS[0]],
        ).fetchall()  # fmt: skip
    for stream, version, name, schema_version, state, effective_on in rows:
        event = mapper.decode(stream, version, name, schema_version, state)
        assert event.takes_effect_on() in (None, effective_on)
        if not any(getattr(event, field) for field in type(event).personal):
            assert mapper.encode(stream, version, event) == state


def test_every_stream_goes_on_from_1_and_time_never_goes_back(made) -> None:
    for agency in BOOKS:
        told = entries(made, agency)
        assert [entry.recorded_at for entry in told] == sorted(e.recorded_at for e in told)
        for facts in streams(made, agency).values():
            assert [version for version, _ in facts] == list(range(1, len(facts) + 1))
        assert len({entry.event_id for entry in told}) == len(told)


def test_ids_are_derived_as_the_product_derives_them(made) -> None:
    """So that a repetition of any of it would meet itself."""
    for agency in BOOKS:
        for entry in entries(made, agency):
            match entry.event:
                case LeaseSigned() as e:
                    assert entry.stream == e.lease_id == stream_id(agency, "lease", e.reference)
                case PartyRegistered() as e:
                    assert entry.stream == stream_id(agency, "party", e.client_reference)
                case InvoiceIssued() as e:
                    wanted = stream_id(agency, "invoice", e.lease_id, e.period, "rent", 1)
                    assert entry.stream == e.invoice_id == wanted
                case PaymentInitiated() as e:
                    assert entry.stream == stream_id(agency, "payment", e.payment_id)
                case _:
                    pass


def test_numbers_are_gapless_in_each_series_and_used_in_order(made) -> None:
    for agency in BOOKS:
        given: list[str] = []
        used: dict[str, list[str]] = defaultdict(list)
        for entry in entries(made, agency):
            match entry.event:
                case NumbersTaken() as e:
                    given += [written(e.series, e.year, n) for n in range(e.first, e.last + 1)]
                case InvoiceIssued() | RentReceiptIssued() as e:
                    used[e.number[:6]].append(e.number)
                case PaymentTicketIssued() as e:
                    used[e.ticket_number[:6]].append(e.ticket_number)
                case _:
                    if number := getattr(entry.event, "number", None):
                        used[number[:6]].append(number)
        for series, numbers in used.items():
            assert numbers == sorted(numbers)
            assert numbers == [number for number in given if number[:6] == series]
            assert int(numbers[0][7:]) == 1
            assert int(numbers[-1][7:]) == len(numbers)


def test_each_invoice_is_the_one_that_its_lease_asks_for(made) -> None:
    """Decided anew by the aggregates, from the history before it."""
    for agency in BOOKS:
        leases, accounts = {}, {}
        invoices = 0
        for entry in entries(made, agency):
            event = entry.event
            if entry.name in ("LeaseSigned", "LeaseAmended", "LeaseEnded"):
                leases.setdefault(entry.stream, Lease(entry.stream)).evolve(event)
            elif isinstance(event, InvoiceIssued):
                bill = leases[event.lease_id].bill(event.period)
                assert (bill.lines, bill.due_on) == (event.lines, event.due_on)
                account = accounts.get(event.lease_id)
                assert event.previous_balance_cents == (account.balance_cents if account else 0)
                invoices += 1
            elif entry.name in _POSTED:
                lease_id = event.lease_id
                accounts.setdefault(lease_id, RentAccount(entry.stream)).evolve(event)
                assert entry.stream == stream_id(agency, "rent_account", lease_id)
        assert invoices > 44 * 10
        for account in accounts.values():
            assert all(0 <= c.open_cents <= c.amount_cents for c in account.charges.values())
            assert all(0 <= s.left_cents <= s.amount_cents for s in account.sources.values())


_POSTED = (
    "ChargePosted", "CreditPosted", "PaymentBooked", "PaymentAllocated", "CreditAllocated",
    "AllocationReversed", "PaymentUnbooked",
)  # fmt: skip


def test_read_models_take_in_all_of_it_and_agree_with_the_replay(made) -> None:
    for agency in BOOKS:
        catch_up(made, agency)
        replayed = {
            account.lease_id: account.balance_cents
            for stream, facts in streams(made, agency).items()
            if type(facts[0][1]).__name__ in _POSTED
            for account in [RentAccount.replay(stream, facts)]
        }
        shown = {row.lease_id: row.booked_cents for row in rows_of(made, agency)}
        assert shown == replayed
        folded = projected(Balances(), entries(made, agency)).all(AccountRow)
        assert {row.lease_id: row.booked_cents for row in folded} == replayed
        assert any(cents > 0 for cents in replayed.values())
        assert any(cents < 0 for cents in replayed.values())


def rows_of(parts, agency: UUID) -> list[AccountRow]:
    from projections.tables import find

    with parts.pool.connection() as connection:
        return find(connection, AccountRow, "agency = %s", [agency])


def test_life_goes_on_in_a_made_agency(made) -> None:
    (signed, *_) = [e.event for e in entries(made) if isinstance(e.event, LeaseSigned)]
    asked = Asked(OPERATOR, BOOKS[0])
    billed = IssueInvoices(period=LAST, lease_ids=(signed.lease_id,))
    next_month = IssueInvoices(period=LAST.next(), lease_ids=(signed.lease_id,))
    wish = InitiatePayment(lease_id=signed.lease_id, amount_cents=100, terms_accepted_version="1")
    head = made.journal.head(BOOKS[0])[0]

    assert execute(made.office, billed, asked).ids["already_issued"] == 1
    assert execute(made.office, next_month, asked).ids["invoices"] == 1
    execute(made.office, wish, asked)

    new = made.journal.read(BOOKS[0], head)
    (number,) = [e.event.number for e in new if isinstance(e.event, InvoiceIssued)]
    before = [e.event.number for e in entries(made) if isinstance(e.event, InvoiceIssued)]
    assert number == max(n for n in before if n[:6] == number[:6])
    assert broken_at(made.url, BOOKS[0]) is None


def test_it_has_the_shapes_of_an_agency(made) -> None:
    names = Counter(entry.name for agency in BOOKS for entry in entries(made, agency))
    assert names["LeaseSigned"] == names["PartyRegistered"] == 88
    rare = ("LeaseAmended", "PaymentUnbooked", "PaymentFailed", "PaymentOutcomeUnknown",
            "CreditAllocated", "PartialReceiptIssued", "ContactChanged")  # fmt: skip
    assert all(names[name] for name in rare), names
    assert names["PaymentBooked"] > 88 * 9
    people = {
        (e.event.last_name, e.event.first_name, e.event.born_on)
        for agency in BOOKS
        for e in entries(made, agency)
        if isinstance(e.event, PartyRegistered)
    }
    assert len(people) > 80


def test_the_same_seed_tells_the_same_and_another_another(made, tmp_path, database_url) -> None:
    def told(parts, plan):
        return [
            (e.name, e.stream, e.recorded_at, e.effective_on, e.event_id, e.event)
            for e in parts.journal.read_all(agency_id(plan.slug(1)))
        ]

    with rooms(database_url, tmp_path) as other:
        one = PLAN._replace(agencies=1)
        make(other, one, jobs=1)
        again = told(other, one)
        assert len(again) > 5_000
        assert again == told(made, one)[: len(again)]


def test_no_reaction_hears_of_what_was_made_up(made) -> None:
    with psycopg.connect(made.url) as connection:
        stands = connection.execute(
            "SELECT position FROM reaction_positions WHERE reaction = 'print' AND agency = %s",
            [BOOKS[1]],
        ).fetchall()
    assert stands == [(made.journal.head(BOOKS[1])[0],)]


def test_an_agency_that_exists_is_never_written_into(made, database_url, tmp_path) -> None:
    line = CommandLine(database_url, tmp_path / "data")
    with rooms(database_url, tmp_path / "data") as parts:
        new_agency(parts, "essai-002")
        before = parts.journal.logs()
        with pytest.raises(AgencyThere, match="essai-002"):
            make(parts, PLAN, jobs=1)
        assert parts.journal.logs() == before
    small = ("--agencies", "2", "--leases", "1", "--months", "1", "--prefix", "essai")
    answer = line("demo", *small, code=REFUSED)
    assert "--prefix" in answer.stderr


def test_the_kinds_of_aggregates_replay_what_was_made(made) -> None:
    kinds = {
        "InvoiceIssued": Invoice, "PaymentInitiated": Payment, "NumbersTaken": NumberSeries,
        "RentReceiptIssued": Receipts, "LeaseSigned": Lease,
    }  # fmt: skip
    for stream, facts in streams(made, BOOKS[1]).items():
        kind = kinds.get(type(facts[0][1]).__name__)
        if kind is not None:
            assert kind.replay(stream, facts).version == len(facts)


def test_months_end_with_the_last_that_is_over() -> None:
    assert months_until(Period(2026, 1), 3) == (
        Period(2025, 11), Period(2025, 12), Period(2026, 1),
    )  # fmt: skip
    assert date(2025, 11, 1) == months_until(Period(2026, 1), 3)[0].first_on
