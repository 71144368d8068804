"""The projector follows the journal by signal, without one, and through lost connections."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic

import pytest

from projections.freshness import Waiter
from system.postgres import with_database
from tests.projections.logs import LILAS, QUESTIONS, ROSES, Logs, TakingRow, booked, open_logs
from workers.projector import run

BOTH = ("takings", "counts")
PATIENCE_SECONDS = 20.0


@contextmanager
def projector(logs: Logs, poll_seconds: float) -> Iterator[None]:
    stop = Event()
    options = {"poll_seconds": poll_seconds}
    thread = Thread(target=run, args=(stop, logs.connect, logs.journal, QUESTIONS), kwargs=options)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        logs.journal.bell.ring()
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


@pytest.fixture
def logs(database_url: str) -> Iterator[Logs]:
    with open_logs(database_url) as opened:
        yield opened


@pytest.fixture
def waiter(logs: Logs) -> Iterator[Waiter]:
    built = Waiter(logs.connect)
    yield built
    built.close()


def test_what_was_there_before_and_what_comes_later_are_both_shown(
    logs: Logs, waiter: Waiter
) -> None:
    before = logs.append(booked(1))
    # It polls once in a long while: only the bell can wake it in time.
    with projector(logs, poll_seconds=PATIENCE_SECONDS):
        assert waiter.wait(LILAS, before, BOTH, PATIENCE_SECONDS / 2)
        started = monotonic()
        for n in range(2, 12):
            assert waiter.wait(LILAS, logs.append(booked(n)), BOTH, PATIENCE_SECONDS / 2)
        assert monotonic() - started < PATIENCE_SECONDS / 2
    assert [row.total_cents for row in logs.rows(TakingRow)] == [66]


def test_an_append_that_nobody_rings_for_is_seen_within_a_second(
    database_url: str, server_url: str
) -> None:
    elsewhere = with_database(server_url, "postgres")
    with open_logs(database_url, bell_url=elsewhere) as logs, projector(logs, poll_seconds=0.5):
        waiter = Waiter(logs.connect)
        try:
            assert waiter.wait(LILAS, logs.append(booked(1)), BOTH, PATIENCE_SECONDS)
            written = logs.append(booked(2))
            started = monotonic()
            assert waiter.wait(LILAS, written, BOTH, PATIENCE_SECONDS)
            assert monotonic() - started < 1.0
        finally:
            waiter.close()


def test_it_survives_that_all_its_connections_are_cut(logs: Logs, waiter: Waiter) -> None:
    with projector(logs, poll_seconds=0.5):
        assert waiter.wait(LILAS, logs.append(booked(1)), BOTH, PATIENCE_SECONDS)
        for n in (2, 3):
            logs.cut_connections()
            assert waiter.wait(LILAS, logs.append(booked(n)), BOTH, PATIENCE_SECONDS)
        assert waiter.wait(ROSES, logs.append(booked(9), agency=ROSES), BOTH, PATIENCE_SECONDS)
    assert [row.total_cents for row in logs.rows(TakingRow)] == [6]
    assert [row.total_cents for row in logs.rows(TakingRow, ROSES)] == [9]
