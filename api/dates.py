"""The two dates of a question, as they stand in an address: `?as_of=…&known_at=…`."""

from datetime import date
from typing import Annotated, NamedTuple

from fastapi import Depends, Query

from projections.two_dates import KnownAt, read_as_of, read_known_at

LONGEST = 40

AsOf = Annotated[
    str | None,
    Query(
        max_length=LONGEST,
        description="As true on this date, the end of the day in Paris: `2026-11-06`, or an"
        " instant, which stands for its day. It may lie ahead.",
        examples=["2026-11-06"],
    ),
]
KnownAtText = Annotated[
    str | None,
    Query(
        max_length=LONGEST,
        description="As known then: a date until its end in Paris, an instant, or a position of"
        " the journal in digits. All that is known by now if left out.",
        examples=["2026-11-07", "2026-11-07T14:30:00Z", "1234"],
    ),
]
Bound = Annotated[
    str | None,
    Query(max_length=LONGEST, description="A date, an instant or a position, included."),
]


class Dates(NamedTuple):
    """What was asked; None where nothing was said."""

    as_of: date | None
    known_at: KnownAt | None

    @property
    def said(self) -> bool:
        return self.as_of is not None or self.known_at is not None


def read_dates(as_of: AsOf = None, known_at: KnownAtText = None) -> Dates:
    """The two dates as they were written. Raises NoDate."""
    return Dates(
        None if as_of is None else read_as_of(as_of),
        None if known_at is None else read_known_at(known_at),
    )


AskedDates = Annotated[Dates, Depends(read_dates)]
