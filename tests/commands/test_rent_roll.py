"""To take over leases from the rent roll of the agency's former software."""

from __future__ import annotations

from functools import cache
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st
from pydantic import ValidationError

from aggregates.lease import EndsBeforeItStarts, Lease
from aggregates.lot import Lot
from aggregates.party import Party
from aggregates.rent_account import RentAccount
from commands.invoice import IssueInvoices
from commands.rent_roll import TakeOverLease
from domain.invoice import InvoiceIssued
from domain.lease import LeaseAmended, LeaseEnded, LeaseSigned
from domain.lot import LotDescribed, LotRegistered
from domain.money import LIMIT_CENTS
from domain.party import BankDetailsDeclared, ContactChanged, IdentityCorrected, PartyRegistered
from domain.rent_account import ChargePosted, CreditAllocated, CreditPosted
from tests.given import Books, day, month, row, terms


def taken_over(**other: Any) -> Books:
    books = Books()
    assert books.do(row(**other))["outcome"] == "imported"
    return books


def account(books: Books) -> RentAccount:
    return books.get(RentAccount, books.get(Lease, "L-0312").id)


def test_a_row_is_a_person_a_lot_a_lease_and_a_balance() -> None:
    told = Books().when(row(balance_cents=41131))
    assert [type(event) for event in told.events] == [
        PartyRegistered,
        BankDetailsDeclared,
        LotRegistered,
        LotDescribed,
        LeaseSigned,
        ChargePosted,
    ]
    opening = told.one(ChargePosted)
    assert (opening.kind, opening.amount_cents) == ("opening_balance", 41131)
    assert (opening.due_on, opening.effective_on) == (day("31/10/2026"), day("31/10/2026"))
    signed = told.one(LeaseSigned)
    assert (signed.start_on, signed.taken_over_on) == (day("01/03/2024"), day("31/10/2026"))
    assert signed.tenants[0].party_id == told.one(PartyRegistered).party_id
    assert signed.lot_ids == (told.one(LotRegistered).lot_id,)
    assert told.answer == {"outcome": "imported", "lease_id": signed.lease_id, "differences": []}


def test_a_tenant_who_is_ahead_has_a_credit() -> None:
    opening = Books().when(row(balance_cents=-6100)).one(CreditPosted)
    assert (opening.kind, opening.amount_cents) == ("opening_balance", 6100)
    assert opening.effective_on == day("31/10/2026")


def test_a_lease_that_has_ended_keeps_its_balance_and_is_not_billed() -> None:
    books = taken_over(left_on=day("30/06/2026"), balance_cents=41131)
    (end,) = books.told(LeaseEnded)
    assert end.ended_on == day("30/06/2026")
    assert account(books).balance_cents == 41131
    books.when(IssueInvoices(period=month("2026-11"), lease_ids=(end.lease_id,))).then()
    assert account(books).balance_cents == 41131


@pytest.mark.parametrize("balance", [0, 41131, -6100])
def test_an_identical_row_is_unchanged(balance: int) -> None:
    books = taken_over(balance_cents=balance, left_on=day("31/12/2027"))
    for accept in (False, True):
        told = books.when(
            row(balance_cents=balance, left_on=day("31/12/2027"), accept_differences=accept)
        )
        assert told.then().answer["outcome"] == "unchanged"


def test_a_later_roll_with_another_balance_is_unchanged() -> None:
    told = taken_over().when(row(balance_cents=71100, balance_on=day("30/11/2026")))
    assert told.then().answer["outcome"] == "unchanged"


DIFFERENT: list[tuple[str, dict[str, Any]]] = [
    ("title", {"title": "M."}),
    ("last_name", {"last_name": "Weber"}),
    ("first_name", {"first_name": "Léa"}),
    ("born_on", {"born_on": day("01/02/1990")}),
    ("email", {"email": "anais@exemple.com"}),
    ("email", {"email": None}),
    ("phone", {"phone": None}),
    ("iban", {"iban": "FR1420041010050500013M02606"}),
    ("iban", {"iban": None}),
    ("lot_reference", {"lot_reference": "LOT-2"}),
    ("client_reference", {"client_reference": "C-2"}),
    ("street", {"street": "13 rue des Lilas"}),
    ("postcode", {"postcode": "57100"}),
    ("city", {"city": "Thionville"}),
    ("energy_class", {"energy_class": "B"}),
    ("entered_on", {"entered_on": day("02/03/2024")}),
    ("left_on", {"left_on": day("31/12/2026")}),
    ("rent_cents", {"terms": terms(rent_cents=62000)}),
    ("charges_cents", {"terms": terms(charges_cents=9900)}),
    ("charges_mode", {"terms": terms(charges_mode="lump_sum")}),
    ("benefit_cents", {"terms": terms(benefit_cents=24500)}),
    ("deposit_cents", {"terms": terms(deposit_cents=61240)}),
    ("payment_term", {"terms": terms(payment_term="arrears")}),
    ("due_day", {"terms": terms(due_day=10)}),
    ("index_quarter", {"terms": terms(index_quarter="T1")}),
    ("kind", {"terms": terms(kind="furnished")}),
    ("balance_cents", {"balance_cents": 41131}),
]


