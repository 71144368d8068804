"""Invoices (avis d'échéance): what a lease asks for one period, issued once, never edited."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from domain import Event, NotFound, Refused, Value
from domain.money import Cents, PositiveCents
from domain.period import Period

LineKind = Literal["rent", "charges"]


class Line(Value):
    """One line: what for, for which days, how much."""

    kind: LineKind
    first_on: date
    last_on: date
    amount_cents: PositiveCents


class InvoiceIssued(Event):
    """The invoice of a lease for a period. `net = previous balance + total − benefit`."""

    invoice_id: UUID
    number: str
    lease_id: UUID
    period: Period
    lines: tuple[Line, ...]
    total_cents: Cents
    """The sum of the lines: what the month costs."""
    benefit_cents: Cents
    """Housing benefit deducted; never more than the total."""
    benefit_surplus_cents: Cents
    """Benefit above the total: due to the tenant."""
    previous_balance_cents: Cents
    """The account's balance before this invoice; negative when the tenant is ahead."""
    due_on: date
    issued_on: date

    @property
    def net_due_cents(self) -> int:
        """What the tenant has to pay for this month, the previous balance apart."""
        return self.total_cents - self.benefit_cents


class AlreadyIssued(Refused):
    """An invoice is issued once; a correction cancels it and issues another."""


class NoSuchInvoice(NotFound):
    """No invoice has this id in this agency."""


InvoiceEvent = InvoiceIssued
