"""A story with everything in it, told by commands, and the read models that it leads to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from aggregates.rent_account import RentAccount
from commands.invoice import IssueInvoices
from commands.payment import (
    CheckPayment,
    ConfirmPayment,
    FailPayment,
    InitiatePayment,
    MarkUnknown,
    SettlePayment,
    StartAuthentication,
)
from commands.receipt import RequestReceipt
from commands.task import CompleteTask
from domain import stream_id
from domain.invoice import InvoiceIssued
from domain.payment import Designation
from domain.task import TaskRaised
from journal import Recorded, agency_id
from projections import Projection
from projections.folding import Stretch, fetch, fold, write
from projections.generations import create_tables
from tests.given import Books, day, month, row, terms

LILAS, ROSES, NOBODY = agency_id("lilas"), agency_id("roses"), agency_id("nobody")


class Story:
    """Three leases of the agency des Lilas in May 2026: a flat, a garage, one that has ended."""

    def __init__(self) -> None:
        self.books = Books(today="25/04/2026")
        before: dict[str, Any] = {"balance_on": day("31/03/2026")}
        self.flat = self._let("L-0312", balance_cents=41131, **before)
        garage = terms(kind="garage", rent_cents=4500, charges_cents=0, benefit_cents=5000)
        self.garage = self._let("L-0313", terms=garage, energy_class=None, phone=None, **before)
        self.gone = self._let("L-0299", left_on=day("31/12/2025"), balance_cents=-6100, **before)
        self.bill("2026-05", self.flat, self.garage)
        self.flat_invoice, self.garage_invoice = (
            issued.invoice_id for issued in self.books.told(InvoiceIssued)
        )
        self.books.on("06/05/2026")
        self.settled = self.pay(self.flat, 40000, "cs_1", self.flat_invoice)
        self.books.do(
            SettlePayment(
                payment_id=self.settled, value_on=day("08/05/2026"), statement_line_id="line 7"
            )
        )
        self._receipt()
        self.failed = self.wish(self.flat, 31100)
        self._page(self.failed, "cs_2")
        self.books.do(FailPayment(payment_id=self.failed, code="card_declined"))
        self.rest = self.pay(self.flat, 31100, "cs_3", self.flat_invoice, asked=31000)
        self._receipt()
        (task,) = self.books.told(TaskRaised)
        self.books.do(CompleteTask(task_id=task.task_id, outcome="explained"))
        self.lost = self.wish(self.garage, 4500)
        self._page(self.lost, "cs_4")
        self.books.do(MarkUnknown(payment_id=self.lost))
        self.unknown_at = self.books.now
        for minutes in (5, 60, 24 * 60):
            self.books.later(minutes=minutes)
            self.books.do(CheckPayment(payment_id=self.lost))
        self.idle = self.wish(self.flat, 100)
        self.opened = self.wish(self.flat, 200)
        self._page(self.opened, "cs_5")
        self.returned = self.pay(self.flat, 5000, "cs_6")
        self.books.decide(
            lambda store: store.get(RentAccount, self.flat).unbook(
                self.returned, "chargeback", store.today
            )
        )
        amended = {"terms": terms(rent_cents=62000), "last_name": "Weber"}
        self.books.do(
            row("L-0312", balance_cents=41000, accept_differences=True, **before, **amended)
        )

    @property
    def entries(self) -> list[Recorded]:
        return self.books.entries

    def bill(self, period: str, *leases: UUID) -> None:
        self.books.do(IssueInvoices(period=month(period), lease_ids=leases))

    def wish(self, lease: UUID, cents: int, *designated: UUID) -> UUID:
        kind: Any = "explicit" if designated else "none"
        asked = InitiatePayment(
            lease_id=lease,
            amount_cents=cents,
            terms_accepted_version="2026-01",
            designation=Designation(kind=kind, invoice_ids=designated),
            receipt_email="other@exemple.fr",
        )
        payment: UUID = self.books.do(asked)["payment_id"]
        return payment

    def pay(
        self, lease: UUID, cents: int, reference: str, *designated: UUID, asked: int | None = None
    ) -> UUID:
        payment = self.wish(lease, asked or cents, *designated)
        self._page(payment, reference)
        self.books.do(
            ConfirmPayment(
                payment_id=payment,
                provider_reference=reference,
                amount_cents=cents,
                confirmed_at=self.books.now,
            )
        )
        return payment

    def _let(self, reference: str, **other: Any) -> UUID:
        lease: UUID = self.books.do(row(reference, **other))["lease_id"]
        return lease

    def _page(self, payment: UUID, reference: str) -> None:
        self.books.do(StartAuthentication(payment_id=payment, provider_reference=reference))

    def _receipt(self) -> None:
        self.books.do(RequestReceipt(lease_id=self.flat, period=month("2026-05")))


@contextmanager
def stored(
    url: str,
    entries: Iterable[Recorded],
    *projections: Projection,
    agencies: Sequence[UUID] = (LILAS, ROSES),
    at_once: int = 7,
) -> Iterator[Connection[Any]]:
    """The read models of entries, the same for two agencies, so that a lost condition shows."""
    told = list(entries)
    with psycopg.connect(url, autocommit=True) as connection:
        create_tables(connection, projections)
        for first in range(0, len(told), at_once):
            stretches = [
                Stretch(projection, agency, first, told[first : first + at_once])
                for agency in agencies
                for projection in projections
            ]
            fetch(connection, stretches)
            for stretch in stretches:
                fold(stretch)
                assert stretch.error is None
            write(connection.cursor(), stretches)
        yield connection


def party(reference: str) -> UUID:
    return stream_id(LILAS, "party", f"C-{reference}")


def lot(reference: str) -> UUID:
    return stream_id(LILAS, "lot", f"LOT-{reference}")
