"""The one thread that writes: it survives what it is given, and never leaves anybody waiting."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Event, Thread
from time import monotonic
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import Connection

from domain import stream_id
from journal import Busy, Conflict, Envelope, Fact, OutcomeUnknown
from journal import log as log_module
from journal.append import Append, Read
from journal.writer import Writer
from tests.journal.counters import Count, Counted, Look
from tests.journal.desk import METZ, NANCY, WRITER, Desk
from tests.journal.verifier import broken_at

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
ENVELOPE = Envelope("x", UUID(int=1), UUID(int=1), date(2026, 3, 1))


def one(here: Desk, tag: str, *, stream: UUID | None = None, version: int = 1) -> Append:
    """An append of one event, not queued yet."""
    fact = Fact(stream or uuid4(), version, Counted(tag=tag))
    return Append(METZ.bytes, here.journal.entries(METZ, [fact], ENVELOPE))


def test_an_append_that_has_ended_never_looks_in_flight_to_somebody_who_waits_for_it() -> None:
    append = Append(METZ.bytes, [()])  # type: ignore[list-item]
    stop = Event()

    def wait() -> None:
        while not stop.is_set():
            append.settle()

    append.succeed(1)
    waiting = [Thread(target=wait) for _ in range(4)]
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in waiting:
            thread.start()
        assert not any(append.in_flight for _ in range(100_000))
    finally:
        sys.setswitchinterval(usual)
        stop.set()
        for thread in waiting:
            thread.join()


def test_what_cannot_be_packed_does_not_come_as_far_as_the_writer(here: Desk) -> None:
    here.do(Count(counter="c"))

    with pytest.raises(Exception, match="format requires"):
        one(here, "too high", version=2**31)

    fine = one(here, "fine")
    here.journal.submit(fine)
    assert fine.result() == 2


def test_a_lost_side_connection_leaves_nobody_without_an_answer(here: Desk, there: Desk) -> None:
    for n in range(15):
        # Both memories are old in turn, so that batches fall out and the side is asked.
        with ThreadPoolExecutor(8) as threads:
            asked = [
                threads.submit(
                    (here, there)[m % 2].do, Count(counter=f"c{m}"), agency=(METZ, NANCY)[m % 3 > 0]
                )
                for m in range(16)
            ]
            here.rows(f"{CUT} AND query LIKE 'SELECT%%' AND datname = current_database()", WRITER)
            for each in asked:
                each.result(timeout=8)
        assert here.do(Look(counter="c0"), agency=METZ).ids["total"] == n + 1


def test_a_gap_that_is_too_wide_is_forgotten_not_walked(
    here: Desk, there: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "CAUGHT_UP_EVENTS", 5)
    here.do(Count(counter="c"))
    for n in range(20):
        there.do(Count(counter=f"c{n % 3}"))
    there.do(Count(counter="c", by=10))

    assert here.do(Count(counter="c", by=100)).ids["total"] == 111
    stale = one(here, "stale", stream=stream_id(METZ, "counter", "c"), version=2)
    stale.reads = {stream_id(METZ, "counter", "c").bytes: Read(1, 1)}
    here.journal.submit(stale)
    with pytest.raises(Conflict):
        stale.result()


def test_what_was_kept_unheard_is_found_behind_a_wide_gap_too(
    here: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "CAUGHT_UP_EVENTS", 0)
    kept, lost = one(here, "kept"), one(here, "lost")
    unheard = Append(METZ.bytes, kept.entries)
    here.journal.submit(kept)
    assert kept.result() == 1
    memory = log_module.Log(METZ.bytes)
    memory.doubt([unheard, lost])

    with psycopg.connect(here.url, autocommit=True) as connection:
        memory.catch_up(connection)

    assert unheard.result() == 1
    assert lost.in_flight
    assert memory.unheard == {}


def test_a_database_that_cannot_be_reached_ends_in_busy_and_then_works_again(
    here: Desk, database_url: str
) -> None:
    reachable = Event()
    reachable.set()

    def connect() -> Connection:
        if not reachable.is_set():
            raise psycopg.OperationalError("nobody is at home")
        return psycopg.connect(database_url, autocommit=True, application_name="cut me")

    writer = Writer(connect)
    try:
        first = one(here, "first")
        writer.submit(first)
        assert first.result() == 1
        reachable.clear()
        here.rows(CUT, "cut me")
        lost = one(here, "while away")
        lost.deadline = monotonic() + 0.3
        writer.submit(lost)
        with pytest.raises(Busy):
            lost.result()
        patient = one(here, "patient")
        writer.submit(patient)
        reachable.set()
        assert patient.result() > 1
    finally:
        writer.close()
    assert broken_at(here.url, METZ) is None


def test_a_writer_that_dies_says_so_to_everybody(here: Desk, database_url: str) -> None:
    class Bug(BaseException):
        """Nothing that anybody expects."""

    def connect() -> Connection:
        raise Bug

    died = Event()
    writer = Writer(connect)
    hook = threading.excepthook
    threading.excepthook = lambda _: died.set()
    try:
        last = one(here, "last")
        writer.submit(last)
        assert died.wait(5)
    finally:
        threading.excepthook = hook

    with pytest.raises(Busy):
        writer.submit(one(here, "after"))
    with pytest.raises(OutcomeUnknown):
        last.result()
    writer.close()
