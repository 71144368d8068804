"""The library's stock runner over charges and payments: one upsert of a balance for each event."""

from __future__ import annotations

from time import perf_counter
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL

from benchmarks.stock import environment

ACCOUNTS = 50
EVENTS_A_SAVE = 100
WAIT_SECONDS = 600.0


class Ledger(Aggregate):
    """An account of one lease."""

    class Moved(Aggregate.Event):
        """What is owed has changed."""

        lease_id: str
        amount_cents: int
        kind: str
        invoice_id: str

        def apply(self, aggregate: Any) -> None:
            """A balance is the view's, not the aggregate's."""

    def move(self, amount_cents: int) -> None:
        self.trigger_event(
            self.Moved, lease_id=str(self.id), amount_cents=amount_cents, kind="rent",
            invoice_id=str(self.id),
        )  # fmt: skip


class Ledgers(Application[UUID]):
    """The stock application."""


class Balances(PostgresTrackingRecorder):
    """What each lease owes."""

    def __init__(self, datastore: PostgresDatastore, **named: Any) -> None:
        super().__init__(datastore, **named)
        self.sql_create_statements.append(
            SQL("CREATE TABLE IF NOT EXISTS balances (lease_id uuid PRIMARY KEY, cents bigint)")
            .format()
        )  # fmt: skip

    def move(self, lease_id: UUID, cents: int, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(
                "INSERT INTO balances AS b VALUES (%s, %s) ON CONFLICT (lease_id)"
                " DO UPDATE SET cents = b.cents + excluded.cents",
                [lease_id, cents],
                prepare=True,
            )


class Projected(Projection[Balances]):
    """Shows what is owed."""

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        if isinstance(domain_event, Ledger.Moved):
            self.view.move(domain_event.originator_id, domain_event.amount_cents, tracking)
        else:
            self.view.insert_tracking(tracking)


def events_per_second(url: str, events: int) -> float:
    """Write so many events into an empty database, then let the runner catch up from the first."""
    env = environment(url) | {"POSTGRES_POOL_SIZE": "4"}
    app = Ledgers(env)
    ledgers = [Ledger() for _ in range(ACCOUNTS)]
    last = 0
    for number in range(events // EVENTS_A_SAVE):
        ledger = ledgers[number % ACCOUNTS]
        for _ in range(EVENTS_A_SAVE):
            ledger.move(100)
        last = app.save(ledger)[-1].notification.id or 0
    app.close()
    began = perf_counter()
    with ProjectionRunner(
        application_class=Ledgers, projection_class=Projected, view_class=Balances, env=env
    ) as runner:
        runner.wait(last, timeout=WAIT_SECONDS)
        return last / (perf_counter() - began)
