"""One agency's log is a recorder of the `eventsourcing` library, by the library's own tests."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import pytest
from eventsourcing.application import Repository
from eventsourcing.persistence import EventStore, StoredEvent

from domain import stream_id
from journal import Fact
from journal.recorder import Recorder
from tests.journal.counters import Count, Counted, Counter, Note
from tests.journal.desk import METZ, NANCY, Desk
from tests.journal.verifier import broken_at

# The library's test cases import its cipher, which wants a package of its own. None of the cases
# that run here encrypts anything: our mapper seals by itself.
_cipher = ModuleType("eventsourcing.cipher")
_cipher.AESCipher = None  # type: ignore[attr-defined]
sys.modules.setdefault("eventsourcing.cipher", _cipher)
from eventsourcing.tests import persistence as library  # noqa: E402


class _OnOurJournal:
    """Gives the library's test cases a recorder over a fresh database."""

    @pytest.fixture(autouse=True)
    def _office(self, here: Desk) -> Iterator[None]:
        self.here = here
        yield
        assert broken_at(here.url, METZ) is None

    def create_recorder(self) -> Any:
        return Recorder(METZ, self.here.journal)


class _Silent(Recorder):
    """The library's aggregate recorders tell no positions; this one withholds those of ours."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        super().insert_events(stored_events, **kwargs)


class TestAsAggregateRecorder(_OnOurJournal, library.AggregateRecorderTestCase):
    def create_recorder(self) -> Any:
        return _Silent(METZ, self.here.journal)


class TestAsApplicationRecorder(_OnOurJournal, library.ApplicationRecorderTestCase[Any]):
    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestNotificationIdsDoNotInterleave(
    _OnOurJournal, library.NonInterleavingNotificationIDsBaseCase
):
    pass


def project(counter: Counter | None, facts: Iterable[Fact]) -> Counter | None:
    """The library's projector function, for aggregates of our own."""
    for stream, version, event in facts:
        if counter is None:
            counter = Counter(stream)
        assert isinstance(event, Counted)
        counter.evolve(event)
        counter.version = version
    return counter


def test_the_librarys_repository_rebuilds_an_aggregate_at_a_version(here: Desk) -> None:
    for by in (1, 10, 100):
        here.do(Count(counter="c", by=by))
    here.do(Count(counter="another", by=7))
    store = EventStore(here.journal.mapper(METZ), Recorder(METZ, here.journal))
    repository: Repository[UUID] = Repository(store)
    stream = stream_id(METZ, "counter", "c")

    newest = repository.get(stream, projector_func=project)
    second = repository.get(stream, version=2, projector_func=project)

    assert (newest.version, newest.total) == (3, 111)
    assert (second.version, second.total) == (2, 11)


def test_what_the_library_writes_is_read_by_everybody_else(here: Desk) -> None:
    store = EventStore(here.journal.mapper(METZ), Recorder(METZ, here.journal))
    counter = Counter(stream_id(METZ, "counter", "c"))
    counter.count(5, "by the library")

    store.put(counter.collect_events())

    assert here.do(Count(counter="c")).ids["total"] == 6
    assert [entry.actor for entry in here.journal.read_all(METZ)] == ["library", "operator"]


def test_what_the_library_writes_names_its_subjects(here: Desk) -> None:
    person = uuid4()
    here.do(Note(person_id=person, text="aime les chats"))
    mapper = here.journal.mapper(METZ)
    (fact,) = [
        Fact(entry.stream, entry.version + 1, entry.event) for entry in here.journal.read_all(METZ)
    ]

    EventStore(mapper, Recorder(METZ, here.journal)).put([fact])

    assert [entry.subjects for entry in here.journal.read_all(METZ)] == [(person,), (person,)]


def test_a_recorder_sees_its_own_agency_only(here: Desk) -> None:
    here.do(Count(counter="c"))
    recorder = Recorder(NANCY, here.journal)

    assert recorder.max_notification_id() is None
    assert recorder.select_notifications(None, 10) == []
    assert recorder.select_events(stream_id(METZ, "counter", "c")) == []
