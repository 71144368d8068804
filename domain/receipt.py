"""Receipts: the quittance of a period fully paid, else the reçu of what was paid (art. 21)."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from domain import Event, NotFound, Refused, Value
from domain.money import Cents, PositiveCents
from domain.period import Period

PaidBy = Literal["card", "benefit", "credit"]


class PaidPart(Value):
    """A sum that paid something of the period, by what and when."""

    by: PaidBy
    amount_cents: PositiveCents
    paid_on: date
    source_id: UUID


class RentReceiptIssued(Event):
    """A quittance: rent and charges of the period are paid in full."""

    receipt_id: UUID
    number: str
    lease_id: UUID
    period: Period
    rent_cents: Cents
    charges_cents: Cents
    parts: tuple[PaidPart, ...]
    older_debt_cents: Cents
    """What remains due for earlier periods, which a quittance may say (rule C2.4)."""
    issued_on: date
    account_version: int
    """The version of the rent account that it was decided on."""


class PartialReceiptIssued(Event):
    """A reçu: a part of the period is paid, rent and charges not told apart (rule C2.2)."""

    receipt_id: UUID
    number: str
    lease_id: UUID
    period: Period
    paid_cents: PositiveCents
    shortfall_cents: PositiveCents
    parts: tuple[PaidPart, ...]
    issued_on: date
    account_version: int


ReceiptEvent = RentReceiptIssued | PartialReceiptIssued


class NothingBilled(Refused):
    """There is no invoice for that period, so nothing can be receipted."""


class NothingPaid(Refused):
    """Nothing was paid for that period yet: there is nothing to prove."""


class NoSuchReceipt(NotFound):
    """No receipt has this id in this agency."""