@pytest.mark.parametrize(("column", "other"), DIFFERENT)
def test_a_row_that_differs_is_told_and_not_applied(column: str, other: dict[str, Any]) -> None:
    books = taken_over()
    told = books.when(row(**other)).then()
    assert (told.answer["outcome"], told.answer["differences"]) == ("differing", [column])
    assert books.when(row()).then().answer["outcome"] == "unchanged"


@pytest.mark.parametrize(("column", "other"), DIFFERENT)
def test_a_difference_that_is_accepted_is_known_from_then_on(
    column: str, other: dict[str, Any]
) -> None:
    books = taken_over()
    told = books.when(row(**other, accept_differences=True))
    assert told.answer["outcome"] == "amended"
    assert told.answer["differences"] == [column]
    assert told.events
    assert books.when(row(**other)).then().answer["outcome"] == "unchanged"
    assert books.when(row(**other, accept_differences=True)).then().answer["outcome"] == "unchanged"


@pytest.mark.parametrize("column", ["iban", "email", "phone", "energy_class", "left_on"])
def test_what_a_lease_did_not_say_before_is_a_difference(column: str) -> None:
    said = row(left_on=day("31/12/2027"))
    books = taken_over(**{"left_on": said.left_on} | {column: None})
    told = books.when(said).then()
    assert told.answer["differences"] == [column]


def test_what_is_accepted_of_a_person_is_told_as_such() -> None:
    told = taken_over().when(row(last_name="Weber", email=None, iban=None, accept_differences=True))
    assert [type(event) for event in told.events] == [
        IdentityCorrected,
        ContactChanged,
        BankDetailsDeclared,
    ]


def test_an_accepted_difference_is_an_amendment_from_today_on() -> None:
    books = taken_over()
    lease_id = books.told(LeaseSigned)[0].lease_id
    november = IssueInvoices(period=month("2026-11"), lease_ids=(lease_id,))
    before = books.when(november).one(InvoiceIssued)
    amendment = books.when(row(terms=terms(rent_cents=62000), accept_differences=True)).one(
        LeaseAmended
    )
    assert amendment.effective_on == day("25/11/2026")
    assert books.when(november).then().answer["already_issued"] == 1
    assert books.told(InvoiceIssued) == [before]
    assert account(books).balance_cents == 71100
    october = IssueInvoices(period=month("2026-10"), lease_ids=(lease_id,))
    assert books.when(october).one(InvoiceIssued).total_cents == 71100
    december = IssueInvoices(period=month("2026-12"), lease_ids=(lease_id,))
    assert books.when(december).one(InvoiceIssued).total_cents == 71860


