"""What Stripe says about a checkout, in its own shapes, and the same in our words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from domain.money import LIMIT_CENTS
from outside.payment_provider import Outcome, Status

Instant = Annotated[int, Field(ge=0, le=10**11)]
"""Seconds since 1970, bounded so that every one of them is a date."""

_OUR_WORDS = {
    "generic_decline": "card_declined",
    "payment_intent_authentication_failure": "authentication_failed",
}


class Card(BaseModel):
    brand: str | None = None
    last4: str | None = None
    authorization_code: str | None = None


class PaymentMethod(BaseModel):
    card: Card | None = None


class PaymentError(BaseModel):
    code: str | None = None
    decline_code: str | None = None
    payment_method: PaymentMethod | None = None


class Charge(BaseModel):
    created: Instant
    authorization_code: str | None = None
    payment_method_details: PaymentMethod | None = None


class PaymentIntent(BaseModel):
    id: str
    status: str
    metadata: dict[str, str] = {}
    last_payment_error: PaymentError | None = None
    latest_charge: Charge | str | None = None


class Session(BaseModel):
    id: str
    client_reference_id: str | None = None
    amount_total: Annotated[int, Field(ge=0, le=LIMIT_CENTS)] | None = None
    currency: str | None = None
    status: Literal["open", "complete", "expired"]
    payment_status: str
    payment_intent: PaymentIntent | str | None = None
    created: Instant
    expires_at: Instant


class Contents(BaseModel):
    object: dict[str, object]


class Notification(BaseModel):
    id: str
    type: str
    created: Instant
    data: Contents


def outcome_of(session: Session) -> Outcome | None:
    """What a session says by itself, with as much of its payment intent as it carries."""
    intent = session.payment_intent if isinstance(session.payment_intent, PaymentIntent) else None
    if session.payment_status in ("paid", "no_payment_required"):
        return told_by(session, "confirmed", intent)
    if session.status == "expired":
        return told_by(session, "failed", intent, at=session.expires_at, failure_code="expired")
    match intent.status if intent else None:
        case "requires_action":
            return told_by(session, "authenticating", intent)
        case "canceled":
            return told_by(session, "failed", intent, failure_code="cancelled")
        case "requires_payment_method" if intent and intent.last_payment_error:
            return told_by(session, "failed", intent, failure_code=why_failed(intent))
        case "processing" | "requires_capture" | "succeeded":
            return told_by(session, "unknown", intent)
        case _:
            return told_by(session, "pending" if session.status == "open" else "unknown", intent)


def told_by(
    session: Session,
    status: Status,
    intent: PaymentIntent | None = None,
    *,
    at: int | None = None,
    failure_code: str | None = None,
) -> Outcome | None:
    """An outcome in our words; None for a session that is not a payment of ours in euros.

    Where Stripe does not say when, it is when the card was tried, or the page opened.
    """
    if session.currency != "eur" or not session.amount_total:
        return None
    try:
        payment_id = UUID(session.client_reference_id or "")
    except ValueError:
        return None
    charge = intent.latest_charge if intent and isinstance(intent.latest_charge, Charge) else None
    card = card_in(charge.payment_method_details if charge else None)
    return Outcome(
        provider_reference=session.id,
        payment_id=payment_id,
        status=status,
        amount_cents=session.amount_total,
        occurred_at=datetime.fromtimestamp(
            at or (charge.created if charge else session.created), UTC
        ),
        failure_code=failure_code,
        authorisation_code=card.authorization_code or (charge and charge.authorization_code),
        brand=card.brand,
        last4=card.last4,
    )


def card_in(method: PaymentMethod | None) -> Card:
    return method.card if method and method.card else Card()


def why_failed(intent: PaymentIntent) -> str:
    error = intent.last_payment_error or PaymentError()
    code = error.decline_code or error.code or "card_declined"
    return _OUR_WORDS.get(code, code)
