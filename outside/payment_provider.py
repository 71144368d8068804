"""The port to whoever takes card payments for us, with an honest fake that lives in memory.

A provider opens a *checkout*, a page of its own where the payer gives the card; we never see a
card number. What became of it is an `Outcome`, learnt by asking (`look_up`) or by being told
(`read_webhook`). Coming back from the provider's page proves nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Protocol
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, ValidationError

from domain import Value
from domain.money import PositiveCents

MAX_NOTIFICATION_BYTES = 256 * 1024
"""Larger than any notification of a payment; what is longer is refused unread."""

SIGNATURE_TOLERANCE = timedelta(minutes=5)
"""How far from now a notification may have been signed: older is a replay, later is a forgery."""

Status = Literal["pending", "authenticating", "confirmed", "failed", "unknown"]
"""`pending`: the payer has not acted yet. `authenticating`: the bank asks the payer who they are.
`confirmed`: the bank said yes, for ever. `failed`: nothing was taken by this attempt; on a page
that lets the payer try another card, `confirmed` may still follow. `unknown`: the payer has paid
or not, and the provider itself does not know."""


class ProviderUnreachable(Exception):
    """No answer, or none that can be read: what was asked may have been done. Ask again."""


class ProviderRefused(Exception):
    """The provider understood and said no: nothing was done, and asking again changes nothing."""


class BadSignature(Exception):
    """The notification is forged, stale, from the future or unsigned: nothing in it is true."""


class Unreadable(BadSignature):
    """Signed with our secret, yet not what this provider sends; refused in the same way."""


class Checkout(Value):
    """A page on which the payer is awaited. `redirect_url` is where to send their browser."""

    provider_reference: str
    redirect_url: str


class Outcome(Value):
    """What the provider says about one checkout, at `occurred_at` (UTC).

    `event_id` is the provider's own name for a notification, the same each time it is sent, and
    None on an answer to `look_up`. `failure_code` is `card_declined`, `insufficient_funds`,
    `authentication_failed`, `cancelled`, `expired`, or the provider's word for something rarer.
    A notification may leave out card and authorisation code; `look_up` gives them once known.
    """

    provider_reference: str
    payment_id: UUID
    status: Status
    amount_cents: PositiveCents
    occurred_at: Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]
    failure_code: str | None = None
    authorisation_code: str | None = None
    brand: str | None = None
    last4: str | None = None
    event_id: str | None = None


class PaymentProvider(Protocol):
    """Takes card payments on a page of its own. Calls end within seconds and never retry."""

    @property
    def name(self) -> str:
        """How this provider is called in web addresses and in stored facts: `stripe`, `demo`."""

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
        """Open a page for one payment; the same key with the same request gives the same page.

        Raises `ProviderRefused` (the same key with another request included) or
        `ProviderUnreachable`, after which the page may exist: ask again with the same key.
        """

    def look_up(self, provider_reference: str) -> Outcome:
        """What the provider knows now. Raises `ProviderUnreachable` or `ProviderRefused`."""

    def read_webhook(self, body: bytes, headers: Mapping[str, str], now: datetime) -> list[Outcome]:
        """The outcomes in a notification; empty when it is genuine and not about a payment.

        Notifications come late, twice and out of order. Raises `BadSignature`; a provider whose
        notification does not name its checkout may have to be asked, and then raises as above.
        """


def header_named(name: str, headers: Mapping[str, str]) -> str | None:
    """A header's value, whatever the case in which the web server hands the names over."""
    return next((value for key, value in headers.items() if key.lower() == name.lower()), None)


def sign(body: bytes, secret: str, at: datetime) -> str:
    """The signature header `t=<unix>,v1=<hex>`: HMAC-SHA256 of the time, a dot and the body."""
    signed_at = int(at.timestamp())
    return f"t={signed_at},v1={_mac(secret, signed_at, body)}"


def own_secret(secret: str, address: str) -> str:
    """The secret of one webhook address: what is signed for one agency opens no other's door."""
    return hmac.new(secret.encode(), address.encode(), hashlib.sha256).hexdigest()


def refuse_unless_signed(
    body: bytes, header: str | None, secrets: Sequence[str], now: datetime
) -> None:
    """Raise `BadSignature` unless one of our secrets signed this body within five minutes.

    Several secrets are valid at once while one replaces another.
    """
    refuse_if_huge(body)
    if header is None:
        raise BadSignature("The notification is not signed.")
    signed_at = refuse_unless_recent(header, now)
    given = [part[3:] for part in header.split(",") if part.startswith("v1=")]
    for secret in filter(None, secrets):
        expected = _mac(secret, signed_at, body).encode()
        if any(hmac.compare_digest(expected, one.encode(errors="replace")) for one in given):
            return
    raise BadSignature("None of our secrets signed this notification.")


def refuse_if_huge(body: bytes) -> None:
    if len(body) > MAX_NOTIFICATION_BYTES:
        raise BadSignature(f"The notification is longer than {MAX_NOTIFICATION_BYTES} bytes.")


