"""Dates, instants and positions as people write them, and their place in a log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from journal import NoSuchAgency
from projections.two_dates import (
    BeyondTheHead,
    NoDate,
    NotYetKnown,
    TwoDates,
    end_of,
    last_by,
    read_as_of,
    read_known_at,
    told,
    two_dates,
)
from tests.given import day
from tests.projections.story import LILAS, NOBODY, ROSES

START = datetime(2026, 11, 5, 22, 30, tzinfo=UTC)
"""Half past eleven in the evening in Paris."""
NOW = datetime(2026, 11, 21, 13, 36, tzinfo=UTC)


def log(connection: Connection[Any], agency: UUID, minutes: list[int]) -> list[datetime]:
    """A log whose entries were recorded so many minutes one after the other."""
    at, instants = START, []
    for step in minutes:
        at += timedelta(minutes=step)
        instants.append(at)
    with connection.transaction():
        connection.execute("DELETE FROM events WHERE agency = %s", [agency])
        connection.execute(
            "INSERT INTO heads (agency, position, hash) VALUES (%s, %s, '') ON CONFLICT (agency)"
            " DO UPDATE SET position = excluded.position",
            [agency, len(instants)],
        )
        connection.cursor().executemany(
            "INSERT INTO events (agency, position, stream, event_id, command_id, correlation_id,"
            " recorded_at, version, schema_version, effective_on, name, actor, subjects, hash,"
            " state) VALUES (%s, %s, %s, %s, %s, %s, %s, 1, 1, '2026-11-05', 'X', 'x', '{}', '',"
            " '')",
            [
                (agency, position, *[uuid5(agency, f"{position}")] * 4, instant)
                for position, instant in enumerate(instants, 1)
            ],
        )
    return instants


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    minutes=st.lists(st.sampled_from((0, 0, 1, 90, 1440)), max_size=20),
    after=st.integers(-60, 20_000),
)
def test_the_last_entry_by_an_instant_is_what_counting_finds(connection, minutes, after) -> None:
    instants = log(connection, LILAS, minutes)
    log(connection, ROSES, [1, 1])
    instant = START + timedelta(minutes=after)
    counted = sum(recorded_at <= instant for recorded_at in instants)
    assert last_by(connection, LILAS, instant) == counted


def test_a_day_is_known_until_its_end_in_paris(connection) -> None:
    # 23:30 and 23:59 in Paris on the 5th, midnight and 00:30 on the 6th, though UTC says the 5th.
    log(connection, LILAS, [0, 29, 1, 30])
    log(connection, ROSES, [0])

    def known(at: object) -> int:
        return two_dates(connection, LILAS, None, at, NOW).position

    assert known(day("04/11/2026")) == 0
    assert known(day("05/11/2026")) == 2
    assert known(day("06/11/2026")) == 4
    assert known(START) == 1
    assert known(3) == 3
    assert known(None) == 4
    assert two_dates(connection, LILAS, None, None, NOW).as_of_on == day("21/11/2026")
    assert two_dates(connection, LILAS, None, 2, NOW).recorded_at == START + timedelta(minutes=29)
    assert two_dates(connection, ROSES, None, None, NOW).position == 1


def test_what_nobody_can_know_is_refused_and_what_lies_ahead_is_not(connection) -> None:
    log(connection, LILAS, [0, 1])
    log(connection, ROSES, [0, 1, 2])
    for known_at, refusal in (
        (day("22/11/2026"), NotYetKnown),
        (NOW + timedelta(seconds=1), NotYetKnown),
        (3, BeyondTheHead),
    ):
        with pytest.raises(refusal):
            two_dates(connection, LILAS, None, known_at, NOW)
    assert two_dates(connection, LILAS, day("01/01/2199"), day("21/11/2026"), NOW).position == 2
    assert two_dates(connection, LILAS, day("01/01/1900"), 0, NOW).position == 0
    with pytest.raises(NoSuchAgency):
        two_dates(connection, NOBODY, None, None, NOW)


def test_the_night_in_which_the_clocks_go_back_has_an_end() -> None:
    assert end_of(day("25/10/2026")) == datetime(2026, 10, 25, 22, 59, 59, 999_999, tzinfo=UTC)
    assert end_of(day("29/03/2026")) == datetime(2026, 3, 29, 21, 59, 59, 999_999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-11-06", date(2026, 11, 6)),
        (" 06/11/2026 ", date(2026, 11, 6)),
        ("6/1/2026", date(2026, 1, 6)),
        ("1234", 1234),
        ("0", 0),
        ("20261106", 20_261_106),
        ("2026-11-06T23:30:00Z", datetime(2026, 11, 6, 23, 30, tzinfo=UTC)),
        ("2026-11-06T23:30", datetime(2026, 11, 6, 22, 30, tzinfo=UTC)),
        ("2026-07-06 23:30:15.25+01:00", datetime(2026, 7, 6, 22, 30, 15, 250_000, tzinfo=UTC)),
    ],
)
def test_when_something_was_known_is_written_in_three_ways(written, read) -> None:
    assert read_known_at(written) == read


def test_a_date_of_the_business_is_the_paris_day_of_an_instant() -> None:
    assert read_as_of("2026-11-06T23:30:00Z") == day("07/11/2026")
    assert read_as_of("2026-11-06T22:30:00Z") == day("06/11/2026")
    with pytest.raises(NoDate):
        read_as_of("1234")


@pytest.mark.parametrize(
    "written",
    [
        "", "hier", "2026-02-30", "30/02/2026", "2026-13-01", "9999-12-31", "0001-01-01",
        "-5", "1" * 19, "12.5", "2026-11-06T25:00", "2026-11-06T10:00+99:00", "２０２６-11-06",
        "a\0b", "\ud800", "²", "2026-11-06T10:00:00.1234567",
    ],
)  # fmt: skip
def test_what_is_no_date_is_said_in_words_that_can_be_shown(written) -> None:
    for read in (read_known_at, read_as_of):
        with pytest.raises(NoDate) as refused:
            read(written)
        for language in ("fr", "en"):
            refused.value.told(language).encode()
            assert "2026-11-0" in refused.value.told(language)
            assert "\0" not in refused.value.told(language)


@given(st.text(max_size=30))
def test_whatever_is_written_is_read_or_refused(written) -> None:
    for read in (read_known_at, read_as_of):
        with suppress(NoDate):
            assert isinstance(read(written), int | date)


def test_the_question_is_told_with_its_position() -> None:
    dates = TwoDates(day("06/11/2026"), 12, datetime(2026, 11, 7, 13, 2, tzinfo=UTC))
    assert told(dates, "en") == (
        "as of 6 November 2026, as known at position 12 (7 November 2026, 14:02)"
    )
    assert told(dates, "fr").startswith("au 6 novembre 2026, tel que connu à la position 12")
    nothing = TwoDates(day("06/11/2026"), 0, START)
    assert told(nothing, "en") == "as of 6 November 2026, before the first entry"
