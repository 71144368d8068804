"""The library's own read side: its runner, its tracking, and a view that keeps one row for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL

from benchmarks.stock import Parties, Party, environment

WAIT_SECONDS = 10.0


class View(PostgresTrackingRecorder):
    """How each party is reached."""

    def __init__(self, datastore: PostgresDatastore, **named: Any) -> None:
        super().__init__(datastore, **named)
        self.sql_create_statements.append(
            SQL("CREATE TABLE IF NOT EXISTS contacts (party_id uuid PRIMARY KEY, contact text)")
            .format()
        )  # fmt: skip

    def show(self, party_id: UUID, contact: str, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(
                "INSERT INTO contacts VALUES (%s, %s) ON CONFLICT (party_id)"
                " DO UPDATE SET contact = excluded.contact",
                [party_id, contact],
                prepare=True,
            )

    def contact(self, party_id: UUID) -> str | None:
        with self.datastore.get_connection() as connection:
            row = connection.execute(
                "SELECT contact FROM contacts WHERE party_id = %s", [party_id], prepare=True
            ).fetchone()
        return None if row is None else row["contact"]


class Contacts(Projection[View]):
    """Shows changes of contact."""

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        if isinstance(domain_event, Party.ContactChanged):
            self.view.show(domain_event.originator_id, domain_event.contact, tracking)
        else:
            self.view.insert_tracking(tracking)


class Reader:
    """Somebody who writes and reads it back, in the library's way."""

    def __init__(self, runner: ProjectionRunner[Parties, View]) -> None:
        self._runner = runner
        self._party = Party()
        runner.app.save(self._party)

    def write(self, contact: str) -> int:
        """Save a change; its notification id."""
        self._party.change_contact(contact)
        (recording,) = self._runner.app.save(self._party)
        notification_id: int = recording.notification.id
        return notification_id

    def read(self, notification_id: int) -> str | None:
        """What is shown once this notification has been taken in."""
        self._runner.wait(notification_id, timeout=WAIT_SECONDS)
        return self._runner.projection.view.contact(self._party.id)


@contextmanager
def reading(url: str) -> Iterator[Reader]:
    """The library's runner over an empty database."""
    with ProjectionRunner(
        application_class=Parties,
        projection_class=Contacts,
        view_class=View,
        env=environment(url) | {"POSTGRES_POOL_SIZE": "4"},
    ) as runner:
        yield Reader(runner)
