"""What a payment is for: the invoices it was meant to pay, and what it has paid in the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from api.pages.words import WORDS
from domain import stream_id
from domain.payment import PaymentConfirmed, PaymentInitiated, PaymentSettled
from domain.period import Period
from domain.rent_account import AllocationReversed, ChargePosted, PaymentAllocated, PaymentBooked
from domain.words import Language, euros, month_name
from journal.journal import Journal
from projections.invoices import invoice
from projections.payments import PaymentRow


class Line(NamedTuple):
    """One thing that is paid, and the paper that asked for it."""

    title: str
    paper: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the journal says of a payment and no read model does."""

    designated: tuple[UUID, ...] = ()
    """The invoices that the payer named."""
    brand: str | None = None
    last4: str | None = None
    counted_at: datetime | None = None
    """When the bank's yes was recorded, and booked with it."""
    received_on: date | None = None


def facts_of(journal: Journal, agency: UUID, payment_id: UUID) -> Facts:
    """Read a payment's own stream, which is a handful of events."""
    designated: tuple[UUID, ...] = ()
    brand = last4 = counted_at = received_on = None
    for entry in journal.stream(agency, stream_id(agency, "payment", payment_id)):
        match entry.event:
            case PaymentInitiated() as e:
                designated = e.designation.invoice_ids
            case PaymentConfirmed() as e:
                brand, last4, counted_at = e.brand, e.last4, entry.recorded_at
            case PaymentSettled() as e:
                received_on = e.value_on
            case _:
                pass
    return Facts(designated, brand, last4, counted_at, received_on)


def to_pay_for(
    connection: Connection[Any], agency: UUID, facts: Facts, language: Language
) -> list[Line]:
    """What the payer means to pay: the invoices named, else whatever is due."""
    return _invoices(connection, agency, facts.designated, language) or [
        Line(WORDS[language]["oldest_first"])
    ]


def paid_for(
    connection: Connection[Any],
    journal: Journal,
    agency: UUID,
    row: PaymentRow,
    language: Language,
) -> list[Line]:
    """What a confirmed payment pays by now, and how much of it is still ahead."""
    paid, left_cents = _allocated(journal, agency, row)
    words = WORDS[language]
    lines = _invoices(
        connection, agency, [c.invoice_id for c in paid if c.invoice_id is not None], language
    )
    if any(charge.invoice_id is None for charge in paid):
        lines.insert(0, Line(words["opening"]))
    if left_cents:
        lines.append(Line(words["ahead"].format(amount=euros(left_cents, language))))
    return lines


def _allocated(journal: Journal, agency: UUID, row: PaymentRow) -> tuple[list[ChargePosted], int]:
    """The charges that a payment pays, in the order in which they were posted; and the rest."""
    charges: dict[int, ChargePosted] = {}
    paid: dict[int, int] = {}
    booked_cents = 0
    for entry in journal.stream(agency, stream_id(agency, "rent_account", row.lease_id)):
        match entry.event:
            case ChargePosted() as e:
                charges[e.charge] = e
            case PaymentBooked() as e if e.payment_id == row.payment_id:
                booked_cents = e.amount_cents
            case PaymentAllocated() as e if e.payment_id == row.payment_id:
                for part in e.parts:
                    paid[part.charge] = paid.get(part.charge, 0) + part.amount_cents
            case AllocationReversed() as e if e.payment_id == row.payment_id:
                paid.clear()
            case _:
                pass
    return [charges[number] for number in sorted(paid)], booked_cents - sum(paid.values())


def _invoices(
    connection: Connection[Any], agency: UUID, ids: Iterable[UUID], language: Language
) -> list[Line]:
    """Invoices as a payer knows them: `novembre 2026`, and `facture F-2026-00012` below."""
    rows = [invoice(connection, agency, invoice_id) for invoice_id in dict.fromkeys(ids)]
    return [
        Line(
            month_name(Period.parse(row.period), language),
            WORDS[language]["invoice"].format(number=row.number),
        )
        for row in rows
        if row is not None
    ]
