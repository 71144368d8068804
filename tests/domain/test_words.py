"""Amounts, dates and times are said as a French reader, or an English one, expects."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from babel.numbers import format_currency
from hypothesis import given
from hypothesis import strategies as st

from domain.period import Period
from domain.words import (
    amount_in_words,
    clock_time,
    euros,
    long_date,
    month_name,
    short_date,
)

any_cents = st.integers(-(10**13), 10**13)

_NUMBERS = (
    *("zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix"),
    *("onze", "douze", "treize", "quatorze", "quinze", "seize"),
)
_VALUES = {word: value for value, word in enumerate(_NUMBERS)} | {
    "vingt": 20,
    "trente": 30,
    "quarante": 40,
    "cinquante": 50,
    "soixante": 60,
    "huitante": 80,
}
_SCALES = {"mille": 10**3, "million": 10**6, "milliard": 10**9}


def heard(words: str) -> int:
    """The number that French words name; the reverse of what is tested, written apart from it."""
    whole, current = 0, 0
    for word in re.sub(r"quatre-vingts?\b", "huitante", words).replace("-", " ").split():
        if word == "et":
            continue
        if word in ("cent", "cents"):
            current = (current or 1) * 100
        elif (scale := _SCALES.get(word.removesuffix("s"))) is not None:
            whole, current = whole + (current or 1) * scale, 0
        else:
            current += _VALUES[word]
    return whole + current


def heard_cents(words: str) -> int:
    sign = -1 if words.startswith("moins ") else 1
    amount = re.fullmatch(
        r"(?:(.+?) (?:d')?euros?)?(?: et )?(?:(.+) centimes?)?", words.removeprefix("moins ")
    )
    assert amount is not None, words
    return sign * (100 * heard(amount[1] or "") + heard(amount[2] or ""))


@pytest.mark.parametrize(
    ("cents", "fr", "en"),
    [
        (0, "0,00\u00a0€", "€0.00"),
        (-1230, "-12,30\u00a0€", "-€12.30"),
        (123_456, "1\u202f234,56\u00a0€", "€1,234.56"),
        (123_456_750, "1\u202f234\u202f567,50\u00a0€", "€1,234,567.50"),
        (-1, "-0,01\u00a0€", "-€0.01"),
    ],
)
def test_an_amount_has_its_own_spaces(cents: int, fr: str, en: str) -> None:
    assert euros(cents) == fr
    assert euros(cents, "en") == en


@given(any_cents)
def test_an_amount_is_written_as_babel_writes_it(cents: int) -> None:
    exact = Decimal(cents).scaleb(-2)
    assert euros(cents) == format_currency(exact, "EUR", locale="fr_FR")
    assert euros(cents, "en") == format_currency(exact, "EUR", locale="en_GB")


@pytest.mark.parametrize(
    ("cents", "fr", "en"),
    [
        (0, "zéro euro", "zero euros"),
        (1, "un centime", "one cent"),
        (80, "quatre-vingts centimes", "eighty cents"),
        (100, "un euro", "one euro"),
        (101, "un euro et un centime", "one euro and one cent"),
        (7_100, "soixante et onze euros", "seventy-one euros"),
        (8_000, "quatre-vingts euros", "eighty euros"),
        (8_100, "quatre-vingt-un euros", "eighty-one euros"),
        (20_000, "deux cents euros", "two hundred euros"),
        (20_100, "deux cent un euros", "two hundred and one euros"),
        (
            71_110,
            "sept cent onze euros et dix centimes",
            "seven hundred and eleven euros and ten cents",
        ),
        (100_000, "mille euros", "one thousand euros"),
        (8_000_000, "quatre-vingt mille euros", "eighty thousand euros"),
        (20_000_000, "deux cent mille euros", "two hundred thousand euros"),
        (100_000_000, "un million d'euros", "one million euros"),
        (200_000_000, "deux millions d'euros", "two million euros"),
        (
            200_000_001,
            "deux millions d'euros et un centime",
            "two million euros and one cent",
        ),
        (250_000_000, "deux millions cinq cent mille euros", None),
        (8_000_000_000, "quatre-vingts millions d'euros", "eighty million euros"),
        (10**13, "cent milliards d'euros", "one hundred billion euros"),
        (-1230, "moins douze euros et trente centimes", "minus twelve euros and thirty cents"),
    ],
)
def test_an_amount_in_words_follows_the_grammar(cents: int, fr: str, en: str | None) -> None:
    assert amount_in_words(cents) == fr
    if en is not None:
        assert amount_in_words(cents, "en") == en


@given(any_cents | st.integers(-200_000, 200_000))
def test_what_is_said_in_french_is_heard_as_the_same_amount(cents: int) -> None:
    assert heard_cents(amount_in_words(cents)) == cents


def test_dates_are_said_with_the_first_of_the_month() -> None:
    assert short_date(date(2026, 3, 29)) == "29/03/2026"
    assert short_date(date(1, 2, 3)) == "03/02/0001"
    assert long_date(date(2026, 3, 29)) == "29 mars 2026"
    assert long_date(date(2026, 3, 1)) == "1er mars 2026"
    assert long_date(date(2026, 12, 11)) == "11 décembre 2026"
    assert long_date(date(2026, 3, 1), "en") == "1 March 2026"


def test_a_period_is_said_by_its_month() -> None:
    assert month_name(Period(2026, 11)) == "novembre 2026"
    assert month_name(Period(2026, 8)) == "août 2026"
    assert month_name(Period(2026, 11), "en") == "November 2026"


@pytest.mark.parametrize(
    ("instant", "fr", "en"),
    [
        (datetime(2026, 5, 4, 12, 2, tzinfo=UTC), "14\u202fh\u202f02", "14:02"),
        (datetime(2026, 1, 4, 8, 5, tzinfo=UTC), "9\u202fh\u202f05", "09:05"),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "3\u202fh\u202f00", "03:00"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2\u202fh\u202f30", "02:30"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "2\u202fh\u202f30", "02:30"),
    ],
)
def test_a_time_is_that_of_paris(instant: datetime, fr: str, en: str) -> None:
    assert clock_time(instant) == fr
    assert clock_time(instant, "en") == en


def test_an_instant_without_a_time_zone_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="time zone"):
        clock_time(datetime(2026, 5, 4, 14, 2))  # noqa: DTZ001
