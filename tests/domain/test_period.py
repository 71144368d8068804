"""A period is one month, read strictly, ordered as time is, and a plain string in JSON."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain import Event, Refused
from domain.period import NotAPeriod, Period

periods = st.builds(Period, st.integers(1901, 2198), st.integers(1, 12))


def test_a_period_knows_its_days() -> None:
    february = Period.parse("2028-02")
    assert (february.first_on, february.last_on) == (date(2028, 2, 1), date(2028, 2, 29))
    assert february.days() == 29
    assert Period(2027, 2).days() == 28
    assert date(2028, 2, 29) in february
    assert date(2028, 3, 1) not in february
    assert Period.of(date(2028, 2, 18)) == february


def test_the_year_turns() -> None:
    assert Period(2026, 12).next() == Period(2027, 1)
    assert Period(2027, 1).previous() == Period(2026, 12)


@given(periods)
def test_next_and_previous_meet(period: Period) -> None:
    assert period.next().previous() == period == period.previous().next()
    assert period.last_on + timedelta(days=1) == period.next().first_on
    assert Period.parse(str(period)) == period


@given(st.lists(periods, min_size=2))
def test_periods_text_and_days_have_one_order(given_periods: list[Period]) -> None:
    for earlier, later in pairwise(sorted(given_periods)):
        assert str(earlier) <= str(later)
        assert earlier.first_on <= later.first_on


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026", "2026-13", "2026-00", "2026-1", "26-11", "2026-11-01", " 2026-11"),
        *("2026-11\n", "2026-11\x00", "٢٠٢٦-١١", "0000-01", "9999-12", "2026/11"),
        "novembre 2026",
    ],
)
def test_what_is_no_month_is_refused_and_invalid(text: str) -> None:
    with pytest.raises(NotAPeriod) as refused:
        Period.parse(text)
    assert isinstance(refused.value, Refused)
    assert refused.value.told("en").startswith("A period is")
    with pytest.raises(ValidationError):
        TypeAdapter(Period).validate_python(text)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(NotAPeriod):
        assert str(Period.parse(text)) == text


def test_beyond_the_last_month_there_is_none() -> None:
    with pytest.raises(NotAPeriod):
        Period(2199, 12).next()
    with pytest.raises(NotAPeriod):
        Period(1900, 1).previous()


def test_an_event_holds_a_period_as_a_string() -> None:
    class PeriodTried(Event):
        period: Period

    try:
        tried = PeriodTried(period=Period(2026, 11))
        assert tried.model_dump_json() == '{"period":"2026-11"}'
        assert PeriodTried.model_validate_json(tried.model_dump_json()) == tried
        assert len({tried.period, Period(2026, 11)}) == 1
        schemas = (
            PeriodTried.model_json_schema(mode="validation"),
            PeriodTried.model_json_schema(mode="serialization"),
        )
        for schema in schemas:
            assert schema["properties"]["period"]["type"] == "string"
        with pytest.raises(ValidationError):
            PeriodTried.model_validate_json('{"period": 202611}')
    finally:
        # Names are for ever: a test's own must not stay beside the product's.
        del Event.named["PeriodTried"]
