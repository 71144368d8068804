"""What Stripe tells us: real signatures, worked out by hand, and every way they can be wrong."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from outside.payment_provider import BadSignature, Outcome, ProviderUnreachable, Unreadable
from outside.stripe import StripeProvider
from tests.outside.stripe_on_loopback import DECLINED, RENT, Stripe, session, stripe_on_loopback

NOW = datetime(2026, 5, 4, 12, 2, tzinfo=UTC)
SECRET, NEXT_SECRET = "whsec_present", "whsec_next"


@pytest.fixture
def stripe() -> Iterator[Stripe]:
    with stripe_on_loopback() as stripe:
        yield stripe


@pytest.fixture
def provider(stripe: Stripe) -> Iterator[StripeProvider]:
    provider = StripeProvider("sk_test_1", [SECRET], base_url=stripe.url)
    yield provider
    provider.close()


def signed(body: bytes, *secrets: str, at: datetime = NOW) -> dict[str, str]:
    """Stripe's header, worked out by hand: HMAC-SHA256 of `<unix>.<body>`, one per secret."""
    t = int(at.timestamp())
    macs = [hmac.new(s.encode(), b"%d." % t + body, hashlib.sha256).hexdigest() for s in secrets]
    return {"Stripe-Signature": ",".join([f"t={t}", *(f"v1={mac}" for mac in macs), "v0=00"])}


def event(kind: str, contents: dict[str, Any], event_id: str = "evt_1") -> bytes:
    told = {"id": event_id, "object": "event", "type": kind, "created": 1777896122}
    return json.dumps(told | {"data": {"object": contents}}).encode()


def read(provider: StripeProvider, body: bytes) -> list[Outcome]:
    return provider.read_webhook(body, signed(body, SECRET), NOW)


@pytest.mark.parametrize(
    ("kind", "known", "status", "failure_code"),
    [
        ("completed", {"status": "complete", "payment_status": "paid"}, "confirmed", None),
        ("completed", {"status": "complete"}, "unknown", None),
        (
            "async_payment_succeeded",
            {"status": "complete", "payment_status": "paid"},
            "confirmed",
            None,
        ),
        ("async_payment_failed", {"status": "complete"}, "failed", "card_declined"),
        ("expired", {"status": "expired"}, "failed", "expired"),
    ],
)
def test_a_notification_about_a_session(
    provider: StripeProvider,
    kind: str,
    known: dict[str, Any],
    status: str,
    failure_code: str | None,
) -> None:
    contents = session("cs_1", RENT, 71100) | {"payment_intent": "pi_1"} | known
    [outcome] = read(provider, event(f"checkout.session.{kind}", contents))
    assert (outcome.status, outcome.failure_code) == (status, failure_code)
    assert (outcome.provider_reference, outcome.payment_id) == ("cs_1", RENT)
    assert (outcome.event_id, outcome.occurred_at) == ("evt_1", NOW + timedelta(seconds=2))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("payment_failed", ("failed", "card_declined", "0002")),
        ("requires_action", ("authenticating", None, None)),
    ],
)
def test_a_notification_about_an_intent_is_traced_to_its_session(
    stripe: Stripe,
    provider: StripeProvider,
    kind: str,
    said: tuple[str, str | None, str | None],
) -> None:
    reference = "cs_1"
    stripe.sessions[reference] = session(reference, RENT, 71100) | {"payment_intent": "pi_1"}
    [outcome] = read(provider, event(f"payment_intent.{kind}", DECLINED))
    assert (outcome.provider_reference, outcome.payment_id) == (reference, RENT)
    assert (outcome.status, outcome.failure_code, outcome.last4) == said
    stripe.broken = 503
    with pytest.raises(ProviderUnreachable):
        read(provider, event(f"payment_intent.{kind}", DECLINED))


@pytest.mark.parametrize(
    ("kind", "contents"),
    [
        ("charge.refunded", {"id": "ch_1"}),
        ("payment_intent.payment_failed", DECLINED | {"metadata": {}}),
        ("payment_intent.payment_failed", DECLINED | {"id": "pi_without_session"}),
        ("checkout.session.completed", session("cs_1", "cart-7", 71100)),
    ],
)
def test_what_is_not_about_a_payment_of_ours_is_passed_over(
    provider: StripeProvider, kind: str, contents: dict[str, Any]
) -> None:
    assert read(provider, event(kind, contents)) == []


def test_the_same_notification_reads_the_same_each_time(provider: StripeProvider) -> None:
    contents = session("cs_1", RENT, 71100) | {"status": "complete", "payment_status": "paid"}
    body = event("checkout.session.completed", contents)
    assert read(provider, body) == read(provider, body)


PING = event("ping", {})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Stripe-Signature": ""},
        {"Stripe-Signature": "t=soon,v1=00"},
        {"Stripe-Signature": "v1=00"},
        {"Stripe-Signature": f"t={int(NOW.timestamp())}"},
        {"Stripe-Signature": f"t={int(NOW.timestamp())},v1=é"},
        {"Stripe-Signature": f"t={int(NOW.timestamp())},v1={'0' * 64}"},
        signed(PING, "whsec_forged"),
        signed(PING + b" ", SECRET),
        signed(PING, SECRET, at=NOW - timedelta(seconds=301)),
        signed(PING, SECRET, at=NOW + timedelta(seconds=301)),
        signed(PING, ""),
    ],
)
def test_a_forged_stale_or_unsigned_notification_is_refused(
    provider: StripeProvider, headers: dict[str, str]
) -> None:
    with pytest.raises(BadSignature):
        provider.read_webhook(PING, headers, NOW)


@pytest.mark.parametrize("seconds", [-299, 0, 299])
def test_five_minutes_are_measured_from_the_given_now(
    provider: StripeProvider, seconds: int
) -> None:
    headers = {"stripe-signature": signed(PING, SECRET)["Stripe-Signature"]}
    assert provider.read_webhook(PING, headers, NOW + timedelta(seconds=seconds)) == []


def test_two_secrets_hold_while_one_replaces_the_other(stripe: Stripe) -> None:
    before, during, after = (
        StripeProvider("sk_test_1", secrets, base_url=stripe.url)
        for secrets in ([SECRET], [SECRET, NEXT_SECRET], [NEXT_SECRET])
    )
    old, new = signed(PING, SECRET), signed(PING, NEXT_SECRET)
    both = signed(PING, SECRET, NEXT_SECRET)
    for provider, genuine in [(before, [old, both]), (during, [old, new]), (after, [new, both])]:
        assert all(provider.read_webhook(PING, headers, NOW) == [] for headers in genuine)
    with pytest.raises(BadSignature):
        before.read_webhook(PING, new, NOW)
    with pytest.raises(BadSignature):
        after.read_webhook(PING, old, NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"id": "evt_1"}',
        event("checkout.session.completed", {"id": "cs_1"}),
        event("checkout.session.completed", session("cs_1", RENT, 10**30)),
        event("payment_intent.payment_failed", {"id": 7}),
        PING.replace(b"1777896122", b"1" + b"0" * 300),
    ],
)
def test_a_signed_body_that_is_not_stripes_is_unreadable(
    provider: StripeProvider, body: bytes
) -> None:
    with pytest.raises(Unreadable):
        read(provider, body)


@pytest.mark.parametrize("body", [b"\xff\xfe", b"x" * 300_000])
def test_a_body_that_is_no_text_or_endless_is_refused(
    provider: StripeProvider, body: bytes
) -> None:
    with pytest.raises(BadSignature):
        read(provider, body)
