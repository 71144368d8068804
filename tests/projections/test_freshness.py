"""Every read says how fresh it is, and waits for what its reader has just written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Event, Thread
from uuid import uuid4

import pytest

from journal import EPOCH, NoSuchAgency
from projections.engine import Engine
from projections.freshness import Quarantined, Waiter, freshness
from tests.projections.logs import LILAS, QUESTIONS, ROSES, Logs, booked

BOTH = ("takings", "counts")
PATIENCE_SECONDS = 20.0


@pytest.fixture
def waiter(logs: Logs) -> Iterator[Waiter]:
    built = Waiter(logs.connect)
    yield built
    built.close()


@pytest.fixture
def engine(logs: Logs) -> Iterator[Engine]:
    built = Engine(logs.connect, logs.journal, QUESTIONS)
    yield built
    built.close()


def catch_up(engine: Engine) -> None:
    while engine.cycle():
        pass


def test_how_fresh_it_is_names_position_instant_and_lag(logs: Logs, engine: Engine) -> None:
    logs.append(booked(1), booked(2))
    catch_up(engine)
    logs.append(booked(3), booked(4), booked(5))
    logs.append(booked(6), agency=ROSES)
    second, third = logs.entries()[1:3]
    with logs.connect() as connection:
        seen = freshness(connection, LILAS, *BOTH)
    waited = (datetime.now(UTC) - third.recorded_at).total_seconds()
    assert (seen.position, seen.as_of, seen.lag_events) == (2, second.recorded_at, 3)
    assert 0 <= seen.lag_seconds <= waited
    assert not seen.stopped


def test_what_is_up_to_date_does_not_lag(logs: Logs, engine: Engine) -> None:
    logs.append(booked(1))
    catch_up(engine)
    with logs.connect() as connection:
        seen = freshness(connection, LILAS, *BOTH)
        empty = freshness(connection, ROSES, *BOTH)
    assert (seen.position, seen.lag_events, seen.lag_seconds) == (1, 0, 0.0)
    assert (empty.position, empty.lag_events, empty.as_of) == (0, 0, EPOCH)


def test_what_was_never_folded_is_as_of_nothing(logs: Logs) -> None:
    logs.append(booked(1))
    with logs.connect() as connection:
        seen = freshness(connection, LILAS, *BOTH)
        assert (seen.position, seen.lag_events) == (0, 1)
        with pytest.raises(NoSuchAgency):
            freshness(connection, uuid4(), *BOTH)


def test_one_that_has_stopped_says_so(logs: Logs, engine: Engine) -> None:
    logs.append(booked(13))
    catch_up(engine)
    with logs.connect() as connection:
        assert freshness(connection, LILAS, *BOTH).stopped
        assert not freshness(connection, LILAS, "counts").stopped


def test_a_read_waits_for_what_was_written(logs: Logs, engine: Engine, waiter: Waiter) -> None:
    written = logs.append(booked(1))
    found: list[bool] = []
    thread = Thread(
        target=lambda: found.append(waiter.wait(LILAS, written, BOTH, PATIENCE_SECONDS))
    )
    thread.start()
    catch_up(engine)
    thread.join(PATIENCE_SECONDS)
    assert found == [True]
    assert waiter.wait(LILAS, written, BOTH, 0.0) or waiter.wait(LILAS, written, BOTH, 5.0)


def test_many_reads_wait_in_one_loop(logs: Logs, engine: Engine, waiter: Waiter) -> None:
    position = {LILAS: logs.append(booked(1)), ROSES: logs.append(booked(1), agency=ROSES)}

    async def all_of_them() -> list[bool]:
        folding = asyncio.to_thread(catch_up, engine)
        waits = [
            waiter.reached(agency, position[agency], BOTH, PATIENCE_SECONDS)
            for agency in (LILAS, ROSES) * 20
        ]
        _, *came = await asyncio.gather(folding, *waits)
        return [bool(one) for one in came]

    assert asyncio.run(all_of_them()) == [True] * 40


def test_what_does_not_come_in_time_is_not_reached(
    logs: Logs, engine: Engine, waiter: Waiter
) -> None:
    written = logs.append(booked(1))
    assert not waiter.wait(LILAS, written, BOTH, 0.05)
    assert not asyncio.run(waiter.reached(LILAS, written, BOTH, 0.05))
    catch_up(engine)
    assert asyncio.run(waiter.reached(LILAS, written, BOTH, PATIENCE_SECONDS))
    assert not waiter.wait(LILAS, written + 1, BOTH, 0.05)
    assert not waiter.wait(ROSES, 1, BOTH, 0.05)


def test_nobody_waits_for_an_agency_that_has_stopped(
    logs: Logs, engine: Engine, waiter: Waiter
) -> None:
    written = logs.append(booked(1), booked(13), booked(2))
    catch_up(engine)
    with pytest.raises(Quarantined):
        waiter.wait(LILAS, written, BOTH, PATIENCE_SECONDS)
    with pytest.raises(Quarantined):
        asyncio.run(waiter.reached(LILAS, written, ("takings",), PATIENCE_SECONDS))
    assert waiter.wait(LILAS, written, ("counts",), PATIENCE_SECONDS)
    assert waiter.wait(LILAS, 1, BOTH, PATIENCE_SECONDS)
    other = logs.append(booked(3), agency=ROSES)
    catch_up(engine)
    assert waiter.wait(ROSES, other, BOTH, PATIENCE_SECONDS)


def test_who_already_waits_hears_that_it_stops(logs: Logs, engine: Engine, waiter: Waiter) -> None:
    written = logs.append(booked(13))

    async def waits() -> None:
        folding = asyncio.create_task(asyncio.to_thread(catch_up, engine))
        with pytest.raises(Quarantined):
            await waiter.reached(LILAS, written, BOTH, PATIENCE_SECONDS)
        await folding

    asyncio.run(waits())


def test_a_lost_connection_costs_a_moment(logs: Logs, engine: Engine, waiter: Waiter) -> None:
    heard = logs.append(booked(1))
    catch_up(engine)
    assert waiter.wait(LILAS, heard, BOTH, PATIENCE_SECONDS)
    written = logs.append(booked(2))
    waiting = Event()
    found: list[bool] = []

    def wait() -> None:
        waiting.set()
        found.append(waiter.wait(LILAS, written, BOTH, PATIENCE_SECONDS))

    thread = Thread(target=wait)
    thread.start()
    waiting.wait()
    engine.close()
    logs.cut_connections()
    catch_up(engine)
    thread.join(PATIENCE_SECONDS)
    assert found == [True]