def refuse_unless_recent(header: str, now: datetime) -> int:
    """The unix time in a signature header, or `BadSignature` when it is not about `now`."""
    written = next((part[2:] for part in header.split(",") if part.startswith("t=")), "")
    if not (written.isascii() and written.isdigit() and len(written) <= 12):
        raise BadSignature("The signature does not say when it was made.")
    if abs(int(written) - now.timestamp()) > SIGNATURE_TOLERANCE.total_seconds():
        raise BadSignature("The notification was signed too long ago, or in the future.")
    return int(written)


def _mac(secret: str, signed_at: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{signed_at}.".encode() + body, hashlib.sha256).hexdigest()


class FakeProvider:
    """A provider in memory: keeps checkouts, forgets nothing, can fall silent, signs its mail.

    The payer and the bank are played by `authenticate`, `confirm`, `decline` and `time_out`;
    each returns the outcome that `webhook` then turns into a signed notification.
    """

    name = "fake"
    SIGNATURE_HEADER = "Fake-Signature"

    def __init__(
        self,
        secret: str = "fake-webhook-secret",  # noqa: S107 - signs nothing outside this process
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._secret = secret
        self._clock = clock
        self._outcomes: dict[str, Outcome] = {}
        self._opened: dict[str, tuple[tuple[object, ...], Checkout]] = {}
        self._silent = False
        self._answers_lost = False
        self._told = 0

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
        if self._silent and not self._answers_lost:
            raise ProviderUnreachable("The fake provider is silent.")
        asked = (payment_id, amount_cents, label, return_url, email, language)
        before, checkout = self._opened.get(idempotency_key, (asked, None))
        if before != asked:
            raise ProviderRefused("This idempotency key came with another request.")
        if amount_cents <= 0:
            raise ProviderRefused("An amount is at least one cent.")
        if checkout is None:
            checkout = self._new_checkout(payment_id, amount_cents)
            self._opened[idempotency_key] = (asked, checkout)
        self._refuse_when_silent()
        return checkout

    def look_up(self, provider_reference: str) -> Outcome:
        self._refuse_when_silent()
        if provider_reference not in self._outcomes:
            raise ProviderRefused(f"There is no checkout {provider_reference}.")
        return self._outcomes[provider_reference].model_copy(update={"event_id": None})

    def read_webhook(self, body: bytes, headers: Mapping[str, str], now: datetime) -> list[Outcome]:
        signature = header_named(self.SIGNATURE_HEADER, headers)
        refuse_unless_signed(body, signature, [self._secret], now)
        try:
            return [Outcome.model_validate_json(body)]
        except ValidationError as unlike:
            raise Unreadable("This is not an outcome.") from unlike

    def authenticate(self, reference: str) -> Outcome:
        """The bank asks the payer who they are."""
        return self._becomes(reference, "authenticating")

    def confirm(self, reference: str) -> Outcome:
        """The bank says yes; saying it again gives the same outcome."""
        return self._becomes(
            reference, "confirmed", authorisation_code="A7F3K2", brand="visa", last4="4242"
        )

    def decline(self, reference: str, failure_code: str = "card_declined") -> Outcome:
        """The bank says no."""
        return self._becomes(reference, "failed", failure_code=failure_code)

    def time_out(self, reference: str) -> Outcome:
        """The bank does not answer the provider, which then knows no more than we do."""
        return self._becomes(reference, "unknown")

    def silence(self, *, answers_lost: bool = False) -> None:
        """Become unreachable; with `answers_lost`, what is asked is done but never answered."""
        self._silent, self._answers_lost = True, answers_lost

    def speak(self) -> None:
        """Be reachable again."""
        self._silent = False

    def webhook(self, outcome: Outcome, at: datetime | None = None) -> tuple[bytes, dict[str, str]]:
        """The signed notification of an outcome, as body and headers; make it as often as asked."""
        body = outcome.model_dump_json().encode()
        return body, {self.SIGNATURE_HEADER: sign(body, self._secret, at or self._clock())}

    def _new_checkout(self, payment_id: UUID, amount_cents: int) -> Checkout:
        reference = f"fake_{len(self._outcomes) + 1:06d}"
        self._outcomes[reference] = Outcome(
            provider_reference=reference,
            payment_id=payment_id,
            status="pending",
            amount_cents=amount_cents,
            occurred_at=self._clock(),
        )
        redirect_url = f"https://fake-provider.invalid/pay/{reference}"
        return Checkout(provider_reference=reference, redirect_url=redirect_url)

    def _becomes(self, reference: str, status: Status, **learnt: str) -> Outcome:
        before = self._outcomes[reference]
        if before.status == status:
            return before
        if before.status == "confirmed":
            raise ValueError("A confirmed payment stays confirmed.")
        self._told += 1
        fresh = {"occurred_at": self._clock(), "event_id": f"fake_event_{self._told:06d}"}
        fields = before.model_dump(exclude={"failure_code"}) | fresh | learnt
        self._outcomes[reference] = Outcome.model_validate(fields | {"status": status})
        return self._outcomes[reference]

    def _refuse_when_silent(self) -> None:
        if self._silent:
            raise ProviderUnreachable("The fake provider is silent.")
