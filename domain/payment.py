"""Payments by card: from the wish to pay to the bank's word, which may be late in coming."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Literal, Self
from uuid import UUID

from pydantic import ConfigDict, model_validator

from domain import Event, NotFound, Personal, Refused, Value, of
from domain.money import PositiveCents

Language = Literal["fr", "en"]


class Designation(Value):
    """Which debts the payer says they pay (rule C3.4)."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"kind": {"const": "none"}}},
            "then": {"properties": {"invoice_ids": {"maxItems": 0}}},
        }
    )

    kind: Literal["explicit", "implied", "none"] = "none"
    invoice_ids: tuple[UUID, ...] = ()

    @model_validator(mode="after")
    def _none_names_none(self) -> Self:
        if self.kind == "none" and self.invoice_ids:
            raise ValueError("who designates nothing names no invoice")
        return self


class PaymentState(StrEnum):
    """Where a payment stands. Only `confirmed` and `settled` count in a balance."""

    INITIATED = "initiated"
    AUTHENTICATING = "authenticating"
    CONFIRMED = "confirmed"
    SETTLED = "settled"
    FAILED = "failed"
    UNKNOWN = "unknown"


class PaymentInitiated(Event):
    """Somebody wants to pay. Nothing is taken yet."""

    payment_id: UUID
    lease_id: UUID
    party_id: UUID
    amount_cents: PositiveCents
    method: Literal["card"] = "card"
    provider: str
    receipt_email: Personal[str | None] = of("party_id", None)
    designation: Designation
    terms_accepted_version: str
    language: Language = "fr"


class AuthenticationRequired(Event):
    """The payer was sent to the provider, under its reference."""

    payment_id: UUID
    lease_id: UUID
    provider_reference: str
    opened_at: datetime


class ProviderReferenceRecorded(Event):
    """A provider's reference belongs to this payment, and to no other for ever."""

    provider: str
    provider_reference: str
    payment_id: UUID


class PaymentConfirmed(Event):
    """The bank said yes. The money counts from now on."""

    payment_id: UUID
    lease_id: UUID
    amount_cents: PositiveCents
    provider_reference: str
    authorisation_code: str | None
    confirmed_at: datetime
    brand: str | None = None
    last4: str | None = None


class PaymentTicketIssued(Event):
    """The proof that the bank said yes. It is not a receipt for rent."""

    payment_id: UUID
    lease_id: UUID
    ticket_number: str


class PaymentFailed(Event):
    """The bank said no, or the payer gave up. Nothing was taken."""

    payment_id: UUID
    lease_id: UUID
    code: str


class PaymentOutcomeUnknown(Event):
    """Nobody can say yet whether the money was taken."""

    payment_id: UUID
    lease_id: UUID
    since_at: datetime


class PaymentChecked(Event):
    """The provider was asked again and could not tell. `check` counts from 1."""

    payment_id: UUID
    lease_id: UUID
    check: int
    checked_at: datetime


class PaymentSettled(Event):
    """The money was seen on the bank statement."""

    payment_id: UUID
    lease_id: UUID
    amount_cents: PositiveCents
    value_on: date
    fee_cents: int = 0
    statement_line_id: str

    def takes_effect_on(self) -> date:
        return self.value_on


PaymentEvent = (
    PaymentInitiated
    | AuthenticationRequired
    | PaymentConfirmed
    | PaymentTicketIssued
    | PaymentFailed
    | PaymentOutcomeUnknown
    | PaymentChecked
    | PaymentSettled
)


class NoSuchPayment(NotFound):
    """No payment has this id in this agency."""


class AboveCeiling(Refused):
    """More than one payment may move at once."""


class ReferenceTaken(Refused):
    """The provider's reference belongs to another payment."""


class NotPayable(Refused):
    """The payment is in a state in which this cannot be done."""
