"""Several who ask at once, and who ask again under the same key until they are answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Lock, Thread
from time import monotonic
from typing import Protocol
from uuid import UUID

import psycopg

from commands import Answer
from journal import Busy, Conflict
from tests.faults.business import PATIENCE_SECONDS, Business, Wish, until

PAUSE_SECONDS = 0.01
"""Before anybody asks again."""
BREATH_SECONDS = 0.04
"""Between two wishes of one who asks: this is a load, not a race."""
AGAIN = (Busy, Conflict, psycopg.OperationalError, OSError)
"""What a client asks again after. OutcomeUnknown is Busy, a pool's time-out an OperationalError."""


class Asks(Protocol):
    """A way to ask, over HTTP or in this process; what it raises of `AGAIN` is asked again."""

    def wish(self, wish: Wish) -> Answer: ...

    def confirm(self, wish: Wish, payment: UUID) -> Answer: ...


@dataclass(frozen=True)
class Told:
    """What somebody was answered."""

    position: int
    payment: UUID
    repeated: bool


class Load:
    """Asks from several threads until told to stop, and remembers every answer."""

    def __init__(self, business: Business, ways: list[Asks], *agencies: UUID) -> None:
        self.told: dict[Wish, Told] = {}
        self.confirmed: dict[UUID, Wish] = {}
        self.tries = 0
        self.errors: list[BaseException] = []
        self._business, self._agencies = business, agencies
        self._stop = Event()
        self._lock = Lock()
        self._threads = [Thread(target=self._run, args=(way,), daemon=True) for way in ways]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wait_for(self, more: int) -> None:
        """Until so many more have been answered."""
        enough = len(self.told) + more
        until(lambda: bool(self.errors) or len(self.told) >= enough, f"{enough} answers")
        assert not self.errors, self.errors

    def stop(self) -> None:
        """Let everybody get the answer that they are waiting for."""
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE_SECONDS)
        assert not any(thread.is_alive() for thread in self._threads)
        assert not self.errors, self.errors

    def _run(self, way: Asks) -> None:
        try:
            while not self._stop.is_set():
                self.ask(way)
                self._stop.wait(BREATH_SECONDS)
        except BaseException as bug:
            self.errors.append(bug)
            raise

    def ask(self, way: Asks) -> None:
        """One wish, which now and then becomes a payment."""
        wish = self._business.wish(*self._agencies)
        answer = self.insist(lambda: way.wish(wish))
        payment = UUID(str(answer.ids["payment_id"]))
        self.told[wish] = Told(answer.position, payment, answer.repeated)
        if wish.becomes_payment:
            self.insist(lambda: way.confirm(wish, payment))
            self.confirmed[payment] = wish

    def insist(self, ask: Callable[[], Answer]) -> Answer:
        """Ask until there is an answer."""
        deadline, never = monotonic() + PATIENCE_SECONDS, Event()
        while True:
            with self._lock:
                self.tries += 1
            try:
                return ask()
            except AGAIN:
                if monotonic() > deadline:
                    raise
                never.wait(PAUSE_SECONDS)


@contextmanager
def asking(business: Business, ways: list[Asks], *agencies: UUID) -> Iterator[Load]:
    """A load that runs meanwhile, and has come to its end afterwards."""
    load = Load(business, ways, *agencies)
    load.start()
    try:
        yield load
    finally:
        load.stop()
