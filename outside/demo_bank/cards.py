"""The cards that the demo bank knows, and the reading of what a payer types; no number is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Fate(StrEnum):
    """What becomes of a payment by a test card."""

    CONFIRM = "confirm"
    CHALLENGE = "challenge"
    DECLINE = "card_declined"
    INSUFFICIENT = "insufficient_funds"
    TIME_OUT = "time_out"


FATES = {
    "4242424242424242": Fate.CONFIRM,
    "4000000000003220": Fate.CHALLENGE,
    "4000000000000002": Fate.DECLINE,
    "4000000000009995": Fate.INSUFFICIENT,
    "4000000000000119": Fate.TIME_OUT,
}


@dataclass(frozen=True)
class Card:
    """All that is kept of a card."""

    brand: str
    last4: str
    fate: Fate


@dataclass(frozen=True)
class Mistyped:
    """Which fields cannot be accepted: field name → the name of the message about it."""

    fields: Mapping[str, str]


def passes_luhn(digits: str) -> bool:
    """The check digit of a card number is right (ISO/IEC 7812)."""
    doubled = (int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits)))
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


def read_card(number: str, expiry: str, name: str, cvc: str, today: date) -> Card | Mistyped:
    """The card that was typed, or what is wrong with it, every field at once."""
    digits = re.sub(r"[\s\-]", "", number)
    wrong = {
        "number": _wrong_number(digits),
        "expiry": _wrong_expiry(expiry, today),
        "name": None if 1 <= len(name.strip()) <= 80 else "name_missing",
        "cvc": None if re.fullmatch(r"[0-9]{3}", cvc.strip()) else "cvc_wrong",
    }
    mistyped = {field: message for field, message in wrong.items() if message}
    if mistyped:
        return Mistyped(mistyped)
    return Card(brand="visa", last4=digits[-4:], fate=FATES[digits])


def _wrong_number(digits: str) -> str | None:
    if not re.fullmatch(r"[0-9]{12,19}", digits) or not passes_luhn(digits):
        return "number_wrong"
    return None if digits in FATES else "number_real"


def _wrong_expiry(expiry: str, today: date) -> str | None:
    typed = re.fullmatch(r"(0?[1-9]|1[0-2])\s*/?\s*(?:20)?([0-9]{2})", expiry.strip())
    if typed is None:
        return "expiry_wrong"
    month, year = int(typed[1]), 2000 + int(typed[2])
    return "expiry_past" if (year, month) < (today.year, today.month) else None
