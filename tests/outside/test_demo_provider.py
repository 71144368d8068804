"""The demo provider's adapter against the real demo bank, and the bank's notifications."""

from __future__ import annotations

import queue
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from outside.demo_provider import DemoProvider
from outside.payment_provider import (
    BadSignature,
    Checkout,
    Outcome,
    ProviderRefused,
    ProviderUnreachable,
    Unreadable,
    own_secret,
    sign,
)
from tests.outside.loopback import (
    Browser,
    Ear,
    RunningBank,
    bank_running,
    listening,
    serving,
    start_bank,
)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBank]:
    with bank_running(tmp_path_factory.mktemp("bank")) as bank:
        yield bank


@pytest.fixture
def ear() -> Iterator[Ear]:
    with listening() as ear:
        yield ear


@pytest.fixture
def provider(bank: RunningBank, ear: Ear) -> Iterator[DemoProvider]:
    provider = DemoProvider(bank.url, bank.secret, [bank.webhook_secret], ear.url)
    yield provider
    provider.close()


def opened(provider: DemoProvider, **other: Any) -> Checkout:
    asked: dict[str, Any] = {
        "payment_id": uuid4(),
        "amount_cents": 71100,
        "label": "Loyer de mai 2026",
        "return_url": "http://127.0.0.1:8000/retour",
        "email": "locataire@exemple.fr",
        "language": "fr",
        "idempotency_key": str(uuid4()),
    }
    return provider.open_checkout(**(asked | other))


def order(bank: RunningBank, checkout: Checkout, **orders: object) -> httpx.Response:
    url = f"{bank.url}/v1/checkouts/{checkout.provider_reference}/control"
    return httpx.post(url, json=orders, headers={"Authorization": f"Bearer {bank.secret}"})


def heard(provider: DemoProvider, ear: Ear, count: int) -> list[Outcome]:
    told = [provider.read_webhook(*ear.next(), datetime.now(UTC)) for _ in range(count)]
    return [outcome for outcomes in told for outcome in outcomes]


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [outcome.status for outcome in outcomes]


def test_a_payment_from_page_to_notification(provider: DemoProvider, ear: Ear) -> None:
    payment_id = uuid4()
    checkout = opened(provider, payment_id=payment_id)
    other = opened(provider, amount_cents=4500)
    browser = Browser()
    browser.open(checkout.redirect_url)
    typed = {"number": "4242424242424242", "expiry": "12/34", "name": "Essai", "cvc": "123"}
    browser.submit(typed)
    browser.close()
    [told] = heard(provider, ear, 1)
    found = provider.look_up(checkout.provider_reference)
    assert (found.status, found.payment_id, found.amount_cents) == ("confirmed", payment_id, 71100)
    assert (found.brand, found.last4, found.event_id) == ("visa", "4242", None)
    assert told.event_id is not None
    assert told.model_copy(update={"event_id": None, "occurred_at": found.occurred_at}) == found
    assert provider.look_up(other.provider_reference).status == "pending"


def test_the_same_key_opens_the_same_page(provider: DemoProvider) -> None:
    same = {"idempotency_key": str(uuid4()), "payment_id": uuid4()}
    assert opened(provider, **same) == opened(provider, **same)
    with pytest.raises(ProviderRefused, match="409"):
        opened(provider, **same, amount_cents=70000)


def test_a_script_pays_without_a_browser(
    bank: RunningBank, provider: DemoProvider, ear: Ear
) -> None:
    paid, refused = opened(provider), opened(provider)
    order(bank, paid, pay="confirmed")
    assert statuses(heard(provider, ear, 2)) == ["authenticating", "confirmed"]
    order(bank, refused, pay="failed")
    asked, failed = heard(provider, ear, 2)
    assert (asked.status, failed.status) == ("authenticating", "failed")
    assert failed.failure_code == "card_declined"


def test_an_unknown_outcome_is_silent_until_the_bank_decides(
    bank: RunningBank, provider: DemoProvider, ear: Ear
) -> None:
    checkout = opened(provider)
    order(bank, checkout, pay="unknown")
    assert provider.look_up(checkout.provider_reference).status == "unknown"
    assert statuses(heard(provider, ear, 1)) == ["authenticating"]
    order(bank, checkout, decide="confirmed")
    assert statuses(heard(provider, ear, 1)) == ["confirmed"]
    assert provider.look_up(checkout.provider_reference).authorisation_code


