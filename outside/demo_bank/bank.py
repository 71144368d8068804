"""What the demo bank decides: checkouts are opened, paid, refused, and told to the merchant."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from outside.demo_bank.cards import Card, Fate
from outside.demo_bank.checkout import Asked, Checkout, Decision, Delivery, Orders, Status
from outside.demo_bank.store import Store


class NoSuchCheckout(Exception):
    """No checkout has this id."""


class KeyReused(Exception):
    """The idempotency key came before, with another request."""


class NotNow(Exception):
    """The checkout is not in a state in which this can be ordered."""


_SCRIPTED_CARD = Card(brand="visa", last4="3220", fate=Fate.CHALLENGE)


class Bank:
    """`on_news` is called after every commit that may have made a notification due."""

    def __init__(
        self,
        store: Store,
        on_news: Callable[[], None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._on_news = on_news
        self._clock = clock

    def open(self, asked: Asked, idempotency_key: str) -> tuple[Checkout, bool]:
        """The checkout for this key, and whether it is new."""
        request_hash = hashlib.sha256(asked.model_dump_json().encode()).hexdigest()
        with self._store.transaction():
            before = self._store.opened_with(idempotency_key)
            if before is not None:
                if before[1] != request_hash:
                    raise KeyReused
                return before[0], False
            now = self._clock()
            checkout = Checkout(
                id=f"demo_{secrets.token_urlsafe(18)}", asked=asked, opened_at=now, changed_at=now
            )
            self._store.add(checkout, idempotency_key, request_hash)
        return checkout, True

    def find(self, checkout_id: str) -> Checkout:
        checkout = self._store.find(checkout_id)
        if checkout is None:
            raise NoSuchCheckout
        return checkout

    def present(self, checkout_id: str, card: Card) -> Checkout:
        """The payer gives a card. A second click finds the first one's result."""
        with self._store.transaction():
            checkout = self.find(checkout_id)
            if checkout.status == "pending":
                checkout = self._try_card(checkout, card)
        self._on_news()
        return checkout

    def answer(self, checkout_id: str, *, accepted: bool) -> Checkout:
        """The payer has, or has not, shown who they are."""
        with self._store.transaction():
            checkout = self.find(checkout_id)
            if checkout.status == "authenticating":
                checkout = (
                    self._confirm(checkout)
                    if accepted
                    else self._becomes(checkout, "failed", failure_code="authentication_failed")
                )
        self._on_news()
        return checkout

    def cancel(self, checkout_id: str) -> Checkout:
        """The payer goes back; too late once the bank has an answer, or waits for one."""
        with self._store.transaction():
            checkout = self.find(checkout_id)
            if checkout.status in ("pending", "authenticating"):
                checkout = self._becomes(checkout, "failed", failure_code="cancelled")
        self._on_news()
        return checkout

    def obey(self, checkout_id: str, orders: Orders) -> Checkout:
        """Carry out a script's orders, all or none; `NotNow` when one makes no sense."""
        with self._store.transaction():
            checkout = self.find(checkout_id)
            if orders.deliver:
                checkout = checkout.model_copy(update={"delivery": orders.deliver})
                self._store.save(checkout)
            if orders.pay:
                checkout = self._pay(checkout, orders.pay)
            if orders.decide:
                checkout = self._decide(checkout, orders.decide)
            if orders.notify:
                self._tell(_pretended(checkout, orders.notify))
            if orders.resend:
                self._send_again(checkout, orders.resend)
        self._on_news()
        return checkout

    def _try_card(self, checkout: Checkout, card: Card) -> Checkout:
        checkout = checkout.model_copy(update={"brand": card.brand, "last4": card.last4})
        match card.fate:
            case Fate.CONFIRM:
                return self._confirm(checkout)
            case Fate.CHALLENGE:
                return self._becomes(checkout, "authenticating")
            case Fate.DECLINE | Fate.INSUFFICIENT:
                return self._becomes(checkout, "failed", failure_code=card.fate.value)
            case Fate.TIME_OUT:
                return self._becomes(checkout, "unknown")

    def _pay(self, checkout: Checkout, wanted: Status) -> Checkout:
        if checkout.status != "pending":
            raise NotNow(f"It is {checkout.status}; only a pending checkout is paid.")
        checkout = self._try_card(checkout, _SCRIPTED_CARD)
        if wanted == "confirmed":
            return self._confirm(checkout)
        if wanted == "failed":
            return self._becomes(checkout, "failed", failure_code="card_declined")
        return self._becomes(checkout, "unknown")

    def _decide(self, checkout: Checkout, decision: Decision) -> Checkout:
        if checkout.status != "unknown":
            raise NotNow(f"It is {checkout.status}; only an unknown outcome is decided.")
        if decision == "confirmed":
            return self._confirm(checkout)
        return self._becomes(checkout, "failed", failure_code="card_declined")

    def _confirm(self, checkout: Checkout) -> Checkout:
        code = f"{secrets.randbelow(10**6):06d}"
        return self._becomes(checkout, "confirmed", authorisation_code=code)

    def _becomes(self, checkout: Checkout, status: Status, **learnt: str) -> Checkout:
        change = {"status": status, "changed_at": self._clock(), **learnt}
        checkout = checkout.model_copy(update=change)
        self._store.save(checkout)
        if status != "unknown":  # a bank that does not answer has nothing to say
            self._tell(checkout)
        if status in ("confirmed", "failed"):
            self._store.release(checkout.id, self._due(checkout.delivery))
        return checkout

    def _tell(self, checkout: Checkout) -> None:
        notification_id = f"evt_{secrets.token_urlsafe(12)}"
        told = {
            "id": notification_id,
            "type": f"checkout.{checkout.status}",
            "created_at": self._clock().isoformat(),
            "checkout": checkout.told(),
        }
        body = json.dumps(told).encode()
        sequence = self._store.add_notification(notification_id, checkout.id, body)
        delivery = checkout.delivery
        if delivery.silent:
            return
        backwards = delivery.order == "reversed"
        ended = self.find(checkout.id).status in ("confirmed", "failed")
        kept_back = backwards and not ended
        for _ in range(delivery.times):
            self._store.add_delivery(
                sequence,
                rank=-sequence if backwards else sequence,
                due_at=None if kept_back else self._due(delivery),
            )

    def _send_again(self, checkout: Checkout, times: int) -> None:
        now = self._clock().timestamp()
        backwards = checkout.delivery.order == "reversed"
        for sequence in self._store.sequences_of(checkout.id):
            for _ in range(times):
                rank = -sequence if backwards else sequence
                self._store.add_delivery(sequence, rank, due_at=now)

    def _due(self, delivery: Delivery) -> float:
        return self._clock().timestamp() + delivery.delay_seconds


def _pretended(checkout: Checkout, status: Status) -> Checkout:
    """The checkout as a wrong notification would show it."""
    why = "card_declined" if status == "failed" else None
    code = "000000" if status == "confirmed" else None
    change = {"status": status, "failure_code": why, "authorisation_code": code}
    return checkout.model_copy(update=change)
