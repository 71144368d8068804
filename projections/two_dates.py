"""What was true on one date, as it was known at another: which entries of the journal is that?

Two questions, two kinds of time. *As of* is a date of the business: a fact counts from the day on
which it takes effect. *Known at* is a place in the journal: what was recorded up to there, by its
position, or by the instant or the day at the end of which it was known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection

from domain import Refused
from domain.period import FIRST_YEAR, LAST_YEAR
from domain.words import PARIS, Language, clock_time, long_date
from journal import EPOCH, NoSuchAgency

MOST_DIGITS = 18
"""Of a position: what PostgreSQL's bigint holds whatever the digits are."""

_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.,]\d{1,6})?)?(Z|z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_FRENCH_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)

# The log's positions have no gap and its instants never go back, so the last entry by an instant
# is found by halving: twenty look-ups among a million, and no index on the instant.
_LAST_BY = """
WITH RECURSIVE halved(low, high) AS (
    SELECT 0::bigint, position FROM heads WHERE agency = %(agency)s
    UNION ALL
    SELECT CASE WHEN e.recorded_at <= %(instant)s THEN e.position ELSE h.low END,
        CASE WHEN e.recorded_at <= %(instant)s THEN h.high ELSE e.position - 1 END
    FROM halved h JOIN events e
        ON e.agency = %(agency)s AND e.position = (h.low + h.high + 1) / 2
    WHERE h.low < h.high
)
SELECT low FROM halved WHERE low = high
"""


class NoDate(Refused):
    """What was given is neither a date, nor an instant, nor a position."""


class NotYetKnown(Refused):
    """Nobody can say today what will be known on a day to come."""


class BeyondTheHead(Refused):
    """The journal has not come to this position yet."""


class NotShownYet(Exception):
    """The read models have not come to this position yet; they will in a moment."""


Unanswerable = (NoDate, NotYetKnown, BeyondTheHead)
"""What makes a question of two dates one that has no answer."""

KnownAt = int | date | datetime
"""A position, a day until its end in Paris, or an instant."""


@dataclass(frozen=True, slots=True)
class TwoDates:
    """A question of two dates, with its place in one agency's journal."""

    as_of_on: date
    """Facts count that take effect by the end of this day in Paris."""
    position: int
    """Entries count that stand at this position or before; the lasting way to say *known at*."""
    recorded_at: datetime
    """When the entry at that position was recorded."""


def read_as_of(written: str) -> date:
    """A date of the business: `2026-11-06`, `06/11/2026`, or the Paris day of an instant.

    Business facts have dates and no hours, so an instant stands for its whole day. NoDate.
    """
    found = _read(written)
    if found is None or isinstance(found, int):
        raise NoDate(
            f"« {_quoted(written)} » n'est pas une date : écrivez par exemple 2026-11-06.",
            f"“{_quoted(written)}” is not a date: write for example 2026-11-06.",
        )
    return found.astimezone(PARIS).date() if isinstance(found, datetime) else found


def read_known_at(written: str) -> KnownAt:
    """When it was known: a date, an instant, or a position in digits alone. NoDate."""
    found = _read(written)
    if found is None:
        raise NoDate(
            f"« {_quoted(written)} » n'est ni une date, ni un instant, ni une position : écrivez"
            " par exemple 2026-11-07, 2026-11-07T14:30 ou 1234.",
            f"“{_quoted(written)}” is neither a date, nor an instant, nor a position: write for"
            " example 2026-11-07, 2026-11-07T14:30 or 1234.",
        )
    return found


def end_of(day: date) -> datetime:
    """The last moment of a day in Paris: one microsecond before the next."""
    tomorrow = datetime.combine(day + timedelta(days=1), time(), PARIS)
    return tomorrow.astimezone(UTC) - timedelta(microseconds=1)


