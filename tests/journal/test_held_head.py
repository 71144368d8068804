"""Somebody holds one agency's head: its commands wait their turn, all others go on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from time import monotonic
from uuid import UUID, uuid4

import pytest

from domain import stream_id
from journal import Busy, Envelope, Fact, OutcomeUnknown
from journal.append import Append, Read
from tests.journal.counters import Count, Counted
from tests.journal.desk import METZ, NANCY, Desk, desk, holding
from tests.journal.verifier import broken_at


def append(
    here: Desk, tag: str, *, patience_seconds: float = 10.0, stream: UUID | None = None
) -> Append:
    """One event in a stream of its own, queued."""
    envelope = Envelope("x", uuid4(), uuid4(), date(2026, 3, 1))
    fact = Fact(stream or uuid4(), 1, Counted(tag=tag))
    queued = Append(
        METZ.bytes,
        here.journal.entries(METZ, [fact], envelope),
        patience_seconds=patience_seconds,
    )
    here.journal.submit(queued)
    return queued


def test_others_go_on_at_once_while_one_head_is_held(here: Desk) -> None:
    here.do(Count(counter="c"))
    with ThreadPoolExecutor(4) as threads:
        with holding(here.url, METZ):
            waiting = [threads.submit(here.do, Count(counter=f"c{n}")) for n in range(4)]
            began = monotonic()
            for _ in range(50):
                here.do(Count(counter="c"), agency=NANCY)
            took = monotonic() - began
            assert not any(each.done() for each in waiting)

        for each in waiting:
            each.result()

    # Fifty commands one after the other; a wait for the held head alone would take seconds.
    assert took < 2.0
    assert here.rows("SELECT count(*) FROM events WHERE agency = %s", METZ) == [(5,)]


def test_commands_of_a_held_agency_end_in_busy_after_their_patience(here: Desk) -> None:
    with holding(here.url, METZ):
        impatient = append(here, "impatient", patience_seconds=0.2)
        patient = append(here, "patient")
        with pytest.raises(Busy) as told:
            impatient.result()
        assert not isinstance(told.value, OutcomeUnknown)
        assert patient.in_flight

    patient.result()
    assert here.tags() == ["patient"]


def test_what_rested_on_one_that_lost_patience_does_not_get_in(here: Desk) -> None:
    with holding(here.url, METZ):
        stream = stream_id(METZ, "counter", "c")
        impatient = append(here, "impatient", patience_seconds=0.2, stream=stream)
        envelope = Envelope("x", uuid4(), uuid4(), date(2026, 3, 1))
        dependent = Append(
            METZ.bytes,
            here.journal.entries(METZ, [Fact(stream, 2, Counted(tag="dependent"))], envelope),
            reads={stream.bytes: Read(1, 0)},
            after=[impatient],
        )
        here.journal.submit(dependent)
        with pytest.raises(Busy):
            impatient.result()

    assert dependent.settle() is False
    assert here.tags() == []


def test_first_come_first_served_in_an_agency_whose_head_was_held(here: Desk) -> None:
    here.do(Count(counter="c", tag="first"))
    with holding(here.url, METZ):
        queued = [append(here, f"{n}") for n in range(50)]
        for _ in range(20):
            # Other agencies' batches carry the waiting ones along, to fall out of them again.
            here.do(Count(counter="c"), agency=NANCY)
            queued += [append(here, f"{len(queued) + n}") for n in range(5)]
    for each in queued:
        each.result()

    assert here.tags() == ["first", *(f"{n}" for n in range(len(queued)))]
    assert [each.result() for each in queued] == list(range(2, len(queued) + 2))


def test_dependents_of_what_waits_are_not_decided_again(here: Desk) -> None:
    here.do(Count(counter="c", tag="first"))
    chain = []
    with holding(here.url, METZ):
        for n in range(60):
            chain.append(here.begin(Count(counter="c", tag=f"{n}")))
            if n % 3 == 0:
                here.do(Count(counter="c"), agency=NANCY)

    for each in chain:
        each.result()
    assert here.tags() == ["first", *(f"{n}" for n in range(60))]


def test_a_head_that_is_held_and_moved_meanwhile_costs_a_decision_not_an_error(
    here: Desk, there: Desk
) -> None:
    here.do(Count(counter="c"))
    for _ in range(10):
        with ThreadPoolExecutor(4) as threads:
            with holding(here.url, METZ):
                done = [
                    threads.submit((here, there)[n % 2].do, Count(counter="c")) for n in range(4)
                ]
            for each in done:
                each.result()

    assert here.do(Count(counter="c")).ids["total"] == 42
    assert broken_at(here.url, METZ) is None


def test_closing_answers_all_that_wait_and_refuses_what_comes_later(database_url: str) -> None:
    with desk(database_url) as here:
        queued = [append(here, f"{n}") for n in range(200)]

    assert all(each.settle() for each in queued)
    with pytest.raises(Busy):
        append(here, "too late")


def test_closing_while_a_head_is_held_ends_when_patience_does(database_url: str) -> None:
    with holding(database_url, METZ) as holder:
        holder.rollback()
        with desk(database_url) as here:
            here.do(Count(counter="c"))
            holder.execute("SELECT 1 FROM heads WHERE agency = %s FOR UPDATE", [METZ])
            held = append(here, "held", patience_seconds=0.2)
            other = here.begin(Count(counter="c"), agency=NANCY)

        assert other.result() == 1
        assert isinstance(held.error, Busy)
