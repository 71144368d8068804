"""What the demo bank keeps, in one SQLite file: checkouts, notifications, deliveries."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from outside.demo_bank.checkout import Checkout

_SCHEMA = """
CREATE TABLE IF NOT EXISTS checkouts (
    id TEXT PRIMARY KEY,
    idempotency_key TEXT NOT NULL UNIQUE,
    request_hash TEXT NOT NULL,
    state TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS notifications (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    checkout_id TEXT NOT NULL REFERENCES checkouts (id),
    body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sequence INTEGER NOT NULL REFERENCES notifications (sequence),
    rank INTEGER NOT NULL,
    due_at REAL,
    tries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due_at, rank, id);
"""


@dataclass(frozen=True)
class Due:
    """One sending of one notification, due at a unix time, tried so many times before."""

    id: int
    url: str
    body: bytes
    due_at: float
    tries: int


class Store:
    """One connection, one transaction at a time; every change is made inside `transaction`."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._connection = sqlite3.connect(
            directory / "demo-bank.sqlite3", check_same_thread=False, isolation_level=None
        )
        self._lock = threading.RLock()
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def add(self, checkout: Checkout, idempotency_key: str, request_hash: str) -> None:
        self._connection.execute(
            "INSERT INTO checkouts VALUES (?, ?, ?, ?)",
            (checkout.id, idempotency_key, request_hash, checkout.model_dump_json()),
        )

    def save(self, checkout: Checkout) -> None:
        self._connection.execute(
            "UPDATE checkouts SET state = ? WHERE id = ?",
            (checkout.model_dump_json(), checkout.id),
        )

    def find(self, checkout_id: str) -> Checkout | None:
        with self._lock:
            row = self._connection.execute(
                "SELECT state FROM checkouts WHERE id = ?", (checkout_id,)
            ).fetchone()
        return Checkout.model_validate_json(row[0]) if row else None

    def opened_with(self, idempotency_key: str) -> tuple[Checkout, str] | None:
        """The checkout that this key opened, and the hash of the request it came with."""
        row = self._connection.execute(
            "SELECT state, request_hash FROM checkouts WHERE idempotency_key = ?",
            (idempotency_key,),
        ).fetchone()
        return (Checkout.model_validate_json(row[0]), row[1]) if row else None

    def add_notification(self, notification_id: str, checkout_id: str, body: bytes) -> int:
        """Keep a notification; its sequence number says what happened before what."""
        added = self._connection.execute(
            "INSERT INTO notifications (id, checkout_id, body) VALUES (?, ?, ?) RETURNING sequence",
            (notification_id, checkout_id, body),
        ).fetchone()
        return int(added[0])

    def sequences_of(self, checkout_id: str) -> list[int]:
        found = self._connection.execute(
            "SELECT sequence FROM notifications WHERE checkout_id = ? ORDER BY sequence",
            (checkout_id,),
        )
        return [row[0] for row in found]

    def add_delivery(self, sequence: int, rank: int, due_at: float | None) -> None:
        """Plan one sending; without a due time it is kept back until `release`."""
        self._connection.execute(
            "INSERT INTO deliveries (sequence, rank, due_at) VALUES (?, ?, ?)",
            (sequence, rank, due_at),
        )

    def release(self, checkout_id: str, due_at: float) -> None:
        self._connection.execute(
            "UPDATE deliveries SET due_at = ? WHERE due_at IS NULL AND sequence IN "
            "(SELECT sequence FROM notifications WHERE checkout_id = ?)",
            (due_at, checkout_id),
        )

    def next_due(self) -> Due | None:
        with self._lock:
            row = self._connection.execute(
                "SELECT d.id, c.state, n.body, d.due_at, d.tries FROM deliveries d "
                "JOIN notifications n USING (sequence) JOIN checkouts c ON c.id = n.checkout_id "
                "WHERE d.due_at IS NOT NULL ORDER BY d.due_at, d.rank, d.id LIMIT 1"
            ).fetchone()
        if row is None:
            return None
        url = str(Checkout.model_validate_json(row[1]).asked.webhook_url)
        return Due(id=row[0], url=url, body=row[2], due_at=row[3], tries=row[4])

    def put_off(self, due: Due, due_at: float) -> None:
        with self.transaction():
            self._connection.execute(
                "UPDATE deliveries SET due_at = ?, tries = tries + 1 WHERE id = ?",
                (due_at, due.id),
            )

    def drop(self, due: Due) -> None:
        """Forget a sending that arrived, or that was tried often enough."""
        with self.transaction():
            self._connection.execute("DELETE FROM deliveries WHERE id = ?", (due.id,))
