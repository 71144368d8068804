"""One agency's log as the `eventsourcing` library's recorder: a thin view on the shared writer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from threading import Thread
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from eventsourcing.persistence import (
    ApplicationRecorder,
    ListenNotifySubscription,
    Notification,
    StoredEvent,
)
from uuid_utils import uuid7

from domain import Event
from journal import Envelope
from journal.append import Append, Entry
from journal.journal import Journal, Sealer
from journal.mapper import topic
from journal.wakeup import CHANNEL

LISTEN_SECONDS = 0.1
PARIS = ZoneInfo("Europe/Paris")

_TOPIC = "CASE schema_version WHEN 1 THEN name ELSE name || '@' || schema_version END"


def library_envelope() -> Envelope:
    """What is kept of who and why when the library writes: it does not say."""
    command_id = UUID(bytes=uuid7().bytes)
    today = datetime.now(PARIS).date()
    return Envelope(actor="library", command_id=command_id, correlation_id=command_id, today=today)


class Recorder(ApplicationRecorder):
    """Reads and writes the log of one agency; notification ids are the log's positions."""

    def __init__(
        self,
        agency: UUID,
        journal: Journal,
        envelope: Callable[[], Envelope] = library_envelope,
    ) -> None:
        self.journal = journal
        self._agency = agency
        self._envelope = envelope

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Keep all or none; returns their positions. Conflict is the library's IntegrityError."""
        if not stored_events:
            return []
        seal = Sealer(self._envelope())
        append = Append(self._agency.bytes, [self._entry(seal, e) for e in stored_events])
        self.journal.submit(append)
        last = append.result()
        return list(range(last - len(stored_events) + 1, last + 1))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        with self.journal.reading() as connection:
            rows = connection.execute(
                "SELECT stream, version, name, schema_version, state FROM events"
                " WHERE agency = %s AND stream = %s AND version > %s AND version <= %s"
                f" ORDER BY version {'DESC' if desc else 'ASC'} LIMIT %s",
                [
                    self._agency,
                    originator_id,
                    -1 if gt is None else gt,
                    2**31 - 1 if lte is None else lte,
                    limit,
                ],
                binary=True,
            ).fetchall()
        return [
            StoredEvent(stream, version, topic(name, schema_version), state)
            for stream, version, name, schema_version, state in rows
        ]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        first = 1 if start is None else start + (not inclusive_of_start)
        only = f"AND {_TOPIC} = ANY(%s)" if topics else ""
        values: list[Any] = [self._agency, first, 2**63 - 1 if stop is None else stop]
        with self.journal.reading() as connection:
            rows = connection.execute(
                "SELECT position, stream, version, name, schema_version, state FROM events"
                f" WHERE agency = %s AND position >= %s AND position <= %s {only}"
                " ORDER BY position LIMIT %s",
                [*values, *([list(topics)] if topics else []), limit],
                binary=True,
            ).fetchall()
        return [
            Notification(
                id=position,
                originator_id=stream,
                originator_version=version,
                topic=topic(name, schema_version),
                state=state,
            )
            for position, stream, version, name, schema_version, state in rows
        ]

    def max_notification_id(self) -> int | None:
        position, _ = self.journal.head(self._agency)
        return position or None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> ListenNotifySubscription[Recorder]:
        return BellSubscription(self, gt, topics)

    def _entry(self, seal: Sealer, event: StoredEvent) -> Entry:
        """As stored; a fact that is known here also says whose and of which day it is."""
        stream, version = event.originator_id, event.originator_version
        assert isinstance(stream, UUID), "streams are named by UUID"
        name, _, number = event.topic.partition("@")
        schema_version = int(number or 1)
        effective_on: date | None = None
        subjects: tuple[UUID, ...] = ()
        if name in Event.named:
            mapper = self.journal.mapper(self._agency)
            fact = mapper.decode(stream, version, name, schema_version, event.state)
            effective_on, subjects = fact.takes_effect_on(), fact.subjects()
        return seal.stored(
            stream.bytes,
            version,
            name.encode(),
            schema_version,
            event.state,
            effective_on,
            subjects,
        )


class BellSubscription(ListenNotifySubscription[Recorder]):
    """Yields what is recorded, woken by the journal's bell."""

    def __init__(self, recorder: Recorder, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._listener = Thread(target=self._listen, name="journal-subscription")
        self._listener.start()

    def __exit__(self, *args: object, **kwargs: Any) -> None:
        try:
            super().__exit__(*args, **kwargs)
        finally:
            self._listener.join()

    def _listen(self) -> None:
        try:
            with self._recorder.journal.connect() as connection:
                connection.execute(f"LISTEN {CHANNEL}")
                # What was recorded before the LISTEN took hold would ring for nobody.
                self._has_been_notified.set()
                while not self._has_been_stopped and self._thread_error is None:
                    for _ in connection.notifies(timeout=LISTEN_SECONDS, stop_after=1):
                        self._has_been_notified.set()
        except BaseException as error:
            # The library raises it to whoever iterates.
            if self._thread_error is None:
                self._thread_error = error
            self.stop()
