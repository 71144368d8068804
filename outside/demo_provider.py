"""Card payments over the demo bank, a separate application that is reached by HTTP alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from urllib.parse import quote
from uuid import UUID

import httpx
from pydantic import AwareDatetime, BaseModel, ValidationError

from domain.money import PositiveCents
from outside.payment_provider import (
    Checkout,
    Outcome,
    ProviderRefused,
    ProviderUnreachable,
    Status,
    Unreadable,
    header_named,
    own_secret,
    refuse_unless_signed,
)


class _Checkout(BaseModel):
    id: str
    payment_id: UUID
    amount_cents: PositiveCents
    status: Status
    changed_at: AwareDatetime
    failure_code: str | None = None
    authorisation_code: str | None = None
    brand: str | None = None
    last4: str | None = None


class _Opened(BaseModel):
    id: str
    redirect_url: str


class _Notification(BaseModel):
    id: str
    type: Literal["checkout.authenticating", "checkout.confirmed", "checkout.failed"]
    created_at: AwareDatetime
    checkout: _Checkout


class DemoProvider:
    """Takes pretend card payments at the demo bank found at `base_url`.

    `secret` is our bearer there; under `webhook_secrets` it signs what it sends to
    `webhook_url`, which lies on loopback: one, or two while rotating.
    """

    name = "demo"

    def __init__(
        self,
        base_url: str,
        secret: str,
        webhook_secrets: Sequence[str],
        webhook_url: str,
        *,
        timeout_seconds: float = 5.0,
    ) -> None:
        self._webhook_secrets = tuple(own_secret(secret, webhook_url) for secret in webhook_secrets)
        self._webhook_url = webhook_url
        # A proxy of the environment has no business between two programs on one machine.
        self._http = httpx.Client(
            base_url=base_url,
            headers={"Authorization": f"Bearer {secret}"},
            timeout=timeout_seconds,
            trust_env=False,
        )

    def close(self) -> None:
        self._http.close()

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
        """See the port. A pretend bank has no business with a real address: none is sent."""
        asked = {
            "payment_id": str(payment_id),
            "amount_cents": amount_cents,
            "label": label,
            "return_url": return_url,
            "webhook_url": self._webhook_url,
            "language": "en" if language == "en" else "fr",
        }
        headers = {"Idempotency-Key": idempotency_key}
        answer = self._ask("POST", "/v1/checkouts", asked, headers)
        try:
            opened = _Opened.model_validate_json(answer)
        except ValidationError as unlike:
            raise ProviderUnreachable("The demo bank's answer cannot be read.") from unlike
        return Checkout(provider_reference=opened.id, redirect_url=opened.redirect_url)

    def look_up(self, provider_reference: str) -> Outcome:
        answer = self._ask("GET", f"/v1/checkouts/{quote(provider_reference, safe='')}")
        try:
            known = _Checkout.model_validate_json(answer)
        except ValidationError as unlike:
            raise ProviderUnreachable("The demo bank's answer cannot be read.") from unlike
        return _outcome(known, known.changed_at, event_id=None)

    def read_webhook(self, body: bytes, headers: Mapping[str, str], now: datetime) -> list[Outcome]:
        header = header_named("Demo-Signature", headers)
        refuse_unless_signed(body, header, self._webhook_secrets, now)
        try:
            told = _Notification.model_validate_json(body)
        except ValidationError as unlike:
            raise Unreadable("This is not a notification of the demo bank's.") from unlike
        return [_outcome(told.checkout, told.created_at, event_id=told.id)]

    def _ask(
        self,
        method: str,
        path: str,
        asked: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        try:
            answer = self._http.request(method, path, json=asked, headers=headers)
        except httpx.RequestError as lost:
            raise ProviderUnreachable("The demo bank did not answer.") from lost
        if answer.is_success:
            return answer.content
        if answer.is_client_error:
            raise ProviderRefused(f"The demo bank refused: HTTP {answer.status_code}.")
        raise ProviderUnreachable(f"The demo bank could not answer: HTTP {answer.status_code}.")


def _outcome(told: _Checkout, occurred_at: datetime, event_id: str | None) -> Outcome:
    return Outcome(
        provider_reference=told.id,
        payment_id=told.payment_id,
        status=told.status,
        amount_cents=told.amount_cents,
        occurred_at=occurred_at,
        failure_code=told.failure_code,
        authorisation_code=told.authorisation_code,
        brand=told.brand,
        last4=told.last4,
        event_id=event_id,
    )
