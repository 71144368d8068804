"""Whatever is done to what is stored is seen, and named at the place where it was done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journal import verification, verifying
from journal.tampering import Finding, Kind
from journal.verification import Verified, verify
from journal.verifying_process import ProcessEnded, check_in_processes
from tests.journal.counters import Count, Note
from tests.journal.desk import METZ, NANCY, Desk, desk

EVENTS = 12
"""Of each of the two agencies; the stream of counter `b` and of each note ends before the log."""

EDITS = {
    "stream": "gen_random_uuid()",
    "event_id": "gen_random_uuid()",
    "command_id": "gen_random_uuid()",
    "correlation_id": "gen_random_uuid()",
    "causation_id": "gen_random_uuid()",
    "recorded_at": "recorded_at + interval '1 microsecond'",
    "version": "version + 1000",
    "schema_version": "schema_version + 1",
    "effective_on": "effective_on + 1",
    "name": "name || 'x'",
    "actor": "'somebody'",
    "on_behalf_of": "'somebody'",
    "subjects": "subjects || gen_random_uuid()",
    "hash": "set_byte(hash, 5, (get_byte(hash, 5) + 1) %% 256)",
    "state": "set_byte(state, 3, (get_byte(state, 3) + 1) %% 256)",
}
COLUMNS = """agency, position, stream, event_id, command_id, correlation_id, causation_id,
    recorded_at, version, schema_version, effective_on, name, actor, on_behalf_of, subjects, hash,
    state"""


@dataclass
class Stored:
    """Two logs that were written, and can be put back as they were."""

    url: str
    connection: psycopg.Connection[Any]

    def do(self, statement: str, *values: Any) -> None:
        self.connection.execute(statement, values)

    def verified(self, **how: Any) -> Verified:
        return verify(self.url, **how)

    def findings(self) -> list[tuple[Any, ...]]:
        return sorted((f.kind, f.agency, f.position, f.up_to) for f in self.verified().findings)

    def entry(self, agency: UUID, position: int) -> tuple[UUID, int]:
        """Stream and version of an entry."""
        row = self.connection.execute(
            "SELECT stream, version FROM events WHERE agency = %s AND position = %s",
            [agency, position],
        ).fetchone()
        assert row is not None
        return row[0], row[1]

    @contextmanager
    def damaged(self) -> Iterator[None]:
        """What is done inside is undone afterwards."""
        yield
        self.do("TRUNCATE events, heads")
        self.do("INSERT INTO events SELECT * FROM kept_events")
        self.do("INSERT INTO heads SELECT * FROM kept_heads")

    def shift(self, agency: UUID, first: int, by: int) -> None:
        """Renumber all from a position on."""
        self.do(
            "UPDATE events SET position = -position WHERE agency = %s AND position >= %s",
            agency, first,
        )  # fmt: skip
        self.do(
            "UPDATE events SET position = -position + %s WHERE agency = %s AND position < 0",
            by, agency,
        )  # fmt: skip
        self.do("UPDATE heads SET position = position + %s WHERE agency = %s", by, agency)

    def put_in(self, agency: UUID, position: int) -> None:
        """A made-up entry at a position that is free."""
        self.do(
            f"INSERT INTO events ({COLUMNS}) SELECT agency, %s, gen_random_uuid(),"
            " gen_random_uuid(), command_id, correlation_id, causation_id, recorded_at, 1,"
            " schema_version, effective_on, name, actor, on_behalf_of, subjects, hash, state"
            " FROM kept_events WHERE agency = %s AND position = 1",
            position, agency,
        )  # fmt: skip


def written(here: Desk) -> None:
    for agency in (METZ, NANCY):
        for number in range(EVENTS):
            if number in (2, 6):
                here.do(Note(person_id=uuid4(), text=f"secret {number}"), agency=agency)
            else:
                here.do(Count(counter="a" if number % 3 else "b", tag=str(number)), agency=agency)


@pytest.fixture
def stored(database_url: str) -> Iterator[Stored]:
    with desk(database_url) as here:
        written(here)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept_events AS TABLE events")
        connection.execute("CREATE TABLE kept_heads AS TABLE heads")
        yield Stored(database_url, connection)


AGENCIES = st.sampled_from([METZ, NANCY])
POSITIONS = st.integers(1, EVENTS)
INNER = st.integers(1, EVENTS - 1)
ON_ONE_LOG = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def test_what_was_written_is_found_to_be_as_it_was(stored: Stored) -> None:
    seen: list[tuple[int, int]] = []

    verified = stored.verified(report=lambda done, total: seen.append((done, total)))

    assert verified.findings == []
    assert verified.events == 2 * EVENTS
    assert {(log.agency, log.position) for log in verified.logs} == {(METZ, 12), (NANCY, 12)}
    assert seen[0] == (0, 24)
    assert seen[-1] == (24, 24)


@pytest.mark.parametrize("column", EDITS)
@settings(parent=ON_ONE_LOG, max_examples=2)
@given(agency=AGENCIES, position=POSITIONS)
def test_an_edit_of_anything_stored_is_named(
    stored: Stored, column: str, agency: UUID, position: int
) -> None:
    with stored.damaged():
        stored.do(
            f"UPDATE events SET {column} = {EDITS[column]} WHERE agency = %s AND position = %s",
            agency, position,
        )  # fmt: skip
        stream, version = stored.entry(agency, position)

        assert stored.verified().findings == [
            Finding(Kind.EDITED, agency, position, position, stream, version)
        ]
        other = NANCY if agency == METZ else METZ
        assert stored.verified(only=other).findings == []


@ON_ONE_LOG
@given(AGENCIES, st.integers(1, EVENTS - 1), st.integers(0, 3))
def test_a_deletion_is_named(stored: Stored, agency: UUID, first: int, more: int) -> None:
    last = min(first + more, EVENTS - 1)
    with stored.damaged():
        gone = [stored.entry(agency, position) for position in range(first, last + 1)]
        stored.do(
            "DELETE FROM events WHERE agency = %s AND position BETWEEN %s AND %s",
            agency, first, last,
        )  # fmt: skip
        findings = stored.verified().findings

        assert {(f.kind, f.agency, f.position, f.up_to) for f in findings} == {
            (Kind.DELETED, agency, first, last)
        }
        assert {(f.stream, f.version) for f in findings if f.stream} <= set(gone)


@pytest.mark.parametrize("value", ["''", "sha256(hash) || 'x'", "'short'"])
def test_what_is_no_hash_is_named(stored: Stored, value: str) -> None:
    stored.do(f"UPDATE events SET hash = {value} WHERE agency = %s AND position = 7", METZ)

    assert stored.findings() == [(Kind.EDITED, METZ, 7, 7)]


def test_an_instant_beyond_all_time_is_named(stored: Stored) -> None:
    stored.do(
        "UPDATE events SET recorded_at = 'infinity' WHERE agency = %s AND position = 12", METZ
    )
    stored.do(
        "UPDATE events SET recorded_at = '-infinity' WHERE agency = %s AND position = 1", METZ
    )

    assert stored.findings() == [(Kind.EDITED, METZ, 1, 1), (Kind.EDITED, METZ, 12, 12)]


def test_a_deleted_entry_is_named_by_the_hole_in_its_stream(stored: Stored) -> None:
    stream, version = stored.entry(NANCY, 5)
    stored.do("DELETE FROM events WHERE agency = %s AND position = 5", NANCY)

    assert stored.verified().findings == [Finding(Kind.DELETED, NANCY, 5, 5, stream, version)]


@ON_ONE_LOG
@given(AGENCIES, st.integers(1, EVENTS - 2))
def test_a_deletion_that_was_covered_up_by_renumbering_is_named(
    stored: Stored, agency: UUID, position: int
) -> None:
    with stored.damaged():
        stored.do("DELETE FROM events WHERE agency = %s AND position = %s", agency, position)
        stored.shift(agency, position + 1, -1)

        assert stored.findings() == [(Kind.DELETED, agency, position, position)]


@ON_ONE_LOG
@given(AGENCIES, st.integers(1, EVENTS))
def test_a_cut_tail_is_named(stored: Stored, agency: UUID, first: int) -> None:
    with stored.damaged():
        stored.do("DELETE FROM events WHERE agency = %s AND position >= %s", agency, first)

        assert stored.findings() == [(Kind.CUT, agency, first, EVENTS)]


@ON_ONE_LOG
@given(AGENCIES, INNER)
def test_an_insertion_is_named(stored: Stored, agency: UUID, position: int) -> None:
    with stored.damaged():
        stored.shift(agency, position, 1)
        stored.put_in(agency, position)

        assert stored.findings() == [(Kind.INSERTED, agency, position, position)]


def test_an_entry_beyond_the_head_is_named(stored: Stored) -> None:
    stored.put_in(NANCY, EVENTS + 1)

    assert stored.findings() == [(Kind.INSERTED, NANCY, EVENTS + 1, EVENTS + 1)]


def test_an_entry_before_the_first_is_named(stored: Stored) -> None:
    stored.put_in(NANCY, 0)

    assert stored.findings() == [(Kind.INSERTED, NANCY, 0, 0)]


def exchange(stored: Stored, one: tuple[UUID, int], other: tuple[UUID, int], columns: str) -> None:
    """What stands at one place stands at the other, in these columns."""
    stored.do("CREATE TEMP TABLE pair AS SELECT * FROM events LIMIT 0")
    stored.do(
        "INSERT INTO pair SELECT * FROM events WHERE (agency, position) IN ((%s, %s), (%s, %s))",
        *one, *other,
    )  # fmt: skip
    stored.do("DELETE FROM events WHERE (agency, position) IN ((%s, %s), (%s, %s))", *one, *other)
    names = [name.strip() for name in COLUMNS.split(",")]
    taken = [f"{'b' if name in columns else 'a'}.{name}" for name in names]
    stored.do(
        f"INSERT INTO events ({COLUMNS}) SELECT {', '.join(taken)} FROM pair a, pair b"
        " WHERE (a.agency, a.position) <> (b.agency, b.position)"
    )
    stored.do("DROP TABLE pair")


CONTENT = COLUMNS.replace("agency, position, ", "")
CONTENT_BUT_HASH = CONTENT.replace("hash,", "")


@ON_ONE_LOG
@given(AGENCIES, POSITIONS, POSITIONS, st.sampled_from([CONTENT, CONTENT_BUT_HASH]))
def test_another_order_is_named(
    stored: Stored, agency: UUID, one: int, other: int, columns: str
) -> None:
    if one == other:
        return
    with stored.damaged():
        exchange(stored, (agency, one), (agency, other), columns)
        findings = {(f.kind, f.position, f.belongs) for f in stored.verified().findings}

        assert findings == {
            (Kind.REORDERED, one, (agency, other)),
            (Kind.REORDERED, other, (agency, one)),
        }


@ON_ONE_LOG
@given(POSITIONS, POSITIONS, st.sampled_from([CONTENT, CONTENT_BUT_HASH]))
def test_a_swap_between_agencies_is_named(
    stored: Stored, one: int, other: int, columns: str
) -> None:
    with stored.damaged():
        exchange(stored, (METZ, one), (NANCY, other), columns)
        findings = {(f.kind, f.agency, f.position, f.belongs) for f in stored.verified().findings}

        assert findings == {
            (Kind.SWAPPED, METZ, one, (NANCY, other)),
            (Kind.SWAPPED, NANCY, other, (METZ, one)),
        }


@pytest.mark.parametrize(
    "edit",
    [
        "hash = sha256(hash)",
        "position = position - 1",
        "recorded_at = recorded_at + interval '1 second'",
    ],
)
def test_a_head_that_is_not_the_last_entry_is_named(stored: Stored, edit: str) -> None:
    stored.do(f"UPDATE heads SET {edit} WHERE agency = %s", METZ)

    assert [(f.kind, f.agency) for f in stored.verified().findings] == [(Kind.HEAD, METZ)]


def test_a_log_without_a_head_is_named(stored: Stored) -> None:
    stored.do("DELETE FROM heads WHERE agency = %s", NANCY)

    assert stored.findings() == [(Kind.HEAD, NANCY, EVENTS, EVENTS)]


def test_a_log_without_an_entry_is_named(stored: Stored) -> None:
    stored.do("DELETE FROM events WHERE agency = %s", METZ)

    assert stored.findings() == [(Kind.CUT, METZ, 1, EVENTS)]


def test_erasing_a_person_changes_nothing_that_is_verified(stored: Stored) -> None:
    subjects = stored.connection.execute("SELECT agency, subject FROM data_keys").fetchall()
    with desk(stored.url) as here:
        for agency, subject in subjects:
            here.journal.keys.destroy(agency, subject)

    assert len(subjects) == 4
    assert stored.verified().findings == []


def test_several_processes_find_what_one_finds(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored.do("UPDATE events SET actor = 'x' WHERE agency = %s AND position IN (4, 9)", METZ)
    stored.do("DELETE FROM events WHERE agency = %s AND position IN (5, 6)", NANCY)
    alone = stored.verified().findings
    monkeypatch.setattr(verifying, "STRETCH_EVENTS", 5)
    monkeypatch.setattr(verification, "WORTH_PROCESSES_EVENTS", 0)

    assert stored.verified().findings == alone
    assert stored.verified(jobs=2).findings == alone
    assert set(stored.findings()) == {
        (Kind.DELETED, NANCY, 5, 6),
        (Kind.EDITED, METZ, 4, 4),
        (Kind.EDITED, METZ, 9, 9),
    }


def test_a_process_that_cannot_reach_the_database_is_said_and_not_taken_for_intact(
    stored: Stored,
) -> None:
    gone = stored.url.replace("dbname=", "dbname=no_").replace("/test_", "/no_test_")
    assert gone != stored.url

    with pytest.raises(ProcessEnded):
        list(check_in_processes(gone, [verifying.Stretch(METZ, 1, 5)], 2))
