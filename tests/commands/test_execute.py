"""What is asked is done once: nothing lost, nothing twice, nothing on an old view of things."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest

from commands import KeyReused
from commands.agency import CreateAgency
from domain import Event, NotAllowed, NotFound, Refused, stream_id
from domain.principal import CLOCK, Principal, Role
from journal import HOUSE, Conflict, NoSuchAgency
from tests.journal.counters import EVENTS, Count, Counter, Full, GoHome, Look, Notebook
from tests.journal.desk import AGENT, METZ, NANCY, Desk, desk
from tests.journal.neighbour import THREADS, Neighbour, count, insist
from tests.journal.verifier import broken_at


@pytest.fixture(autouse=True)
def _known_events(monkeypatch: pytest.MonkeyPatch) -> None:
    for event in EVENTS:
        monkeypatch.setitem(Event.named, event.__name__, event)


@pytest.fixture
def here(database_url: str) -> Iterator[Desk]:
    with desk(database_url) as opened:
        yield opened


@pytest.fixture
def there(database_url: str) -> Iterator[Desk]:
    """An office with a memory of its own, as another process has."""
    with desk(database_url) as opened:
        yield opened


def test_thirty_two_threads_count_and_no_count_is_lost(here: Desk) -> None:
    with ThreadPoolExecutor(32) as threads:
        totals = list(
            threads.map(lambda _: here.do(Count(counter="c")).ids["total"], range(32 * 10))
        )

    assert sorted(totals) == list(range(1, 321))
    assert broken_at(here.url, METZ) is None


def test_three_processes_count_and_no_count_is_lost(here: Desk) -> None:
    others = [Neighbour(here.url, "count", 6, f"n{n}").ready() for n in range(2)]
    for other in others:
        other.go()
    count(here, 6, "here")
    for other in others:
        other.answer()

    tags = here.tags()
    assert len(tags) == len(set(tags)) == 3 * THREADS * 6
    versions = here.rows("SELECT version FROM events WHERE agency = %s ORDER BY position", METZ)
    assert [version for (version,) in versions] == list(range(1, len(tags) + 1))
    assert broken_at(here.url, METZ) is None


def test_of_two_who_leave_only_if_the_other_stays_one_stays(here: Desk, there: Desk) -> None:
    for n in range(25):
        for name in (f"a{n}", f"b{n}"):
            here.do(Count(counter=name))
        barrier = Barrier(2)

        def leave(office: Desk, who: str, other: str, barrier: Barrier = barrier) -> bool:
            barrier.wait()
            try:
                office.do(GoHome(who=who, other=other))
            except Full:
                return False
            return True

        with ThreadPoolExecutor(2) as threads:
            first = threads.submit(leave, here, f"a{n}", f"b{n}")
            # Every other time the two share a memory, else they are two processes.
            second = threads.submit(leave, (here, there)[n % 2], f"b{n}", f"a{n}")
            assert first.result() + second.result() == 1


def test_a_view_that_others_made_old_is_not_decided_upon(here: Desk, there: Desk) -> None:
    here.do(Count(counter="c"))
    there.do(Count(counter="c", by=10))

    assert here.do(Count(counter="c", by=100)).ids["total"] == 111
    there.do(Count(counter="c", by=-111))
    assert here.do(Look(counter="c")).ids["total"] == 0
    there.do(Count(counter="c", by=3))
    with pytest.raises(Full):
        here.do(Count(counter="c", limit=3))


def test_the_same_key_from_many_threads_and_two_processes_is_done_once(here: Desk) -> None:
    keys = 12
    one, two = (Neighbour(here.url, "repeat", keys, n).ready() for n in ("one", "two"))
    one.go()
    two.go()
    answers = one.answer() + two.answer()

    assert here.tags() == [f"{n}" for n in range(keys)]
    by_position: dict[int, list[Any]] = {}
    for position, ids, repeated in answers:
        by_position.setdefault(position, []).append((ids, repeated))
    assert sorted(by_position) == list(range(1, keys + 1))
    for position, same in by_position.items():
        assert len(same) == 2 * THREADS
        assert [repeated for _, repeated in same].count(False) == 1
        assert all(ids == {"total": position} for ids, _ in same)


def test_of_two_bodies_under_one_key_one_is_accepted(here: Desk) -> None:
    one, two = (Neighbour(here.url, "contradict", 20, n).ready() for n in ("one", "two"))
    one.go()
    two.go()

    for mine, theirs in zip(one.answer(), two.answer(), strict=True):
        assert mine is not theirs
    assert len(here.tags()) == 20


def test_a_repetition_gets_the_first_answer_also_when_it_would_be_refused_now(here: Desk) -> None:
    first = here.do(Count(counter="c", limit=1), key="k")
    here.do(Count(counter="c", by=5), key="another")

    again = here.do(Count(counter="c", limit=1), key="k")

    assert (again.position, again.ids, again.events) == (first.position, first.ids, first.events)
    assert (first.repeated, again.repeated) == (False, True)
    assert len(here.tags()) == 2


def test_a_repetition_is_recognised_by_another_process_too(here: Desk, there: Desk) -> None:
    first = here.do(Count(counter="c", limit=1), key="k")

    again = there.do(Count(counter="c", limit=1), key="k")

    assert (again.position, again.ids, again.repeated) == (first.position, first.ids, True)


def test_a_refusal_is_not_recorded(here: Desk) -> None:
    here.do(Count(counter="c"))
    with pytest.raises(Full):
        here.do(Count(counter="c", limit=1), key="k")
    here.do(Count(counter="c", by=-1))

    assert here.do(Count(counter="c", limit=1), key="k").repeated is False


def test_another_body_under_the_same_key_is_refused(here: Desk) -> None:
    here.do(Count(counter="c"), key="k")

    with pytest.raises(KeyReused):
        here.do(Count(counter="c", by=2), key="k")
    with pytest.raises(KeyReused):
        here.do(Count(counter="c", limit=1), key="k")
    with pytest.raises(KeyReused):
        here.do(Look(counter="c"), key="k")


def test_a_key_is_one_principals_and_one_agencys_own(here: Desk) -> None:
    other = Principal("token:2", Role.AGENT, AGENT.agencies)
    asked = [(METZ, AGENT), (METZ, other), (NANCY, AGENT)]

    answers = [here.do(Count(counter="c"), key="k", agency=a, who=p) for a, p in asked]

    assert [answer.repeated for answer in answers] == [False, False, False]


def test_keys_of_people_are_kept_for_a_month_and_the_systems_for_ever(database_url: str) -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with desk(database_url, lambda: at) as here:
        here.do(Count(counter="c"), key="k", who=AGENT)
        here.do(Count(counter="c"), key="k", who=CLOCK)

        kept = here.rows("SELECT principal, kept_until FROM answers ORDER BY position")

    assert kept == [("token:1", at + timedelta(days=30)), ("clock", None)]


def test_the_body_is_kept_as_a_keyed_hash_only(here: Desk) -> None:
    here.do(Count(counter="c", tag="secret"), key="k")

    ((body_hash, answer),) = here.rows("SELECT body_hash, answer FROM answers")

    assert len(body_hash) == 32
    assert b"secret" not in answer


def test_what_changes_nothing_answers_with_the_position_it_saw(here: Desk) -> None:
    here.do(Count(counter="c"))
    position = here.do(Count(counter="d")).position

    answer = here.do(Look(counter="c"))

    assert (answer.position, answer.events, answer.ids) == (position, (), {"total": 1})


def test_a_refusal_rests_on_the_whole_of_what_was_committed(here: Desk) -> None:
    with ThreadPoolExecutor(16) as threads:
        done = [threads.submit(insist, here, Count(counter="c", limit=5)) for _ in range(64)]
        refused = sum(isinstance(each.exception(), Full) for each in done)

    assert refused == 59
    assert here.do(Look(counter="c")).ids["total"] == 5


def test_who_has_no_right_is_told_before_anything_else(here: Desk) -> None:
    auditor = Principal("token:3", Role.AUDITOR, frozenset((METZ,)))
    with pytest.raises(NotAllowed):
        here.do(Count(counter="c"), who=auditor)
    with pytest.raises(NoSuchAgency):
        here.do(Count(counter="c"), who=auditor, agency=NANCY)
    create = CreateAgency(slug="xx", legal_name="X", siren="732829320", department="57")
    with pytest.raises(NoSuchAgency):
        here.do(create, agency=HOUSE, who=AGENT)


def test_streams_asked_for_twice_are_loaded_once(here: Desk) -> None:
    here.do(Count(counter="c", by=7))
    stream = stream_id(METZ, "counter", "c")

    with desk(here.url) as fresh:
        seen: list[int] = []

        class LookTwice(Look):
            def handle(self, store: Any) -> Any:
                seen.extend(c.total for c in store.many(Counter, [stream, stream]))

        fresh.do(LookTwice(counter="c"))

    assert seen == [7, 7]


def test_the_id_of_another_kind_of_stream_names_nothing(here: Desk) -> None:
    here.do(Count(counter="c"))
    stream = stream_id(METZ, "counter", "c")

    class ReadAsNotebook(Look):
        def handle(self, store: Any) -> Any:
            store.by_id(Notebook, stream)

    with pytest.raises(NotFound):
        here.do(ReadAsNotebook(counter="c"))
    with desk(here.url) as fresh:
        with pytest.raises(NotFound):
            fresh.do(ReadAsNotebook(counter="c"))
        # Nor does the attempt leave anything behind that a rightful reader would stumble on.
        assert fresh.do(Look(counter="c")).ids["total"] == 1


def test_too_many_conflicts_are_told_unless_it_was_answered_before(here: Desk, there: Desk) -> None:
    here.do(Count(counter="c"), key="k")

    class Unlucky(Count):
        """Somebody is always faster."""

        def handle(self, store: Any) -> Any:
            store.get(Counter, self.counter)
            there.do(Count(counter=self.counter))
            return super().handle(store)

    with pytest.raises(Conflict):
        here.do(Unlucky(counter="c"))
    with pytest.raises(KeyReused):
        here.do(Unlucky(counter="c"), key="k")


def test_an_answer_names_its_events_and_ids(here: Desk) -> None:
    answer = here.do(Count(counter="c"))

    assert (answer.events, answer.ids, answer.repeated) == (("Counted",), {"total": 1}, False)


def test_a_command_of_an_unknown_log_is_refused(here: Desk) -> None:
    with pytest.raises(Refused):
        here.do(Count(counter="c"), agency=uuid4())
