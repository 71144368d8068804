"""Positions are gapless and in commit order, the chain holds, and time does not run backwards."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Event, Thread
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import ERASED
from journal import EPOCH, Envelope, Fact, NoSuchAgency
from journal.append import Append
from tests.journal.counters import Count, Counted, Note
from tests.journal.desk import METZ, NANCY, Desk, desk, noon
from tests.journal.verifier import broken_at

IN_ONE_DATABASE = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def positions(here: Desk) -> dict[str, list[int]]:
    rows = here.rows("SELECT agency, position FROM events ORDER BY agency, position")
    found: dict[str, list[int]] = {}
    for agency, position in rows:
        found.setdefault(str(agency), []).append(position)
    return found


@IN_ONE_DATABASE
@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from([METZ, NANCY]), st.integers(0, 3), st.integers(1, 4)),
            max_size=6,
        ),
        max_size=8,
    )
)
def test_whatever_is_asked_at_once_the_log_has_no_gap_and_the_chain_holds(
    here: Desk, plans: list[list[tuple[object, int, int]]]
) -> None:
    def work(plan: list[tuple[object, int, int]]) -> int:
        for agency, counter, by in plan:
            here.do(Count(counter=f"c{counter}", by=by), agency=agency)  # type: ignore[arg-type]
        return len(plan)

    before = sum(len(found) for found in positions(here).values())
    with ThreadPoolExecutor(8) as threads:
        asked = sum(threads.map(work, plans))

    after = positions(here)
    assert sum(len(found) for found in after.values()) == before + asked
    for found in after.values():
        assert found == list(range(1, len(found) + 1))
    assert broken_at(here.url, METZ) is None
    assert broken_at(here.url, NANCY) is None


def test_a_reader_that_follows_the_positions_misses_nothing(here: Desk, there: Desk) -> None:
    done = Event()
    seen: list[int] = []

    def follow() -> None:
        with psycopg.connect(here.url, autocommit=True) as connection:
            while True:
                last_look = done.is_set()
                rows = connection.execute(
                    "SELECT position FROM events WHERE agency = %s AND position > %s"
                    " ORDER BY position",
                    [METZ, seen[-1] if seen else 0],
                ).fetchall()
                seen.extend(position for (position,) in rows)
                if last_look:
                    return

    follower = Thread(target=follow)
    follower.start()
    try:
        with ThreadPoolExecutor(16) as threads:
            asked = [
                threads.submit((here, there)[n % 2].do, Count(counter=f"c{n % 31}"))
                for n in range(600)
            ]
            for each in asked:
                each.result()
    finally:
        done.set()
        follower.join()

    # A position that became visible after a later one would have been passed over.
    assert seen == list(range(1, 601))


@pytest.mark.parametrize(
    "change",
    [
        "state = state || ' '::bytea",
        "actor = 'somebody else'",
        "recorded_at = recorded_at - interval '1 microsecond'",
        "effective_on = effective_on - 1",
        "on_behalf_of = 'x'",
        "causation_id = gen_random_uuid()",
        "subjects = ARRAY[gen_random_uuid()]",
        "version = 9",
        "schema_version = 2",
    ],
)
def test_whoever_edits_an_entry_breaks_the_chain_there(here: Desk, change: str) -> None:
    for _ in range(4):
        here.do(Count(counter="c"))

    here.rows(f"UPDATE events SET {change} WHERE agency = %s AND position = 3 RETURNING 1", METZ)

    assert broken_at(here.url, METZ) == 3


def test_an_entry_that_is_dropped_at_the_end_is_missed(here: Desk) -> None:
    for _ in range(4):
        here.do(Count(counter="c"))

    here.rows("DELETE FROM events WHERE agency = %s AND position = 4 RETURNING 1", METZ)

    assert broken_at(here.url, METZ) == 0


def test_the_chain_covers_every_field_that_can_be_empty(here: Desk) -> None:
    envelope = Envelope(
        actor="téléphone ☎",
        command_id=uuid4(),
        correlation_id=uuid4(),
        causation_id=uuid4(),
        on_behalf_of="party:é",
        today=date(2026, 2, 28),
    )
    facts = [Fact(uuid4(), 1, Counted(tag="é")), Fact(uuid4(), 1, Counted(by=-1))]
    append = Append(METZ.bytes, here.journal.entries(METZ, facts, envelope))
    here.journal.submit(append)
    append.result()
    here.do(Note(person_id=uuid4(), text="x"))

    first, second, third = here.journal.read_all(METZ)

    assert broken_at(here.url, METZ) is None
    assert (first.actor, first.on_behalf_of) == ("téléphone ☎", "party:é")
    assert first.causation_id == second.causation_id == envelope.causation_id
    assert first.recorded_at == second.recorded_at
    assert third.subjects == (third.event.person_id,)  # type: ignore[attr-defined]
    assert third.event.text != ERASED  # type: ignore[attr-defined]


def test_a_head_that_lies_in_the_future_holds_the_clock_back(here: Desk, there: Desk) -> None:
    here.do(Count(counter="c"))
    future = datetime.now(UTC).replace(microsecond=7) + timedelta(days=1)
    here.rows("UPDATE heads SET recorded_at = %s WHERE agency = %s RETURNING 1", future, METZ)

    there.do(Count(counter="c"))
    here.do(Count(counter="c"))

    instants = [entry.recorded_at for entry in here.journal.read_all(METZ)]
    assert instants[1:] == [future, future]
    assert broken_at(here.url, METZ) is None


def test_recorded_at_never_decreases_along_the_positions(here: Desk, there: Desk) -> None:
    with ThreadPoolExecutor(8) as threads:
        for each in [
            threads.submit((here, there)[n % 2].do, Count(counter=f"c{n}")) for n in range(200)
        ]:
            each.result()

    instants = [entry.recorded_at for entry in here.journal.read_all(METZ)]

    assert instants == sorted(instants)
    assert instants[0] > EPOCH


@pytest.mark.parametrize(
    ("at", "paris"),
    [
        (datetime(2026, 7, 31, 21, 59, tzinfo=UTC), date(2026, 7, 31)),
        (datetime(2026, 7, 31, 22, 0, tzinfo=UTC), date(2026, 8, 1)),
        (datetime(2026, 12, 31, 22, 59, tzinfo=UTC), date(2026, 12, 31)),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
def test_what_has_no_date_takes_effect_on_the_paris_date(
    database_url: str, at: datetime, paris: date
) -> None:
    with desk(database_url, lambda: at) as here:
        here.do(Count(counter="c"))

        (entry,) = here.journal.read_all(METZ)

    assert entry.effective_on == paris


def test_a_log_that_does_not_exist_is_refused_and_harms_nobody(database_url: str) -> None:
    with desk(database_url, noon(2026, 3, 1)) as here:
        nowhere = uuid4()
        with pytest.raises(NoSuchAgency):
            here.do(Count(counter="c"), agency=nowhere)
        facts = [Fact(uuid4(), 1, Counted())]
        envelope = Envelope("x", uuid4(), uuid4(), date(2026, 3, 1))
        lost = Append(nowhere.bytes, here.journal.entries(nowhere, facts, envelope))
        here.journal.submit(lost)
        with pytest.raises(NoSuchAgency):
            lost.result()

        assert here.do(Count(counter="c")).position == 1