def test_notifications_come_twice_with_the_same_event(
    bank: RunningBank, provider: DemoProvider, ear: Ear
) -> None:
    order(bank, opened(provider), deliver={"times": 2}, pay="confirmed")
    told = heard(provider, ear, 4)
    assert sorted(statuses(told)) == ["authenticating"] * 2 + ["confirmed"] * 2
    assert len({outcome.event_id for outcome in told}) == 2


def test_notifications_come_out_of_order(
    bank: RunningBank, provider: DemoProvider, ear: Ear
) -> None:
    checkout = opened(provider)
    order(bank, checkout, deliver={"order": "reversed"}, pay="confirmed")
    told = heard(provider, ear, 2)
    assert statuses(told) == ["confirmed", "authenticating"]
    assert told[0].occurred_at >= told[1].occurred_at
    order(bank, checkout, resend=1)
    assert heard(provider, ear, 2) == told


def test_notifications_come_late(bank: RunningBank, provider: DemoProvider, ear: Ear) -> None:
    ordered_at = time.monotonic()
    order(bank, opened(provider), deliver={"delay_seconds": 0.4}, pay="confirmed")
    assert statuses(heard(provider, ear, 2)) == ["authenticating", "confirmed"]
    assert time.monotonic() - ordered_at >= 0.4


def test_many_clicks_at_once_pay_once(bank: RunningBank, provider: DemoProvider, ear: Ear) -> None:
    clicked, afterwards = opened(provider), opened(provider)
    typed = {"number": "4242424242424242", "expiry": "12/34", "name": "Essai", "cvc": "123"}
    with ThreadPoolExecutor(8) as fingers:
        list(fingers.map(lambda _: httpx.post(clicked.redirect_url, data=typed), range(8)))
    order(bank, afterwards, pay="failed")
    told = heard(provider, ear, 3)
    assert statuses(told) == ["confirmed", "authenticating", "failed"]
    found = provider.look_up(clicked.provider_reference)
    assert found.authorisation_code == told[0].authorisation_code


def test_a_silenced_bank_tells_when_asked_to(
    bank: RunningBank, provider: DemoProvider, ear: Ear
) -> None:
    silent, loud, after = opened(provider), opened(provider), opened(provider)
    order(bank, silent, deliver={"silent": True}, pay="confirmed")
    order(bank, loud, pay="failed")
    assert {o.provider_reference for o in heard(provider, ear, 2)} == {loud.provider_reference}
    order(bank, silent, resend=2)
    order(bank, after, pay="unknown")
    told = heard(provider, ear, 5)
    assert statuses(told) == ["authenticating"] * 2 + ["confirmed"] * 2 + ["authenticating"]
    assert {o.provider_reference for o in told[:4]} == {silent.provider_reference}
    assert told[4].provider_reference == after.provider_reference


def test_a_late_failure_can_be_pretended_of_a_payment_that_is_confirmed(
    bank: RunningBank, provider: DemoProvider, ear: Ear
) -> None:
    checkout = opened(provider)
    order(bank, checkout, pay="confirmed", notify="failed")
    assert statuses(heard(provider, ear, 3)) == ["authenticating", "confirmed", "failed"]
    assert provider.look_up(checkout.provider_reference).status == "confirmed"


@pytest.mark.parametrize(
    ("orders", "status"),
    [
        ({"decide": "confirmed"}, 409),
        ({}, 422),
        ({"pay": "maybe"}, 422),
        ({"resend": 0}, 422),
        ({"deliver": {"delay_seconds": -1}}, 422),
        ({"deliver": {"order": "random"}}, 422),
    ],
)
def test_orders_that_make_no_sense_are_refused(
    bank: RunningBank, provider: DemoProvider, orders: dict[str, object], status: int
) -> None:
    assert order(bank, opened(provider), **orders).status_code == status


def test_what_is_paid_is_not_paid_again(bank: RunningBank, provider: DemoProvider) -> None:
    checkout = opened(provider)
    assert order(bank, checkout, pay="confirmed").status_code == 200
    assert order(bank, checkout, pay="failed").status_code == 409
    assert provider.look_up(checkout.provider_reference).status == "confirmed"


