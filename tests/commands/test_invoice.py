"""To bill the leases of an agency for a period, each once."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st
from pydantic import ValidationError

from aggregates.rent_account import RentAccount
from commands.invoice import AT_ONCE, IssueInvoices
from domain import NotFound
from domain.invoice import InvoiceIssued
from domain.lease import NoSuchLease
from domain.rent_account import ChargePosted, CreditAllocated, CreditPosted
from tests.given import Books, Told, day, month, row, terms

BENEFIT = terms(benefit_cents=24500)


def let(books: Books, *references: str, **other: object) -> list[UUID]:
    return [books.do(row(reference, **other))["lease_id"] for reference in references]


def bill(books: Books, leases: list[UUID], period: str = "2026-11") -> Told:
    return books.when(IssueInvoices(period=month(period), lease_ids=tuple(leases)))


def balance(books: Books, lease: UUID) -> int:
    return books.get(RentAccount, lease).balance_cents


def test_an_invoice_and_its_postings_are_one_append() -> None:
    books = Books(today="25/10/2026")
    leases = let(books, "L-1", "L-2")
    told = bill(books, leases)
    assert sorted(type(event).__name__ for event in told.events) == [
        *["ChargePosted"] * 4,
        *["InvoiceIssued"] * 2,
        "NumbersTaken",
    ]
    assert told.answer == {"invoices": 2, "total_cents": 142200, "already_issued": 0}
    for issued, lease in zip(told.all(InvoiceIssued), leases, strict=True):
        assert (issued.lease_id, issued.period) == (lease, month("2026-11"))
        charges = [e for e in told.all(ChargePosted) if e.lease_id == lease]
        assert [(c.invoice_id, c.amount_cents, c.due_on) for c in charges] == [
            (issued.invoice_id, 61240, issued.due_on),
            (issued.invoice_id, 9860, issued.due_on),
        ]
        assert balance(books, lease) == 71100


def test_numbers_are_gapless_in_each_year() -> None:
    books = Books(today="25/11/2026")
    leases = let(books, "L-1", "L-2", "L-3")
    bill(books, leases[:2])
    bill(books, leases)
    books.on("25/12/2026")
    bill(books, leases, "2027-01")
    books.on("01/01/2027", hour=0)
    bill(books, leases, "2027-02")
    assert [issued.number for issued in books.told(InvoiceIssued)] == [
        *[f"F-2026-{number:06d}" for number in range(1, 7)],
        *[f"F-2027-{number:06d}" for number in range(1, 4)],
    ]


def test_a_second_run_issues_nothing() -> None:
    books = Books()
    leases = let(books, "L-1", "L-2")
    bill(books, leases)
    told = bill(books, leases).then()
    assert told.answer == {"invoices": 0, "total_cents": 0, "already_issued": 2}


def test_a_run_that_was_cut_short_is_completed() -> None:
    books = Books()
    leases = let(books, "L-1", "L-2", "L-3")
    bill(books, leases[1:2])
    told = bill(books, leases)
    assert told.answer == {"invoices": 2, "total_cents": 142200, "already_issued": 1}
    assert [issued.number for issued in books.told(InvoiceIssued)] == [
        f"F-2026-{number:06d}" for number in (1, 2, 3)
    ]


def test_a_lease_named_twice_is_billed_once() -> None:
    books = Books()
    (lease,) = let(books, "L-1")
    assert bill(books, [lease, lease]).answer["invoices"] == 1
    assert balance(books, lease) == 71100


def test_an_unknown_lease_stops_all_and_nothing_is_kept() -> None:
    books = Books()
    leases = let(books, "L-1")
    known = list(books.entries)
    bill(books, [*leases, uuid4()]).refused(NoSuchLease)
    assert books.entries == known
    assert bill(books, leases).one(InvoiceIssued).number == "F-2026-000001"


def test_the_id_of_something_else_names_no_lease() -> None:
    books = Books()
    leases = let(books, "L-1")
    issued = bill(books, leases).one(InvoiceIssued)
    told = bill(books, [issued.invoice_id], "2026-12")
    assert isinstance(told.refusal, NotFound)


def test_leases_that_do_not_run_or_cost_nothing_are_passed_over() -> None:
    books = Books()
    leases = [
        *let(books, "gone", left_on=day("31/10/2026")),
        *let(books, "to come", entered_on=day("01/12/2026")),
        *let(books, "free", terms=terms(rent_cents=0, charges_cents=0)),
        *let(books, "last day", left_on=day("01/11/2026")),
        *let(books, "first day", entered_on=day("30/11/2026")),
    ]
    told = bill(books, leases)
    assert [issued.lease_id for issued in told.all(InvoiceIssued)] == leases[3:]
    assert told.answer == {"invoices": 2, "total_cents": 2 * (2041 + 328), "already_issued": 0}


def test_a_lease_in_arrears_pays_november_in_december() -> None:
    books = Books()
    leases = let(books, "L-1", terms=terms(payment_term="arrears", due_day=31))
    assert bill(books, leases).one(InvoiceIssued).due_on == day("31/12/2026")


def test_the_previous_balance_stands_apart() -> None:
    books = Books(today="25/10/2026")
    leases = [*let(books, "L-1", balance_cents=41131), *let(books, "L-2", balance_cents=-6100)]
    first, second = bill(books, leases).all(InvoiceIssued)
    assert (first.previous_balance_cents, first.total_cents, first.net_due_cents) == (
        41131,
        71100,
        71100,
    )
    assert (second.previous_balance_cents, second.net_due_cents) == (-6100, 71100)
    assert [balance(books, lease) for lease in leases] == [41131 + 71100, 71100 - 6100]
    again = bill(books, leases, "2026-12").all(InvoiceIssued)
    assert [issued.previous_balance_cents for issued in again] == [112231, 65000]


def test_benefit_is_deducted_in_the_same_append() -> None:
    books = Books(today="25/10/2026")
    leases = let(books, "L-1", terms=BENEFIT)
    told = bill(books, leases)
    issued = told.one(InvoiceIssued)
    assert (issued.benefit_cents, issued.net_due_cents) == (24500, 46600)
    assert told.one(CreditPosted).invoice_id == issued.invoice_id
    assert told.one(CreditAllocated).parts[0].amount_cents == 24500
    assert balance(books, leases[0]) == 46600


def test_surplus_benefit_is_not_kept_for_the_next_month() -> None:
    books = Books(today="05/11/2026")
    leases = let(books, "L-1", terms=terms(benefit_cents=80000))
    issued = bill(books, leases).one(InvoiceIssued)
    assert (issued.benefit_surplus_cents, issued.net_due_cents) == (8900, 0)
    books.do(row("L-1", terms=terms(), accept_differences=True))
    books.on("05/12/2026")
    december = bill(books, leases, "2026-12")
    assert december.one(InvoiceIssued).net_due_cents == 71100
    assert december.all(CreditAllocated) == []
    open_cents = sum(c.open_cents for c in books.get(RentAccount, leases[0]).charges.values())
    assert open_cents == 71100


def test_a_run_takes_a_bounded_number_of_leases() -> None:
    with pytest.raises(ValidationError):
        IssueInvoices(period=month("2026-11"), lease_ids=())
    with pytest.raises(ValidationError):
        IssueInvoices(period=month("2026-11"), lease_ids=tuple(uuid4() for _ in range(AT_ONCE + 1)))


@settings(max_examples=20, deadline=None)
@any_of(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=6), max_size=6))
def test_runs_in_any_pieces_end_with_one_invoice_each(pieces: list[list[int]]) -> None:
    books = Books()
    leases = let(books, *(f"L-{n}" for n in range(6)))
    for piece in pieces:
        bill(books, [leases[n] for n in piece]).accepted()
    bill(books, leases).accepted()
    issued = books.told(InvoiceIssued)
    assert sorted(i.lease_id for i in issued) == sorted(leases)
    assert [i.number for i in issued] == [f"F-2026-{n:06d}" for n in range(1, 7)]
    assert {balance(books, lease) for lease in leases} == {71100}
