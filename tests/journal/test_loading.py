"""A whole log is loaded into an empty place as if it had been written there, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import Event
from journal import Envelope, Fact, agency_id
from journal.append import Append
from journal.chain import GENESIS
from journal.loading import LogNotEmpty, OutOfPlace, Placed, Told, chained, load, told
from system.office import know_everything
from tests.journal.counters import Count, Counted, Note, Noted
from tests.journal.desk import METZ, NANCY, Desk
from tests.journal.made_up import events
from tests.journal.verifier import broken_at

know_everything()
ALL = [kind for _, kind in sorted(Event.named.items()) if kind.__module__.startswith("domain.")]
LYON, PARIS = agency_id("lyon"), agency_id("paris")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ENVELOPE = Envelope(
    "token:é", uuid4(), uuid4(), date(2026, 3, 2), on_behalf_of="party:1", causation_id=uuid4()
)
BARE = Envelope("clock", uuid4(), uuid4(), date(1999, 12, 31))


def a_log(here: Desk, agency: UUID, count: int = 5) -> list[Placed]:
    """Counters and notes about people, as a generator of events would make them up."""
    made: list[Told] = []
    encode = here.journal.mapper(agency).encode
    for number in range(count):
        happened = (
            Counted(by=number, tag=f"n{number}")
            if number % 2
            else Noted(person_id=uuid4(), text=f"secret {number}")
        )
        fact = Fact(uuid4(), 1, happened)
        here.journal.keys.ensure(agency, happened.subjects())
        envelope = ENVELOPE if number % 3 else BARE
        made.append(told(fact, encode(*fact), envelope, NOON + timedelta(seconds=number)))
    return list(chained(agency, made))


def logs(here: Desk) -> list[tuple[object, ...]]:
    return here.rows("SELECT agency, position, hash FROM heads ORDER BY agency")


def test_a_loaded_log_is_read_like_one_that_was_written_here(here: Desk) -> None:
    heard: list[int] = []
    logs_of = {LYON: a_log(here, LYON, 7), PARIS: a_log(here, PARIS, 4)}
    with psycopg.connect(here.url) as connection:
        heads = {
            agency: load(connection, agency, log, report=heard.append)
            for agency, log in logs_of.items()
        }

    assert heard == [7, 4]
    for agency, log in logs_of.items():
        assert broken_at(here.url, agency) is None
        assert heads[agency] == (len(log), log[-1].hash, log[-1].told.recorded_at_us)
        read = here.journal.read(agency, 0)
        assert [(e.position, e.stream.bytes, e.event_id.bytes) for e in read] == [
            (placed.position, placed.told.stream, placed.told.event_id) for placed in log
        ]
        assert {e.actor for e in read} == {"token:é", "clock"}
        assert [str(e.event.text) for e in read if isinstance(e.event, Noted)] == [
            f"secret {number}" for number in range(0, len(log), 2)
        ]


def test_life_goes_on_after_a_loaded_log(here: Desk) -> None:
    with psycopg.connect(here.url) as connection:
        load(connection, METZ, a_log(here, METZ, 5))

    here.do(Count(counter="a", tag="after"))

    assert here.journal.head(METZ)[0] == 6
    assert broken_at(here.url, METZ) is None


def test_a_log_with_entries_is_never_loaded_over(here: Desk) -> None:
    here.do(Note(person_id=uuid4(), text="was here"))
    here.do(Note(person_id=uuid4(), text="was there"), agency=NANCY)
    before = logs(here)

    with psycopg.connect(here.url) as connection, pytest.raises(LogNotEmpty):
        load(connection, METZ, a_log(here, METZ))

    assert logs(here) == before
    assert here.rows("SELECT count(*) FROM events") == [(2,)]


def _torn(log: list[Placed]) -> Iterator[Placed]:
    yield from log[:3]
    raise OSError("the disk is gone")


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda log: [*log[:2], *log[3:]], OutOfPlace),
        (lambda log: log[1:], OutOfPlace),
        (lambda log: [log[0], log[2], log[1]], OutOfPlace),
        (lambda log: [*log[:4], _earlier(log[4])], OutOfPlace),
        (_torn, OSError),
    ],
    ids=["a gap", "no beginning", "another order", "time runs back", "the source fails"],
)
def test_a_log_is_loaded_in_full_or_not_at_all(
    here: Desk, damage: Callable[[list[Placed]], Iterable[Placed]], fault: type[Exception]
) -> None:
    before = logs(here)

    with psycopg.connect(here.url) as connection, pytest.raises(fault):
        load(connection, LYON, damage(a_log(here, LYON)))

    assert logs(here) == before
    assert here.rows("SELECT count(*) FROM events") == [(0,)]


def _earlier(placed: Placed) -> Placed:
    return placed._replace(told=placed.told._replace(recorded_at_us=0))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(st.one_of([events(kind) for kind in ALL]), st.sampled_from([ENVELOPE, BARE])),
        min_size=1,
        max_size=10,
    )
)
def test_events_chained_in_bulk_get_the_hashes_that_the_writer_gives(
    here: Desk, happened: list[tuple[Event, Envelope]]
) -> None:
    for event, envelope in happened:
        entries = here.journal.entries(METZ, [Fact(uuid4(), 1, event)], envelope)
        append = Append(METZ.bytes, entries)
        here.journal.submit(append)
        append.result()

    stored = here.rows(
        "SELECT position, hash, (extract(epoch FROM recorded_at) * 1000000)::bigint, stream,"
        " version, name, schema_version, event_id, effective_on, actor, on_behalf_of, command_id,"
        " correlation_id, causation_id, subjects, state FROM events WHERE agency = %s"
        " ORDER BY position",
        METZ,
    )
    again = [
        Told(
            at, stream.bytes, version, name.encode(), schema, event_id.bytes, day.toordinal(),
            actor.encode(), (behalf or "").encode(), command.bytes, correlation.bytes,
            cause.bytes if cause else b"", b"".join(one.bytes for one in subjects), state,
        )
        for (
            _, _, at, stream, version, name, schema, event_id, day, actor, behalf, command,
            correlation, cause, subjects, state,
        ) in stored
    ]  # fmt: skip
    assert [placed.hash for placed in chained(METZ, again)] == [row[1] for row in stored]


def test_an_empty_log_is_loaded_as_such(here: Desk) -> None:
    with psycopg.connect(here.url) as connection:
        assert load(connection, LYON, []) == (0, GENESIS, 0)

    assert here.journal.head(LYON)[0] == 0
    assert broken_at(here.url, LYON) is None
