"""What the machines that watch are told of the read models."""

from __future__ import annotations

from datetime import timedelta

import pytest
from psycopg_pool import ConnectionPool

from projections.engine import Engine
from projections.rebuilding import begin_logs, prepare
from system.lag import Lag
from system.serving import standing_gauges
from tests.projections.logs import LILAS, QUESTIONS, ROSES, Logs, booked, open_logs


@pytest.fixture
def logs(database_url):
    with open_logs(database_url) as opened:
        yield opened


def told(logs: Logs) -> dict[str, dict[str, float]]:
    """All gauges, as somebody reads them who looks now."""
    with ConnectionPool(logs.url, min_size=1, open=True, kwargs={"autocommit": True}) as pool:
        lag = Lag(pool)
        try:
            return {gauge.name: dict(gauge.read()) for gauge in standing_gauges(lag)}
        finally:
            lag.close()


@pytest.mark.parametrize(
    ("late", "alarm"), [(timedelta(0), 0), (timedelta(seconds=6), 1), (timedelta(hours=25), 2)]
)
def test_lag_is_that_of_the_agency_that_is_furthest_behind_with_its_alarm(
    logs: Logs, late: timedelta, alarm: int
) -> None:
    logs.append(booked(1), booked(2))
    logs.append(booked(7), agency=ROSES)
    engine = Engine(logs.connect, logs.journal, QUESTIONS)
    while engine.cycle():
        pass
    engine.close()
    if late:
        logs.append(booked(3), booked(4), agency=ROSES)
        logs.ask("UPDATE events SET recorded_at = now() - %s WHERE position = 2", late)
    found = told(logs)
    assert found["quittance_projection_alarm"] == {"takings": alarm, "counts": alarm}
    seconds = found["quittance_projection_lag_seconds"]
    assert seconds.keys() == {"takings", "counts"}
    assert all(late.total_seconds() <= s < late.total_seconds() + 60 for s in seconds.values())


def test_stopped_agencies_and_rebuilds_are_told(logs: Logs) -> None:
    logs.append(booked(13), booked(2))
    logs.append(booked(7), booked(13), agency=ROSES)
    engine = Engine(logs.connect, logs.journal, QUESTIONS)
    while engine.cycle():
        pass
    engine.close()
    with logs.connect() as connection:
        prepare(connection, QUESTIONS[1:])
        begin_logs(connection, QUESTIONS[1:], [LILAS, ROSES])
        connection.execute("UPDATE building.positions SET position = 1 WHERE agency = %s", [LILAS])
    found = told(logs)
    assert found["quittance_projection_stopped_agencies"] == {"takings": 2, "counts": 0}
    assert found["quittance_rebuild_ratio"] == {"counts": 0.25}
