"""Card payments over Stripe Checkout, through Stripe's own SDK.

Written for the API version that the SDK pins (2026-10-28). A Checkout page stays open after a
declined card: `failed` may be followed by `confirmed` for the same checkout, until it expires.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import ValidationError
from stripe import (
    APIConnectionError,
    RequestsClient,
    SignatureVerificationError,
    StripeClient,
    StripeError,
    WebhookSignature,
)

from outside.payment_provider import (
    BadSignature,
    Checkout,
    Outcome,
    ProviderRefused,
    ProviderUnreachable,
    Unreadable,
    header_named,
    refuse_if_huge,
    refuse_unless_recent,
)
from outside.stripe_session import (
    Notification,
    PaymentIntent,
    Session,
    card_in,
    outcome_of,
    told_by,
    why_failed,
)

if TYPE_CHECKING:
    from stripe.checkout import Session as SessionAnswered
    from stripe.params.checkout import SessionCreateParams, SessionCreateParamsLineItem

# Stripe answers these when the same request is still being worked on, or when it is too busy
# to look at it: the outcome is open, unlike after its other refusals.
_ASK_AGAIN = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}


class StripeProvider:
    """Takes card payments on Stripe's hosted page. `base_url` is for a test server only.

    `webhook_secrets` are the signing secrets of the endpoint: one, or two while rotating.
    """

    name = "stripe"

    def __init__(
        self,
        api_key: str,
        webhook_secrets: Sequence[str],
        *,
        base_url: str = "https://api.stripe.com",
        timeout_seconds: float = 5.0,
    ) -> None:
        self._webhook_secrets = tuple(filter(None, webhook_secrets))
        self._http = RequestsClient(timeout=timeout_seconds)
        self._stripe = StripeClient(
            api_key,
            base_addresses={"api": base_url},
            http_client=self._http,
            max_network_retries=0,
        )

    def close(self) -> None:
        """Close the connections of the calling thread."""
        self._http.close()  # type: ignore[no-untyped-call]

    def open_checkout(
        self,
        *,
        payment_id: UUID,
        amount_cents: int,
        label: str,
        return_url: str,
        email: str | None,
        language: str,
        idempotency_key: str,
    ) -> Checkout:
        """See the port. Stripe sends cancelled and paid alike back to `return_url`.

        No `expires_at`: it would differ between two requests with one key, which Stripe refuses.
        """
        metadata = {"payment_id": str(payment_id)}
        params: SessionCreateParams = {
            "mode": "payment",
            "client_reference_id": str(payment_id),
            "metadata": metadata,
            "payment_intent_data": {"metadata": metadata, "description": label},
            "line_items": [_item(label, amount_cents)],
            "allowed_payment_method_types": ["card"],
            "success_url": return_url,
            "cancel_url": return_url,
            "locale": language if language in ("fr", "en") else "auto",
        }
        if email:
            params["customer_email"] = email
        with _errors_translated():
            session = self._stripe.v1.checkout.sessions.create(
                params, {"idempotency_key": idempotency_key}
            )
        if not session.url:
            raise ProviderRefused(f"Stripe opened {session.id} without a page.")
        return Checkout(provider_reference=session.id, redirect_url=session.url)

    def look_up(self, provider_reference: str) -> Outcome:
        with _errors_translated():
            answer = self._stripe.v1.checkout.sessions.retrieve(
                provider_reference, {"expand": ["payment_intent.latest_charge"]}
            )
        outcome = outcome_of(_session_in(answer))
        if outcome is None:
            raise ProviderRefused(f"{provider_reference} is not a payment of ours.")
        return outcome

    def read_webhook(self, body: bytes, headers: Mapping[str, str], now: datetime) -> list[Outcome]:
        """See the port. A notification about a payment intent does not name its checkout, so
        Stripe is asked for it: `ProviderUnreachable` then means *have it sent again*."""
        self._refuse_unless_signed(body, header_named("Stripe-Signature", headers), now)
        try:
            told = Notification.model_validate_json(body)
            outcome = self._outcome_told(told)
        except ValidationError as unlike:
            raise Unreadable("This is not an event of Stripe's.") from unlike
        if outcome is None:
            return []
        occurred_at = datetime.fromtimestamp(told.created, UTC)
        return [outcome.model_copy(update={"event_id": told.id, "occurred_at": occurred_at})]

    def _refuse_unless_signed(self, body: bytes, header: str | None, now: datetime) -> None:
        refuse_if_huge(body)
        if header is None or not header.isascii():
            raise BadSignature("The notification is not signed.")
        refuse_unless_recent(header, now)
        for secret in self._webhook_secrets:
            try:
                # The SDK measures age by its own clock; ours is an argument, judged above.
                WebhookSignature.verify_header(body, header, secret, tolerance=None)
            except (SignatureVerificationError, UnicodeDecodeError):
                continue
            return
        raise BadSignature("None of our secrets signed this notification.")

    def _outcome_told(self, told: Notification) -> Outcome | None:
        contents = told.data.object
        match told.type:
            case (
                "checkout.session.completed"
                | "checkout.session.async_payment_succeeded"
                | "checkout.session.expired"
            ):
                return outcome_of(Session.model_validate(contents))
            case "checkout.session.async_payment_failed":
                session = Session.model_validate(contents)
                return told_by(session, "failed", failure_code="card_declined")
            case "payment_intent.payment_failed" | "payment_intent.requires_action":
                return self._of_intent(PaymentIntent.model_validate(contents), told.type)
            case _:
                return None

    def _of_intent(self, intent: PaymentIntent, told: str) -> Outcome | None:
        if "payment_id" not in intent.metadata:
            return None
        with _errors_translated():
            found = self._stripe.v1.checkout.sessions.list({"payment_intent": intent.id})
        if not found.data:
            return None
        session = _session_in(found.data[0])
        if told == "payment_intent.requires_action":
            return told_by(session, "authenticating")
        tried = card_in(
            intent.last_payment_error.payment_method if intent.last_payment_error else None
        )
        failed = told_by(session, "failed", failure_code=why_failed(intent))
        return failed and failed.model_copy(update={"brand": tried.brand, "last4": tried.last4})


def _item(label: str, amount_cents: int) -> SessionCreateParamsLineItem:
    return {
        "quantity": 1,
        "price_data": {
            "currency": "eur",
            "unit_amount": amount_cents,
            "product_data": {"name": label},
        },
    }


def _session_in(answer: SessionAnswered) -> Session:
    try:
        return Session.model_validate(answer.to_dict())
    except ValidationError as unlike:
        raise ProviderUnreachable("Stripe's answer cannot be read.") from unlike


@contextmanager
def _errors_translated() -> Iterator[None]:
    """Turn the SDK's errors into the port's, without their messages: those may quote a person."""
    try:
        yield
    except APIConnectionError:
        raise ProviderUnreachable("Stripe did not answer.") from None
    except StripeError as error:
        status = error.http_status or 0
        answer = f"HTTP {status}, {error.code or type(error).__name__}, {error.request_id}"
        if 400 <= status < 500 and status not in _ASK_AGAIN:
            raise ProviderRefused(f"Stripe refused: {answer}.") from None
        raise ProviderUnreachable(f"Stripe could not answer: {answer}.") from None