def two_dates(
    connection: Connection[Any],
    agency: UUID,
    as_of: date | None,
    known_at: KnownAt | None,
    now: datetime,
    shown: int | None = None,
) -> TwoDates:
    """Where a question of two dates stands in a log; what is not said is today, and all.

    Raises NotYetKnown for a day or an instant to come, BeyondTheHead, NoSuchAgency. A date of
    the business may lie ahead: what is already known of it is an answer. `shown` is how far the
    read models are: all that is known ends there, and what is asked for behind it is NotShownYet.
    """
    head = _head(connection, agency)
    today = now.astimezone(PARIS).date()
    position = head if known_at is None else _position(connection, agency, known_at, head, now)
    if shown is not None and position > shown:
        if known_at not in (None, today):
            raise NotShownYet(f"position {position}")
        position = shown
    at = connection.execute(
        "SELECT recorded_at FROM events WHERE agency = %s AND position = %s", [agency, position]
    ).fetchone()
    return TwoDates(as_of or today, position, at[0] if at else EPOCH)


def last_by(
    connection: Connection[Any], agency: UUID, instant: datetime, *, inclusive: bool = True
) -> int:
    """The position of the last entry that was recorded by an instant; 0 if there is none."""
    if not inclusive:
        instant -= timedelta(microseconds=1)
    row = connection.execute(_LAST_BY, {"agency": agency, "instant": instant}).fetchone()
    return 0 if row is None else int(row[0])


def told(dates: TwoDates, language: Language) -> str:
    """The question in words: `au 6 novembre 2026, connu à la position 1234 (…)`."""
    day = long_date(dates.as_of_on, language)
    if dates.position == 0:
        nothing = {"fr": "avant la première écriture", "en": "before the first entry"}[language]
        return f"{_said('au', 'as of', language)} {day}, {nothing}"
    local = dates.recorded_at.astimezone(PARIS)
    at = long_date(local.date(), language)
    clock = clock_time(local, language)
    if language == "en":
        return f"as of {day}, as known at position {dates.position} ({at}, {clock})"
    return f"au {day}, tel que connu à la position {dates.position} ({at}, {clock})"


def _said(fr: str, en: str, language: Language) -> str:
    return en if language == "en" else fr


def _head(connection: Connection[Any], agency: UUID) -> int:
    row = connection.execute("SELECT position FROM heads WHERE agency = %s", [agency]).fetchone()
    if row is None:
        raise NoSuchAgency("Cette agence n'existe pas.", "This agency does not exist.")
    return int(row[0])


def _position(
    connection: Connection[Any], agency: UUID, known_at: KnownAt, head: int, now: datetime
) -> int:
    match known_at:
        case datetime():
            if known_at > now:
                raise _not_yet()
            return last_by(connection, agency, known_at)
        case date():
            if known_at > now.astimezone(PARIS).date():
                raise _not_yet()
            return last_by(connection, agency, end_of(known_at))
        case int():
            if known_at > head:
                raise BeyondTheHead(
                    f"Le journal de cette agence s'arrête à la position {head}.",
                    f"The journal of this agency ends at position {head}.",
                )
            return known_at


def _not_yet() -> NotYetKnown:
    return NotYetKnown(
        "Personne ne sait aujourd'hui ce qui sera connu plus tard : choisissez aujourd'hui ou"
        " une date passée.",
        "Nobody knows today what will be known later: choose today or a date that has passed.",
    )


def _read(written: str) -> KnownAt | None:
    """A position, a date or an instant within the calendar; None for anything else."""
    text = written.strip()
    if text.isascii() and text.isdigit():
        return int(text) if len(text) <= MOST_DIGITS else None
    found: date | datetime
    try:
        if day := _DATE.fullmatch(text):
            found = date(*map(int, day.groups()))
        elif day := _FRENCH_DATE.fullmatch(text):
            found = date(*map(int, reversed(day.groups())))
        elif _INSTANT.fullmatch(text):
            instant = datetime.fromisoformat(text.upper().replace(",", "."))
            # A clock without a time zone is one on a wall in France.
            found = instant if instant.tzinfo else instant.replace(tzinfo=PARIS)
        else:
            return None
    except ValueError:
        return None
    return found if FIRST_YEAR <= found.year <= LAST_YEAR else None


def _quoted(written: str) -> str:
    """What a person wrote, as far as it can be shown."""
    shown = "".join(c if c.isprintable() else "?" for c in written.strip()[:40])
    return shown.encode(errors="replace").decode()
