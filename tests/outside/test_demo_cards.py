"""The demo bank's cards, amounts and languages, without its HTTP."""

from __future__ import annotations

import pytest

from outside.demo_bank.cards import FATES, passes_luhn
from outside.demo_bank.words import WORDS, amount, language_of


def test_every_test_card_passes_luhn_and_no_neighbour_does() -> None:
    assert all(passes_luhn(number) for number in FATES)
    assert not any(passes_luhn(str(int(number) + 1)) for number in FATES)


def test_amounts_are_written_as_each_language_does() -> None:
    assert amount(123456750, "fr") == "1\u202f234\u202f567,50\u00a0€"
    assert amount(5, "en") == "€0.05"


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "fr"), ("de", "fr"), ("en", "en"), ("fr;q=0.5,en-US;q=0.8", "en"), ("en;q=x,fr", "fr")],
)
def test_french_comes_first(header: str, language: str) -> None:
    assert language_of(header, "fr") == language


def test_both_languages_say_the_same_things() -> None:
    assert WORDS["fr"].keys() == WORDS["en"].keys()
