"""The rent account: one ledger for each lease. Debits are owed by the tenant, credits to them."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from domain import Event, Refused, Value
from domain.money import Cents, PositiveCents
from domain.period import Period

ChargeKind = Literal["opening_balance", "rent", "charges", "correction"]
CreditKind = Literal["opening_balance", "benefit", "benefit_surplus", "correction"]
Rule = Literal["designated", "oldest", "pro_rata"]


class ChargePosted(Event):
    """Something is owed. `charge` counts the charges of this account from 1."""

    lease_id: UUID
    charge: int
    kind: ChargeKind
    amount_cents: PositiveCents
    due_on: date
    effective_on: date
    """The date of the posting: the opening date, or the first day that is paid for."""
    period: Period | None = None
    invoice_id: UUID | None = None


class CreditPosted(Event):
    """Something is owed to the tenant, other than by a payment of theirs."""

    lease_id: UUID
    credit_id: UUID
    kind: CreditKind
    amount_cents: PositiveCents
    effective_on: date
    period: Period | None = None
    invoice_id: UUID | None = None


class PaymentBooked(Event):
    """A payment entered the account."""

    lease_id: UUID
    payment_id: UUID
    amount_cents: PositiveCents
    effective_on: date


class Part(Value):
    """How much of a charge is paid by an allocation."""

    charge: int
    amount_cents: PositiveCents


class PaymentAllocated(Event):
    """What a payment pays (imputation, C. civ. 1342-10)."""

    lease_id: UUID
    payment_id: UUID
    parts: tuple[Part, ...]
    rule: Rule


class CreditAllocated(Event):
    """What a credit pays."""

    lease_id: UUID
    credit_id: UUID
    parts: tuple[Part, ...]
    rule: Rule


class AllocationReversed(Event):
    """What a payment had paid is open again."""

    lease_id: UUID
    payment_id: UUID
    reason: str


class PaymentUnbooked(Event):
    """A payment left the account again: returned, refunded or charged back."""

    lease_id: UUID
    payment_id: UUID
    amount_cents: PositiveCents
    reason: Literal["returned", "refunded", "chargeback"]
    effective_on: date


RentAccountEvent = (
    ChargePosted
    | CreditPosted
    | PaymentBooked
    | PaymentAllocated
    | CreditAllocated
    | AllocationReversed
    | PaymentUnbooked
)


class NotBooked(Refused):
    """This payment is not in this account."""


BalanceCents = Cents
"""Debits minus credits: positive when the tenant owes."""