def test_a_month_not_billed_yet_is_split_where_it_was_amended() -> None:
    books = taken_over()
    lease_id = books.told(LeaseSigned)[0].lease_id
    books.do(row(terms=terms(rent_cents=62000), accept_differences=True))
    issued = books.when(IssueInvoices(period=month("2026-11"), lease_ids=(lease_id,)))
    rents = [
        (line.first_on, line.last_on, line.amount_cents)
        for line in issued.one(InvoiceIssued).lines
        if line.kind == "rent"
    ]
    assert rents == [
        (day("01/11/2026"), day("24/11/2026"), 61240 * 24 // 30),
        (day("25/11/2026"), day("30/11/2026"), 62000 * 6 // 30),
    ]


def test_a_wrong_opening_balance_is_corrected_by_a_posting() -> None:
    books = taken_over(balance_cents=41131)
    told = books.when(row(balance_cents=40000, accept_differences=True))
    assert told.one(CreditPosted).amount_cents == 1131
    assert account(books).balance_cents == 40000
    told = books.when(row(balance_cents=-100, accept_differences=True))
    assert told.one(CreditPosted).amount_cents == 40100
    told = books.when(row(balance_cents=500, accept_differences=True))
    assert told.one(ChargePosted).amount_cents == 600
    assert account(books).balance_cents == account(books).opening_cents == 500


def test_a_correction_pays_the_debt_that_was_too_high_at_once() -> None:
    """Else the tenant is dunned until midnight for what the agency knows is not owed."""
    books = taken_over(balance_cents=41131)
    told = books.when(row(balance_cents=40000, accept_differences=True))
    assert told.one(CreditAllocated).parts[0].amount_cents == 1131
    assert [charge.open_cents for charge in account(books).charges.values()] == [40000]


def test_nothing_of_a_faulty_lease_is_kept() -> None:
    books = Books()
    books.when(row(left_on=day("29/02/2024"))).refused(EndsBeforeItStarts)
    assert books.entries == []
    books.do(row())
    known = list(books.entries)
    books.when(row(last_name="Weber", left_on=day("29/02/2024"), accept_differences=True)).refused(
        EndsBeforeItStarts
    )
    assert books.entries == known


def test_one_tenant_may_have_a_flat_and_a_garage() -> None:
    books = taken_over(client_reference="C-004217")
    told = books.when(
        row("L-0313", client_reference="C-004217", terms=terms(kind="garage", rent_cents=4500))
    )
    assert told.answer["outcome"] == "imported"
    assert told.all(PartyRegistered) == []
    assert told.one(LotDescribed).kind == "garage"


def test_another_lease_of_a_tenant_who_is_known_otherwise_is_told() -> None:
    books = taken_over(client_reference="C-004217")
    told = books.when(row("L-0313", client_reference="C-004217", last_name="Weber")).then()
    assert told.answer["outcome"] == "differing"
    assert told.answer["differences"] == ["last_name"]
    told = books.when(
        row("L-0313", client_reference="C-004217", last_name="Weber", accept_differences=True)
    )
    assert told.answer["outcome"] == "imported"
    assert told.one(IdentityCorrected).last_name == "Weber"


def test_what_one_lease_leaves_blank_another_may_say_in_any_order() -> None:
    rows = [
        row("L-1", client_reference="C-1", phone=None),
        row("L-2", client_reference="C-1", iban=None, email=None),
        row("L-3", client_reference="C-1", phone=None, iban=None),
    ]
    for order in permutations(rows):
        books = Books()
        assert [books.do(each)["outcome"] for each in order] == ["imported"] * 3
        person = books.get(Party, "C-1")
        assert person.contact is not None
        assert (person.contact.email, person.contact.phone, person.iban) == (
            "anais@exemple.fr",
            "+33387000000",
            "FR7630006000011234567890189",
        )


@pytest.mark.parametrize(
    "other",
    [
        {"balance_cents": LIMIT_CENTS},
        {"balance_cents": -LIMIT_CENTS},
        {"balance_cents": 0.5},
        {"postcode": "5700"},
        {"last_name": "  "},
        {"lease_reference": ""},
        {"client_reference": "x" * 201},
    ],
)
def test_what_no_lease_can_say_is_invalid(other: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        row(**other)


@pytest.mark.parametrize(
    "other",
    [
        {"rent_cents": -1},
        {"rent_cents": LIMIT_CENTS},
        {"charges_cents": LIMIT_CENTS},
        {"benefit_cents": LIMIT_CENTS},
        {"due_day": 0},
        {"due_day": 32},
        {"rent_cents": 612.4},
    ],
)
def test_what_no_terms_can_say_is_invalid(other: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        terms(**other)


def test_the_largest_lease_can_be_billed() -> None:
    """What is let in must not fail later, in a run that bills others too."""
    most = terms(rent_cents=10**9, charges_cents=10**9, benefit_cents=10**9)
    books = taken_over(terms=most, balance_cents=10**11)
    lease_id = books.told(LeaseSigned)[0].lease_id
    books.do(IssueInvoices(period=month("2026-11"), lease_ids=(lease_id,)))
    assert account(books).balance_cents == 10**11 + 10**9


ROLL = [
    row("L-1", client_reference="C-1", phone=None, balance_cents=41131),
    row("L-2", client_reference="C-1", iban=None, email=None, left_on=day("31/12/2025")),
    row("L-3", client_reference="C-3", lot_reference="LOT-L-2", energy_class=None),
    row("L-4", client_reference="C-4", balance_cents=-6100),
]


@settings(max_examples=40, deadline=None)
@any_of(st.lists(st.sampled_from(ROLL), max_size=8), st.permutations(ROLL))
def test_any_order_and_repetition_of_rows_ends_the_same(
    before: list[TakeOverLease], each: list[TakeOverLease]
) -> None:
    books = Books()
    for asked in (*before, *each):
        outcome = books.do(asked)["outcome"]
        assert outcome in ("imported", "unchanged", "differing")
    assert known(books) == known_in_order()
    assert len(books.told(LeaseSigned)) == len(ROLL)


def known(books: Books) -> list[object]:
    """All that is known of the people, lots, leases and accounts of the roll."""
    leases = [books.get(Lease, asked.lease_reference) for asked in ROLL]
    people = [books.get(Party, f"C-{n}") for n in (1, 3, 4)]
    lots = [books.get(Lot, asked.lot_reference).description for asked in ROLL]
    return [
        [(lease.reference, lease.reading, lease.terms_from) for lease in leases],
        [books.get(RentAccount, lease.id).balance_cents for lease in leases],
        [(person.identity, person.contact, person.iban) for person in people],
        lots,
    ]


@cache
def known_in_order() -> list[object]:
    books = Books()
    assert [books.do(asked)["outcome"] for asked in ROLL] == ["imported"] * len(ROLL)
    return known(books)
