"""Which receipts were given for which period?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from domain.receipt import PartialReceiptIssued, RentReceiptIssued
from journal import Recorded
from projections import Projection, Row, Rows


@dataclass(frozen=True, slots=True)
class ReceiptRow(Row):
    """A quittance or a reçu, with all that it proves."""

    table: ClassVar = "receipts"
    key: ClassVar = ("receipt_id",)
    indexes: ClassVar = ("(agency, lease_id, period)",)

    receipt_id: UUID
    number: str
    lease_id: UUID
    period: str
    kind: str
    """`quittance` or `receipt`."""
    paid_cents: int
    rent_cents: int | None
    charges_cents: int | None
    shortfall_cents: int
    older_debt_cents: int
    issued_on: date
    parts: list[Any]
    position: int


class Receipts(Projection):
    name = "receipts"
    rows = (ReceiptRow,)
    reads = (RentReceiptIssued, PartialReceiptIssued)

    def fold(self, rows: Rows, entry: Recorded) -> None:
        match entry.event:
            case RentReceiptIssued() as e:
                rows.put(
                    ReceiptRow(
                        e.receipt_id, e.number, e.lease_id, str(e.period), "quittance",
                        e.rent_cents + e.charges_cents, e.rent_cents, e.charges_cents, 0,
                        e.older_debt_cents, e.issued_on,
                        [part.model_dump(mode="json") for part in e.parts], entry.position,
                    )
                )  # fmt: skip
            case PartialReceiptIssued() as e:
                rows.put(
                    ReceiptRow(
                        e.receipt_id, e.number, e.lease_id, str(e.period), "receipt",
                        e.paid_cents, None, None, e.shortfall_cents, 0, e.issued_on,
                        [part.model_dump(mode="json") for part in e.parts], entry.position,
                    )
                )  # fmt: skip
            case _:
                pass


_COLUMNS = ReceiptRow.columns()


def receipt(connection: Connection, agency: UUID, receipt_id: UUID) -> ReceiptRow | None:
    """One receipt."""
    cursor = connection.cursor(row_factory=class_row(ReceiptRow))
    return cursor.execute(
        f"SELECT {_COLUMNS} FROM read.receipts WHERE agency = %s AND receipt_id = %s",
        [agency, receipt_id],
    ).fetchone()


def receipts_of_lease(
    connection: Connection, agency: UUID, lease_id: UUID, after: int, limit: int
) -> list[ReceiptRow]:
    """The receipts of a lease in the order in which they were issued."""
    cursor = connection.cursor(row_factory=class_row(ReceiptRow))
    return cursor.execute(
        f"SELECT {_COLUMNS} FROM read.receipts WHERE agency = %s AND lease_id = %s"
        " AND position > %s ORDER BY position LIMIT %s",
        [agency, lease_id, after, limit],
    ).fetchall()
