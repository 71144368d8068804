"""Carries the demo bank's notifications to the merchant, signed, again where they failed."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Sequence

import httpx

from outside.demo_bank.store import Due, Store

RETRY_SECONDS = (1.0, 5.0, 30.0, 120.0, 600.0)
"""The pauses after each failed sending: with the first one, six at most."""


class Courier:
    """One thread that sends what is due, in order, and sleeps until woken or until the next."""

    def __init__(
        self, store: Store, secret: str, retry_seconds: Sequence[float] = RETRY_SECONDS
    ) -> None:
        self._store = store
        self._secret = secret
        self._retry_seconds = retry_seconds
        self._awake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the sending under way."""
        self._stopping = True
        self._awake.set()
        self._thread.join()

    def wake(self) -> None:
        self._awake.set()

    def _run(self) -> None:
        with httpx.Client(timeout=5.0, trust_env=False) as client:
            while not self._stopping:
                # Cleared before looking, so that news which comes meanwhile is not slept through.
                self._awake.clear()
                due = self._store.next_due()
                pause = None if due is None else due.due_at - time.time()
                if due is not None and pause is not None and pause <= 0:
                    self._send(client, due)
                elif not self._stopping:
                    self._awake.wait(pause)

    def _send(self, client: httpx.Client, due: Due) -> None:
        headers = {"Content-Type": "application/json", "Demo-Signature": self._sign(due)}
        try:
            arrived = client.post(due.url, content=due.body, headers=headers).is_success
        except httpx.RequestError:
            arrived = False
        if arrived or due.tries >= len(self._retry_seconds):
            self._store.drop(due)
        else:
            self._store.put_off(due, time.time() + self._retry_seconds[due.tries])

    def _sign(self, due: Due) -> str:
        sent_at = int(time.time())
        # Each address has a secret of its own: HMAC-SHA256 of the address under the bank's.
        own = hmac.new(self._secret.encode(), due.url.encode(), hashlib.sha256).hexdigest()
        mac = hmac.new(own.encode(), f"{sent_at}.".encode() + due.body, hashlib.sha256)
        return f"t={sent_at},v1={mac.hexdigest()}"