def test_a_restart_of_the_bank_keeps_checkouts_and_what_is_still_to_be_told(
    tmp_path: Path, ear: Ear
) -> None:
    before = start_bank(tmp_path)
    provider = DemoProvider(before.url, before.secret, [before.webhook_secret], ear.url)
    paid, open_still = opened(provider), opened(provider, amount_cents=4500)
    order(before, paid, deliver={"delay_seconds": 1.0}, pay="confirmed")
    before.stop()
    with pytest.raises(ProviderUnreachable):
        provider.look_up(paid.provider_reference)
    port = httpx.URL(before.url).port
    assert port is not None
    after = start_bank(tmp_path, port=port)
    assert provider.look_up(paid.provider_reference).status == "confirmed"
    assert provider.look_up(open_still.provider_reference).status == "pending"
    assert statuses(heard(provider, ear, 2)) == ["authenticating", "confirmed"]
    provider.close()
    after.stop()


def test_a_forged_or_altered_notification_is_refused(
    bank: RunningBank, provider: DemoProvider, ear: Ear
) -> None:
    order(bank, opened(provider), pay="confirmed")
    body, headers = ear.next()
    now = datetime.now(UTC)
    stranger = DemoProvider(bank.url, bank.secret, ["another-secret"], ear.url)
    rotating = DemoProvider(bank.url, bank.secret, ["new", bank.webhook_secret], ear.url)
    assert statuses(rotating.read_webhook(body, headers, now)) == ["authenticating"]
    for reader, read, given in [
        (stranger, body, headers),
        (provider, body.replace(b"71100", b"1"), headers),
        (provider, body, {}),
        (provider, body, headers | {"Demo-Signature": "t=1,v1=00"}),
    ]:
        with pytest.raises(BadSignature):
            reader.read_webhook(read, given, now)
    for minutes in (-6, 6):
        with pytest.raises(BadSignature):
            provider.read_webhook(body, headers, now + timedelta(minutes=minutes))
    stranger.close()
    rotating.close()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"id": "evt"}', b"\xff", b"[" * 9000])
def test_a_signed_notification_of_something_else_is_unreadable(
    bank: RunningBank, ear: Ear, provider: DemoProvider, body: bytes
) -> None:
    now = datetime.now(UTC)
    headers = {"demo-signature": sign(body, own_secret(bank.webhook_secret, ear.url), now)}
    with pytest.raises(Unreadable):
        provider.read_webhook(body, headers, now)


def test_a_wrong_bearer_is_refused(bank: RunningBank, provider: DemoProvider, ear: Ear) -> None:
    checkout = opened(provider)
    stranger = DemoProvider(bank.url, "wrong", [bank.webhook_secret], ear.url)
    with pytest.raises(ProviderRefused, match="401"):
        stranger.look_up(checkout.provider_reference)
    with pytest.raises(ProviderRefused, match="401"):
        opened(stranger)
    stranger.close()


@pytest.mark.parametrize("reference", ["demo_nothing", "../healthz", "a/b", "é?x=1"])
def test_an_unknown_reference_is_refused(provider: DemoProvider, reference: str) -> None:
    with pytest.raises(ProviderRefused, match="404"):
        provider.look_up(reference)


def test_a_bank_that_hangs_or_breaks_is_unreachable() -> None:
    release: queue.Queue[None] = queue.Queue()

    class Broken(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.endswith("hangs"):
                release.get(timeout=20)
                self.close_connection = True
                return
            self.send_response(200 if self.path.endswith("babbles") else 502)
            self.send_header("Content-Length", "3")
            self.end_headers()
            self.wfile.write(b"<p>")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(Broken) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        provider = DemoProvider(url, "s", ["w"], url, timeout_seconds=0.2)
        for reference in ("breaks", "babbles", "hangs"):
            with pytest.raises(ProviderUnreachable):
                provider.look_up(reference)
        release.put(None)
        provider.close()


def test_a_bank_that_is_not_there_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        provider = DemoProvider(url, "s", ["w"], url)
        with pytest.raises(ProviderUnreachable):
            opened(provider)
        provider.close()
