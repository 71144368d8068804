"""Which invoices were issued, and what of each is paid?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from domain.invoice import InvoiceIssued
from journal import Recorded
from projections import Projection, Row, Rows


@dataclass(frozen=True, slots=True)
class InvoiceRow(Row):
    table: ClassVar = "invoices"
    key: ClassVar = ("invoice_id",)
    indexes: ClassVar = ("(agency, lease_id, period)", "(agency, period, number)")

    invoice_id: UUID
    number: str
    lease_id: UUID
    period: str
    lines: list[Any]
    total_cents: int
    benefit_cents: int
    benefit_surplus_cents: int
    previous_balance_cents: int
    net_due_cents: int
    due_on: date
    issued_on: date


class Invoices(Projection):
    name = "invoices"
    rows = (InvoiceRow,)
    reads = (InvoiceIssued,)

    def fold(self, rows: Rows, entry: Recorded) -> None:
        match entry.event:
            case InvoiceIssued() as e:
                rows.put(
                    InvoiceRow(
                        e.invoice_id, e.number, e.lease_id, str(e.period),
                        [line.model_dump(mode="json") for line in e.lines],
                        e.total_cents, e.benefit_cents, e.benefit_surplus_cents,
                        e.previous_balance_cents, e.net_due_cents, e.due_on, e.issued_on,
                    )
                )  # fmt: skip
            case _:
                pass


_COLUMNS = InvoiceRow.columns()


def invoices_of_lease(
    connection: Connection, agency: UUID, lease_id: UUID, after: str, limit: int
) -> list[InvoiceRow]:
    """The invoices of a lease by period, from the one after `after` on."""
    cursor = connection.cursor(row_factory=class_row(InvoiceRow))
    return cursor.execute(
        f"SELECT {_COLUMNS} FROM read.invoices"
        " WHERE agency = %s AND lease_id = %s AND period > %s ORDER BY period LIMIT %s",
        [agency, lease_id, after, limit],
    ).fetchall()


def invoice(connection: Connection, agency: UUID, invoice_id: UUID) -> InvoiceRow | None:
    """One invoice."""
    cursor = connection.cursor(row_factory=class_row(InvoiceRow))
    return cursor.execute(
        f"SELECT {_COLUMNS} FROM read.invoices WHERE agency = %s AND invoice_id = %s",
        [agency, invoice_id],
    ).fetchone()
