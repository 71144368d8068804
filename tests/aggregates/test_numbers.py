"""Numbers follow each other without a gap, whatever is taken at once."""

from __future__ import annotations

from hypothesis import given as any_of
from hypothesis import strategies as st

from aggregates.numbers import NumberSeries
from domain.numbers import NumbersTaken
from tests.given import given


def test_numbers_start_at_one() -> None:
    told = given(NumberSeries).when(NumberSeries.take, "invoice", 2026, 2)
    told.then(NumbersTaken(series="invoice", year=2026, first=1, last=2))
    assert told.answer == ["F-2026-000001", "F-2026-000002"]


def test_each_kind_has_its_letter() -> None:
    assert given(NumberSeries).when(NumberSeries.take, "ticket", 2026).answer == ["T-2026-000001"]
    assert given(NumberSeries).when(NumberSeries.take, "receipt", 2027).answer == ["Q-2027-000001"]


def test_the_newest_event_alone_says_all() -> None:
    newest = NumbersTaken(series="invoice", year=2026, first=7, last=42)
    assert given(NumberSeries, newest).when(NumberSeries.take, "invoice", 2026).answer == [
        "F-2026-000043"
    ]


@any_of(st.lists(st.integers(1, 500), max_size=8))
def test_no_number_is_left_out_or_given_twice(counts: list[int]) -> None:
    series, taken = given(NumberSeries), []
    for count in counts:
        taken += series.when(NumberSeries.take, "invoice", 2026, count).answer
    assert taken == [f"F-2026-{number:06d}" for number in range(1, sum(counts) + 1)]
