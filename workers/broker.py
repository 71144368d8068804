"""Carries messages to the actors: a queue in our own database, or RabbitMQ where it is set."""

from __future__ import annotations

from threading import Event
from typing import Any
from uuid import uuid4

from dramatiq import Broker, MessageProxy, Worker
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.middleware import Middleware, Retries
from dramatiq_postgres import PostgresBroker
from dramatiq_postgres.broker import CLAIM_BATCH_MAX, Notifier, PostgresConsumer
from dramatiq_postgres.utils import raise_connection_error
from psycopg import Connection
from psycopg_pool import ConnectionPool

FIRST_BACKOFF_MS = 1_000
LONGEST_BACKOFF_MS = 600_000
RETRIES = 150
"""With the pauses above: a day and a bit, then the message is set aside."""
HEARTBEAT_SECONDS = 2.0
DEAD_AFTER_SECONDS = 8.0
LOOKS_FOR_DEAD_SECONDS = 1.5
"""A killed worker's messages come back ten seconds later at most."""
CONNECTIONS = 16
LAST_WORDS_MS = 8_000


class PromptConsumer(PostgresConsumer):  # type: ignore[misc]
    """Claims without missing what is enqueued meanwhile.

    The consumer of dramatiq-postgres 1.4.0 forgets its wake-up after the claim: a message that
    comes between the two waits for the next poll.
    """

    @raise_connection_error  # type: ignore[untyped-decorator]
    def __next__(self) -> MessageProxy | None:
        connection = self.get_consume_conn()
        self.broker.maybe_heartbeat(connection)
        self.broker.maybe_maintenance(connection)
        if not self.buffer:
            self.wakeup.clear()
            capacity = self.prefetch - len(self.in_processing)
            if capacity > 0:
                self.claim(min(capacity, CLAIM_BATCH_MAX))
        if self.buffer:
            message = self.buffer.pop(0)
            self.in_processing.add(message.message_id)
            return MessageProxy(message)
        self.wakeup.wait(min(self.timeout_s, self.broker.poll_interval))
        return None


class PromptNotifier(Notifier):  # type: ignore[misc]
    """Passes on every wake-up that has arrived.

    Every two seconds the notifier of dramatiq-postgres 1.4.0 tests its connection by reading what
    is there. A notification read by that lies in libpq, while `notifies()` waits for the socket.
    """

    def ensure_conn(self) -> Connection[Any]:
        connection: Connection[Any] = super().ensure_conn()
        while (notified := connection.pgconn.notifies()) is not None:
            with self.lock:
                woken = set(self.subscriptions.get(notified.relname.decode(), ()))
            for wakeup in woken:
                wakeup.set()
        return connection


class DatabaseBroker(PostgresBroker):  # type: ignore[misc]
    """The queue in the database, with a pool of its own."""

    def __init__(self, url: str, **options: Any) -> None:
        pool: ConnectionPool[Connection[Any]] = ConnectionPool(
            url,
            min_size=0,
            max_size=CONNECTIONS,
            open=True,
            check=ConnectionPool.check_connection,
            kwargs={"application_name": "quittance-queue"},
        )
        super().__init__(pool=pool, results=False, **options)
        self.notifier = PromptNotifier(pool)
        self._consumed: set[str] = set()

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 30_000) -> PromptConsumer:
        """A consumer; a second one of a queue means that the first has lost its connection.

        That one may have claimed messages without hearing so. They are its worker's for as long
        as that lives: so we live on under another name, and what is not done comes back.
        """
        if queue_name in self._consumed:
            self.worker_id = str(uuid4())
            # The new name is made known before anything is claimed in it.
            self._heartbeat_at = 0.0
        self._consumed.add(queue_name)
        return PromptConsumer(
            broker=self, queue_name=queue_name, prefetch=prefetch, timeout=timeout
        )

    def close(self) -> None:
        super().close()
        self.pool.close()


def open_broker(database_url: str, broker_url: str | None = None) -> Broker:
    """The broker; `broker_url` is RabbitMQ's, without one the messages lie in the database.

    Nothing is measured here: the middleware for that would listen on every interface.
    """
    middleware: list[Middleware] = [
        Retries(max_retries=RETRIES, min_backoff=FIRST_BACKOFF_MS, max_backoff=LONGEST_BACKOFF_MS)
    ]
    if broker_url:
        return RabbitmqBroker(url=broker_url, confirm_delivery=True, middleware=middleware)
    return DatabaseBroker(
        database_url,
        middleware=middleware,
        heartbeat_interval=HEARTBEAT_SECONDS,
        heartbeat_ttl=DEAD_AFTER_SECONDS,
        maintenance_interval=LOOKS_FOR_DEAD_SECONDS,
    )


def work(stop: Event, broker: Broker, *, threads: int) -> None:
    """Let the actors that are declared on the broker work until told to stop."""
    worker = Worker(broker, worker_threads=threads)
    worker.start()
    try:
        stop.wait()
    finally:
        worker.stop(timeout=LAST_WORDS_MS)
