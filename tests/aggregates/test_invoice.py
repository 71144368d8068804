"""An invoice is issued once, and says what the bill says."""

from __future__ import annotations

from aggregates.invoice import Invoice
from domain.invoice import AlreadyIssued, InvoiceIssued
from tests.aggregates.test_rent_account import bill
from tests.given import INVOICE, LEASE, Given, Told, day, given, month

MAY = month("2026-05")


def issue(invoice: Given[Invoice], number: str = "F-2026-000001") -> Told:
    return invoice.when(
        Invoice.issue,
        number=number,
        lease_id=LEASE,
        period=MAY,
        bill=bill(benefit=24500, surplus=0),
        previous_balance_cents=-6100,
        issued_on=day("25/04/2026"),
    )


def test_an_invoice_shows_the_previous_balance_apart() -> None:
    told = issue(given(Invoice, stream=INVOICE))
    told.then(
        InvoiceIssued(
            invoice_id=INVOICE,
            number="F-2026-000001",
            lease_id=LEASE,
            period=MAY,
            lines=bill().lines,
            total_cents=71100,
            benefit_cents=24500,
            benefit_surplus_cents=0,
            previous_balance_cents=-6100,
            due_on=day("05/05/2026"),
            issued_on=day("25/04/2026"),
        )
    )
    assert told.one(InvoiceIssued).net_due_cents == 46600  # scenario 15


def test_an_invoice_is_issued_once() -> None:
    invoice = given(Invoice, stream=INVOICE)
    issue(invoice).accepted()
    issue(invoice, "F-2026-000002").refused(AlreadyIssued)
