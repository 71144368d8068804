"""What the port promises, shown on the provider that lives in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outside.payment_provider import (
    MAX_NOTIFICATION_BYTES,
    BadSignature,
    Checkout,
    FakeProvider,
    PaymentProvider,
    ProviderRefused,
    ProviderUnreachable,
    Unreadable,
    refuse_unless_signed,
    sign,
)

NOW = datetime(2026, 5, 4, 12, 2, tzinfo=UTC)
RENT = UUID("00000000-0000-4000-8000-000000000711")


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider(clock=lambda: NOW)


def opened(
    provider: PaymentProvider, *, key: str = "k1", amount_cents: int = 71100, payment: UUID = RENT
) -> Checkout:
    return provider.open_checkout(
        payment_id=payment,
        amount_cents=amount_cents,
        label="Loyer de mai 2026",
        return_url="http://127.0.0.1:8000/retour",
        email="locataire@exemple.fr",
        language="fr",
        idempotency_key=key,
    )


def test_the_same_key_opens_the_same_page(provider: FakeProvider) -> None:
    assert opened(provider) == opened(provider)
    assert opened(provider, key="k2") != opened(provider)


def test_the_same_key_with_another_amount_is_refused(provider: FakeProvider) -> None:
    opened(provider)
    with pytest.raises(ProviderRefused):
        opened(provider, amount_cents=70000)


def test_each_checkout_has_its_own_outcome(provider: FakeProvider) -> None:
    rent = opened(provider).provider_reference
    garage = opened(provider, key="k2", amount_cents=4500, payment=uuid4()).provider_reference
    provider.confirm(rent)
    paid, waiting = provider.look_up(rent), provider.look_up(garage)
    assert (paid.status, paid.amount_cents, paid.payment_id) == ("confirmed", 71100, RENT)
    assert (paid.brand, paid.last4, paid.event_id) == ("visa", "4242", None)
    assert (waiting.status, waiting.amount_cents) == ("pending", 4500)


def test_an_unknown_reference_is_refused(provider: FakeProvider) -> None:
    with pytest.raises(ProviderRefused):
        provider.look_up("fake_000009")


def test_a_declined_card_may_be_followed_by_another_that_is_accepted(
    provider: FakeProvider,
) -> None:
    reference = opened(provider).provider_reference
    assert provider.decline(reference, "insufficient_funds").failure_code == "insufficient_funds"
    assert provider.confirm(reference).failure_code is None


def test_a_confirmed_payment_stays_confirmed(provider: FakeProvider) -> None:
    reference = opened(provider).provider_reference
    assert provider.confirm(reference) == provider.confirm(reference)
    with pytest.raises(ValueError, match="stays confirmed"):
        provider.decline(reference)


def test_a_silent_provider_tells_nothing_and_does_nothing(provider: FakeProvider) -> None:
    reference = opened(provider).provider_reference
    provider.silence()
    with pytest.raises(ProviderUnreachable):
        opened(provider, key="k2")
    with pytest.raises(ProviderUnreachable):
        provider.look_up(reference)
    provider.speak()
    assert opened(provider, key="k2").provider_reference == "fake_000002"


def test_what_a_silent_provider_did_is_found_by_asking_again(provider: FakeProvider) -> None:
    provider.silence(answers_lost=True)
    with pytest.raises(ProviderUnreachable):
        opened(provider)
    provider.speak()
    assert opened(provider).provider_reference == "fake_000001"
    assert opened(provider, key="k2").provider_reference == "fake_000002"


def test_a_notification_tells_the_outcome_each_time_it_is_sent(provider: FakeProvider) -> None:
    reference = opened(provider).provider_reference
    asked, confirmed = provider.authenticate(reference), provider.confirm(reference)
    for outcome in (confirmed, asked, confirmed):
        body, headers = provider.webhook(outcome)
        assert provider.read_webhook(body, headers, NOW) == [outcome]
    assert asked.event_id != confirmed.event_id


def test_a_notification_that_was_altered_is_refused(provider: FakeProvider) -> None:
    body, headers = provider.webhook(provider.confirm(opened(provider).provider_reference))
    with pytest.raises(BadSignature):
        provider.read_webhook(body.replace(b"71100", b"71101"), headers, NOW)
    with pytest.raises(BadSignature):
        FakeProvider("another-secret").read_webhook(body, headers, NOW)
    with pytest.raises(BadSignature):
        provider.read_webhook(body, {}, NOW)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_notification_from_another_time_is_refused(provider: FakeProvider, minutes: int) -> None:
    outcome = provider.confirm(opened(provider).provider_reference)
    body, headers = provider.webhook(outcome, at=NOW + timedelta(minutes=minutes))
    with pytest.raises(BadSignature, match="too long ago, or in the future"):
        provider.read_webhook(body, headers, NOW)


def test_a_signed_notification_of_something_else_is_unreadable(provider: FakeProvider) -> None:
    body = b'{"what": "else"}'
    headers = {"fake-signature": sign(body, "fake-webhook-secret", NOW)}
    with pytest.raises(Unreadable):
        provider.read_webhook(body, headers, NOW)


def test_two_secrets_hold_while_one_replaces_the_other() -> None:
    for secret in ("old", "new"):
        refuse_unless_signed(b"{}", sign(b"{}", secret, NOW), ["new", "old"], NOW)
    with pytest.raises(BadSignature):
        refuse_unless_signed(b"{}", sign(b"{}", "old", NOW), ["new"], NOW)


def test_without_a_secret_nothing_is_genuine() -> None:
    with pytest.raises(BadSignature):
        refuse_unless_signed(b"{}", sign(b"{}", "", NOW), [""], NOW)


def test_a_huge_notification_is_refused_unread() -> None:
    body = b" " * (MAX_NOTIFICATION_BYTES + 1)
    with pytest.raises(BadSignature, match="longer"):
        refuse_unless_signed(body, sign(body, "s", NOW), ["s"], NOW)


stray_headers = st.text() | st.builds("t={},v1={}".format, st.text() | st.integers(), st.text())


@given(st.binary(), stray_headers)
def test_no_header_that_somebody_makes_up_is_accepted_or_breaks(body: bytes, header: str) -> None:
    with pytest.raises(BadSignature):
        refuse_unless_signed(body, header, ["a-secret"], NOW)
