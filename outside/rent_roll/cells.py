"""What one cell says: each reader takes the text of a cell and gives its value, or says why not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import TypeVar
from unicodedata import combining, is_normalized, normalize

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

T = TypeVar("T")
Reader = Callable[[str], object]

REMEMBERED = 8192
"""How many readings of dates and amounts are kept: one roll repeats them, and parsing is slow."""

MAX_TEXT_CHARS = 200
MAX_REFERENCE_CHARS = 40
MAX_QUOTED_CHARS = 60


class Unreadable(ValueError):
    """A cell that does not say what its column is for; the reason in French and in English."""

    def __init__(self, fr: str, en: str) -> None:
        super().__init__(fr)
        self.fr, self.en = fr, en


def simplified(text: str) -> str:
    """Letters and digits alone, without case or accents: « Né(e) le » is `neele`."""
    return "".join(
        c for c in normalize("NFKD", text.casefold()) if c.isalnum() and not combining(c)
    )


def quoted(cell: str) -> tuple[str, str]:
    """The cell as a reason shows it, in French and English marks: short, on one line, visible."""
    shown = " ".join(cell.split())
    if len(shown) > MAX_QUOTED_CHARS:
        shown = shown[: MAX_QUOTED_CHARS - 1] + "…"
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown)
    return f"«\N{NO-BREAK SPACE}{shown}\N{NO-BREAK SPACE}»", f"“{shown}”"


def _not(cell: str, fr: str, en: str) -> Unreadable:
    fr_cell, en_cell = quoted(cell)
    return Unreadable(f"{fr_cell} {fr}", f"{en_cell} {en}")


def _empty(fr: str, en: str) -> Unreadable:
    return Unreadable(
        f"La cellule est vide ; attendu : {fr}.", f"The cell is empty; expected: {en}."
    )


def text(cell: str, limit_chars: int = MAX_TEXT_CHARS) -> str:
    """The words of a cell, one space between two, in composed Unicode (NFC)."""
    cleaned = " ".join(cell.split())
    if not cleaned.isascii():
        if not is_normalized("NFC", cleaned):
            cleaned = normalize("NFC", cleaned)
        if "\N{REPLACEMENT CHARACTER}" in cleaned:
            raise _not(
                cell,
                "contient un caractère perdu lors d'une conversion : retapez-le.",
                "holds a character that was lost in a conversion: type it again.",
            )
    if not cleaned.isprintable():
        raise _not(
            cell,
            "contient un caractère invisible : retapez la cellule.",
            "holds an invisible character: type the cell again.",
        )
    if len(cleaned) > limit_chars:
        raise _not(
            cell,
            f"est trop long : {limit_chars} caractères au plus sont attendus.",
            f"is too long: {limit_chars} characters at most are expected.",
        )
    return cleaned


def words(fr: str, en: str, limit_chars: int = MAX_TEXT_CHARS) -> Callable[[str], str]:
    """A reader of text that must not be empty; `fr` and `en` name what is expected."""

    def read(cell: str) -> str:
        cleaned = text(cell, limit_chars)
        if not cleaned:
            raise _empty(fr, en)
        return cleaned

    return read


def or_nothing(read: Callable[[str], T]) -> Callable[[str], T | None]:
    """A reader that takes an empty cell as nothing."""

    def read_or_nothing(cell: str) -> T | None:
        return read(cell) if cell and not cell.isspace() else None

    return read_or_nothing


def one_of(meanings: Mapping[str, str], fr: str, en: str) -> Callable[[str], str]:
    """A reader of a small vocabulary, blind to case, accents and spaces."""
    known = {simplified(word): meaning for word, meaning in meanings.items()}

    @lru_cache(256)
    def read(cell: str) -> str:
        meaning = known.get(simplified(cell))
        if meaning is not None:
            return meaning
        if not cell.strip():
            raise _empty(fr, en)
        raise _not(cell, f"n'est pas reconnu ; attendu : {fr}.", f"is unknown; expected: {en}.")

    return read


_DATE = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")


@lru_cache(REMEMBERED)
def french_date(cell: str) -> date:
    """A day that exists, as JJ/MM/AAAA, from 1900 to 2100."""
    written = cell.strip()
    if not written:
        raise _empty("une date JJ/MM/AAAA", "a date DD/MM/YYYY")
    parts = _DATE.fullmatch(written)
    if parts is None:
        raise _not(
            cell,
            "n'est pas une date au format JJ/MM/AAAA, par exemple 05/11/2026.",
            "is not a date as DD/MM/YYYY, for example 05/11/2026.",
        )
    day, month, year = map(int, parts.groups())
    if not 1900 <= year <= 2100:
        raise _not(
            cell,
            "est hors des années 1900 à 2100 : vérifiez l'année.",
            "is outside the years 1900 to 2100: check the year.",
        )
    try:
        return date(year, month, day)
    except ValueError as absent:
        raise _not(
            cell,
            "n'existe pas au calendrier : un jour réel est attendu (JJ/MM/AAAA).",
            "is not in the calendar: a real day is expected (DD/MM/YYYY).",
        ) from absent


_AMOUNT = re.compile(
    r"([-\N{MINUS SIGN}]?) ?([0-9]{1,12}|[0-9]{1,3}(?: [0-9]{3}){1,3})(?:,([0-9]{1,2}))?(?: ?€)?"
)
_MORE_DECIMALS = re.compile(r".*[0-9],[0-9]{3,}(?: ?€)?")


def in_euros(cents: int) -> str:
    """An amount as a rent roll writes it: 1 234,56 (narrow no-break space), -61,00."""
    euros, rest = divmod(abs(cents), 100)
    grouped = f"{euros:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{'-' if cents < 0 else ''}{grouped},{rest:02}"


def amount(ceiling_cents: int, signed: bool = False) -> Callable[[str], int]:
    """A reader of euros into cents: 1 951,02 €; at most two decimals, negative only if `signed`."""

    @lru_cache(REMEMBERED)
    def read(cell: str) -> int:
        parts = _AMOUNT.fullmatch(" ".join(cell.split()))
        if parts is None:
            raise _no_amount(cell)
        sign, euros, rest = parts.groups()
        cents = int(euros.replace(" ", "")) * 100
        if rest:
            cents += int(rest) if len(rest) == 2 else int(rest) * 10
        if cents > ceiling_cents:
            raise _not(
                cell,
                f"dépasse le plafond de {in_euros(ceiling_cents)} € : vérifiez le montant.",
                f"exceeds the ceiling of {in_euros(ceiling_cents)} €: check the amount.",
            )
        if sign and cents and not signed:
            raise _not(
                cell,
                "est négatif : un montant positif ou nul est attendu.",
                "is negative: an amount of zero or more is expected.",
            )
        return -cents if sign else cents

    return read


def _no_amount(cell: str) -> Unreadable:
    if not cell.strip():
        return _empty("un montant (0,00 s'il n'y en a pas)", "an amount (0,00 if there is none)")
    if _MORE_DECIMALS.fullmatch(" ".join(cell.split())):
        return _not(
            cell,
            "a plus de deux décimales : un montant en euros et centimes est attendu.",
            "has more than two decimals: an amount in euros and cents is expected.",
        )
    return _not(
        cell,
        "n'est pas un montant : des chiffres, une virgule et deux décimales sont attendus, "
        "par exemple 1234,56.",
        "is not an amount: digits, a comma and two decimals are expected, for example 1234,56.",
    )


_DAY = re.compile(r"0?[1-9]|[12][0-9]|3[01]")


@lru_cache(256)
def day_of_month(cell: str) -> int:
    """A day from 1 to 31."""
    written = cell.strip()
    if not written:
        raise _empty("un jour du mois, de 1 à 31", "a day of the month, 1 to 31")
    if not _DAY.fullmatch(written):
        raise _not(
            cell,
            "n'est pas un jour du mois : un nombre de 1 à 31 est attendu.",
            "is not a day of the month: a number from 1 to 31 is expected.",
        )
    return int(written)


_POSTCODE = re.compile(r"[0-9]{5}")


@lru_cache(REMEMBERED)
def postcode(cell: str) -> str:
    """A French postcode: five digits, the leading zero included."""
    written = "".join(cell.split())
    if not written:
        raise _empty("un code postal à cinq chiffres", "a postcode of five digits")
    if not _POSTCODE.fullmatch(written):
        raise _not(
            cell,
            "n'est pas un code postal : cinq chiffres sont attendus, zéro initial compris.",
            "is not a postcode: five digits are expected, the leading zero included.",
        )
    return written


_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]")


def email(cell: str) -> str:
    """An e-mail address by its syntax alone; nobody is asked whether it exists."""
    written = cell.strip()
    at = written.find("@")
    if len(written) > 254 or at > 64 or not _EMAIL.fullmatch(written):
        raise _not(
            cell,
            "n'est pas une adresse électronique : nom@domaine.fr est attendu, ou rien.",
            "is not an e-mail address: name@domain.fr is expected, or nothing.",
        )
    return written


_PHONE = re.compile(r"\+?[0-9 ().-]+")


def phone(cell: str) -> str:
    """One telephone number of 6 to 15 digits, as written."""
    written = " ".join(cell.split())
    if not _PHONE.fullmatch(written) or not 6 <= sum(map(str.isdigit, written)) <= 15:
        raise _not(
            cell,
            "n'est pas un numéro de téléphone : un seul numéro est attendu, ou rien.",
            "is not a telephone number: a single number is expected, or nothing.",
        )
    return written


_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{10,30}")


def iban(cell: str) -> str:
    """An IBAN without spaces, its country's length and check digits verified."""
    written = "".join(cell.split()).upper()
    if not _IBAN.fullmatch(written):
        raise _no_iban(cell)
    try:
        IBAN(written)
    except SchwiftyException as invalid:
        raise _no_iban(cell) from invalid
    return written


def _no_iban(cell: str) -> Unreadable:
    return _not(
        cell,
        "n'est pas un IBAN valide : vérifiez-le caractère par caractère avec le RIB.",
        "is not a valid IBAN: check it character by character against the bank's document.",
    )
