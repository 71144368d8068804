"""The Stripe adapter: Stripe's own SDK over real HTTP to a loopback server in Stripe's format."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from outside.payment_provider import (
    Checkout,
    ProviderRefused,
    ProviderUnreachable,
)
from outside.stripe import StripeProvider
from tests.outside.stripe_on_loopback import DECLINED, RENT, Stripe, stripe_on_loopback

NOW = datetime(2026, 5, 4, 12, 2, tzinfo=UTC)
PAID = {
    "id": "pi_1",
    "status": "succeeded",
    "latest_charge": {
        "id": "ch_1",
        "created": 1777896120,
        "authorization_code": None,
        "payment_method_details": {
            "card": {"brand": "mastercard", "last4": "4444", "authorization_code": "531067"}
        },
    },
}


@pytest.fixture
def stripe() -> Iterator[Stripe]:
    with stripe_on_loopback() as stripe:
        yield stripe


@pytest.fixture
def provider(stripe: Stripe) -> Iterator[StripeProvider]:
    provider = StripeProvider("sk_test_1", ["whsec_present"], base_url=stripe.url)
    yield provider
    provider.close()


def opened(provider: StripeProvider, **other: Any) -> Checkout:
    asked: dict[str, Any] = {
        "payment_id": RENT,
        "amount_cents": 71100,
        "label": "Loyer de mai 2026 – é",
        "return_url": "http://127.0.0.1:8000/retour?paiement=1",
        "email": "locataire@exemple.fr",
        "language": "fr",
        "idempotency_key": "key-1",
    }
    return provider.open_checkout(**(asked | other))


def test_a_checkout_is_asked_for_in_stripes_words(stripe: Stripe, provider: StripeProvider) -> None:
    checkout = opened(provider)
    assert checkout.redirect_url == f"{stripe.url}/c/pay/{checkout.provider_reference}"
    [asked] = stripe.created
    assert asked["mode"] == "payment"
    assert asked["client_reference_id"] == asked["metadata[payment_id]"] == str(RENT)
    assert asked["payment_intent_data[metadata][payment_id]"] == str(RENT)
    assert asked["line_items[0][price_data][unit_amount]"] == "71100"
    assert asked["line_items[0][price_data][currency]"] == "eur"
    assert asked["line_items[0][price_data][product_data][name]"] == "Loyer de mai 2026 – é"
    assert asked["allowed_payment_method_types[0]"] == "card"
    assert asked["success_url"] == asked["cancel_url"] == "http://127.0.0.1:8000/retour?paiement=1"
    assert (asked["locale"], asked["customer_email"]) == ("fr", "locataire@exemple.fr")


def test_without_an_address_or_a_known_language_stripe_asks(
    stripe: Stripe, provider: StripeProvider
) -> None:
    opened(provider, email=None, language="pt")
    assert "customer_email" not in stripe.created[0]
    assert stripe.created[0]["locale"] == "auto"


def test_the_same_key_opens_the_same_page(provider: StripeProvider) -> None:
    assert opened(provider) == opened(provider)
    assert opened(provider, idempotency_key="key-2") != opened(provider)
    with pytest.raises(ProviderRefused, match="IdempotencyError"):
        opened(provider, amount_cents=70000)


@pytest.mark.parametrize(
    ("known", "status", "failure_code"),
    [
        ({}, "pending", None),
        ({"payment_intent": {"id": "pi_1", "status": "requires_action"}}, "authenticating", None),
        ({"payment_intent": DECLINED}, "failed", "card_declined"),
        ({"payment_intent": {"id": "pi_1", "status": "processing"}}, "unknown", None),
        ({"payment_intent": {"id": "pi_1", "status": "canceled"}}, "failed", "cancelled"),
        ({"status": "complete", "payment_intent": "pi_1"}, "unknown", None),
        ({"status": "expired"}, "failed", "expired"),
        ({"status": "complete", "payment_status": "paid"}, "confirmed", None),
    ],
)
def test_what_stripe_knows_in_our_words(
    stripe: Stripe,
    provider: StripeProvider,
    known: dict[str, Any],
    status: str,
    failure_code: str | None,
) -> None:
    rent, garage = (
        opened(provider).provider_reference,
        opened(provider, idempotency_key="2", payment_id=uuid4(), amount_cents=4500),
    )
    stripe.sessions[rent] |= known
    found = provider.look_up(rent)
    assert (found.status, found.failure_code) == (status, failure_code)
    assert (found.payment_id, found.amount_cents, found.event_id) == (RENT, 71100, None)
    assert provider.look_up(garage.provider_reference).amount_cents == 4500


def test_a_confirmed_payment_has_its_card_and_its_hour(
    stripe: Stripe, provider: StripeProvider
) -> None:
    reference = opened(provider).provider_reference
    stripe.sessions[reference] |= {
        "status": "complete",
        "payment_status": "paid",
        "payment_intent": PAID,
    }
    found = provider.look_up(reference)
    assert (found.brand, found.last4) == ("mastercard", "4444")
    assert (found.authorisation_code, found.occurred_at) == ("531067", NOW)
    assert stripe.expanded == ["payment_intent.latest_charge"]


def test_a_session_that_is_not_ours_is_refused(stripe: Stripe, provider: StripeProvider) -> None:
    reference = opened(provider).provider_reference
    for foreign in ({"client_reference_id": "cart-7"}, {"currency": "usd"}, {"amount_total": 0}):
        stripe.sessions["cs_other"] = stripe.sessions[reference] | foreign
        with pytest.raises(ProviderRefused, match="not a payment of ours"):
            provider.look_up("cs_other")


@pytest.mark.parametrize("status", [500, 503, 429, 409])
def test_an_answer_that_settles_nothing_is_unreachable(
    stripe: Stripe, provider: StripeProvider, status: int
) -> None:
    stripe.broken = status
    with pytest.raises(ProviderUnreachable, match=str(status)):
        opened(provider)
    assert stripe.requests == 1, "nothing is retried behind our back"


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404])
def test_a_refusal_does_not_quote_the_person(
    stripe: Stripe, provider: StripeProvider, status: int
) -> None:
    stripe.broken = status
    with pytest.raises(ProviderRefused, match=str(status)) as refused:
        opened(provider)
    assert "locataire@exemple.fr" not in str(refused.value)


def test_a_stripe_that_hangs_or_babbles_is_unreachable(
    stripe: Stripe, provider: StripeProvider
) -> None:
    reference = opened(provider).provider_reference
    stripe.sessions[reference] |= {"status": "sideways"}
    with pytest.raises(ProviderUnreachable, match="cannot be read"):
        provider.look_up(reference)
    stripe.babbles = True
    with pytest.raises(ProviderUnreachable):
        provider.look_up(reference)
    stripe.hangs = True
    hasty = StripeProvider("sk_test_1", ["whsec_present"], base_url=stripe.url, timeout_seconds=0.2)
    with pytest.raises(ProviderUnreachable, match="did not answer"):
        hasty.look_up(reference)
    hasty.close()


def test_a_stripe_that_is_not_there_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        provider = StripeProvider("sk_test_1", ["whsec_present"], base_url=url)
        with pytest.raises(ProviderUnreachable):
            opened(provider)
        provider.close()
