"""A number series: gives out the next numbers, in the append that uses them."""

from __future__ import annotations

from aggregates import Aggregate
from aggregates.store import Store
from domain.numbers import NumbersTaken, SeriesKind, written


class NumberSeries(Aggregate):
    """One series of one year. Its newest event says all, so it loads no other."""

    kind = "numbers"
    newest_only = True

    last: int = 0

    def take(self, series: SeriesKind, year: int, count: int = 1) -> list[str]:
        first = self.last + 1
        self.trigger_event(
            NumbersTaken, series=series, year=year, first=first, last=self.last + count
        )
        return [written(series, year, number) for number in range(first, self.last + 1)]

    def evolve(self, event: NumbersTaken) -> None:
        self.last = event.last


def take_numbers(store: Store, series: SeriesKind, count: int = 1) -> list[str]:
    """The next numbers of this agency's series of this year."""
    year = store.today.year
    return store.get(NumberSeries, series, year).take(series, year, count)
