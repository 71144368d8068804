"""What the demo bank decides and how often it tells, without its pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from outside.demo_bank.bank import Bank, NotNow
from outside.demo_bank.cards import Card, Fate
from outside.demo_bank.checkout import Asked, Orders
from outside.demo_bank.courier import RETRY_SECONDS, Courier
from outside.demo_bank.store import Store
from tests.outside.loopback import listening

GOOD = Card(brand="visa", last4="4242", fate=Fate.CONFIRM)
BAD = Card(brand="visa", last4="0002", fate=Fate.DECLINE)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    yield store
    store.close()


def rent(webhook_url: str = "http://127.0.0.1:9/never") -> Asked:
    request = {
        "payment_id": str(uuid4()),
        "amount_cents": 71100,
        "label": "Loyer",
        "return_url": "http://127.0.0.1:8000/",
        "webhook_url": webhook_url,
    }
    return Asked.model_validate(request)


def test_the_first_card_settles_a_checkout_and_no_other(store: Store) -> None:
    bank = Bank(store, lambda: None)
    (paid, _), (refused, _) = bank.open(rent(), "k1"), bank.open(rent(), "k2")
    first = bank.present(paid.id, GOOD)
    assert bank.present(paid.id, BAD) == bank.present(paid.id, GOOD) == first
    assert bank.cancel(paid.id) == bank.answer(paid.id, accepted=False) == first
    declined = bank.present(refused.id, BAD)
    assert bank.present(refused.id, GOOD) == declined == bank.find(refused.id)


def test_orders_are_carried_out_all_or_none(store: Store) -> None:
    bank = Bank(store, lambda: None)
    checkout, _ = bank.open(rent(), "k1")
    with pytest.raises(NotNow, match="only an unknown outcome is decided"):
        bank.obey(checkout.id, Orders(pay="confirmed", decide="failed"))
    assert bank.find(checkout.id) == checkout


def test_a_notification_that_is_not_taken_is_sent_again_six_times_at_most(store: Store) -> None:
    courier = Courier(store, "secret", retry_seconds=(0.0, 0.01, 0.0, 0.0, 0.0))
    bank = Bank(store, courier.wake)
    courier.start()
    with listening() as ear:
        ear.answers = [500, 503, 404, 302, 500, 500]
        first, _ = bank.open(rent(ear.url), "k1")
        bank.cancel(first.id)
        events = {json.loads(ear.next()[0])["id"] for _ in range(6)}
        ear.answers = [500]
        second, _ = bank.open(rent(ear.url), "k2")
        bank.obey(second.id, Orders(pay="unknown"))
        again = {json.loads(ear.next()[0])["id"] for _ in range(2)}
        courier.stop()
        assert ear.heard_nothing()
    assert len(events) == len(again) == 1
    assert events != again


def test_the_pauses_grow() -> None:
    assert len(RETRY_SECONDS) == 5
    assert list(RETRY_SECONDS) == sorted(RETRY_SECONDS)
