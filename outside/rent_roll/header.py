"""The header of a rent roll: which column is where, which separator, the day of the balances."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from outside.rent_roll.cells import (
    MAX_REFERENCE_CHARS,
    Reader,
    Unreadable,
    amount,
    day_of_month,
    email,
    french_date,
    iban,
    one_of,
    or_nothing,
    phone,
    postcode,
    quoted,
    simplified,
    words,
)
from outside.rent_roll.records import records
from outside.rent_roll.source import Encoding, UnreadableFile

LINE_COLUMN = "Ligne"
REASON_COLUMN = "Motif du rejet"
SEPARATORS = (";", ",", "\t")

_MONTHLY_CEILING_CENTS = 100_000_00
_DEPOSIT_CEILING_CENTS = 1_000_000_00
_BALANCE_CEILING_CENTS = 10_000_000_00

_KINDS = {
    "logement vide": "unfurnished",
    "logement meublé": "furnished",
    "logement social": "social",
    "garage": "garage",
}
_CLASSES = {letter: letter for letter in "ABCDEFG"}
_QUARTERS = {quarter: quarter for quarter in ("T1", "T2", "T3", "T4")}
_none_or_amount = or_nothing(amount(_MONTHLY_CEILING_CENTS))


def _benefit(cell: str) -> int:
    """An empty APL is no APL; every other amount is stated, were it 0,00."""
    return _none_or_amount(cell) or 0


class Column(NamedTuple):
    """A column of the roll: the field it fills, its name as published, how its cells read."""

    field: str
    name: str
    read: Reader


def _reference(fr: str, en: str) -> Reader:
    return words(fr, en, MAX_REFERENCE_CHARS)


COLUMNS = (
    Column(
        "client_reference",
        "Réf. client",
        _reference("une référence de client", "a client's reference"),
    ),
    Column("title", "Civilité", words("une civilité (M., Mme)", "a title (M., Mme)")),
    Column("last_name", "Nom", words("un nom", "a last name")),
    Column("first_name", "Prénom", words("un prénom", "a first name")),
    Column("born_on", "Né(e) le", french_date),
    Column("email", "E-mail", or_nothing(email)),
    Column("phone", "Téléphone", or_nothing(phone)),
    Column(
        "lease_reference", "Réf. bail", _reference("une référence de bail", "a lease's reference")
    ),
    Column("lot_reference", "N° lot", _reference("un numéro de lot", "a lot's number")),
    Column("lease_kind", "Nature", one_of(_KINDS, ", ".join(_KINDS), ", ".join(_KINDS))),
    Column("address", "Adresse", words("une adresse", "an address")),
    Column("postcode", "CP", postcode),
    Column("city", "Ville", words("une ville", "a city")),
    Column(
        "energy_class",
        "Classe DPE",
        or_nothing(one_of(_CLASSES, "une lettre de A à G, ou rien", "a letter A to G, or nothing")),
    ),
    Column("entered_on", "Date d'entrée", french_date),
    Column("left_on", "Date de sortie", or_nothing(french_date)),
    Column("rent_cents", "Loyer HC", amount(_MONTHLY_CEILING_CENTS)),
    Column("charges_cents", "Charges", amount(_MONTHLY_CEILING_CENTS)),
    Column(
        "charges_mode",
        "Mode charges",
        or_nothing(
            one_of(
                {"provision": "provision", "forfait": "lump_sum"},
                "provision ou forfait",
                "provision or forfait (lump sum)",
            )
        ),
    ),
    Column("benefit_cents", "APL", _benefit),
    Column("deposit_cents", "Dépôt de garantie", amount(_DEPOSIT_CEILING_CENTS)),
    Column(
        "payment_term",
        "Terme",
        one_of(
            {"à échoir": "advance", "échu": "arrears"},
            "à échoir ou échu",
            "à échoir (in advance) or échu (in arrears)",
        ),
    ),
    Column("due_day", "Jour d'échéance", day_of_month),
    Column(
        "index_quarter",
        "Trimestre IRL",
        or_nothing(one_of(_QUARTERS, "T1, T2, T3 ou T4, ou rien", "T1, T2, T3 or T4, or nothing")),
    ),
    Column("iban", "IBAN", or_nothing(iban)),
    Column("balance_cents", "Solde au", amount(_BALANCE_CEILING_CENTS, signed=True)),
)
_BY_NAME = {simplified(column.name): column for column in COLUMNS}
_OWN_COLUMNS = {simplified(LINE_COLUMN), simplified(REASON_COLUMN)}
_BALANCE = re.compile(r"solde\s+au\b\s*(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Header:
    """Where everything is. `places` are (index of the cell, field, reader) in the file's order."""

    names: tuple[str, ...]
    separator: str
    places: tuple[tuple[int, str, Reader], ...]
    balance_on: date
    ignored_columns: tuple[str, ...]

    def name_of(self, field: str) -> str:
        """The file's own name of the column that fills `field`."""
        return next(self.names[index] for index, filled, _ in self.places if filled == field)


def is_own_column(name: str) -> bool:
    """Whether the column is one that Quittance adds to a file of rejected rows."""
    return simplified(name) in _OWN_COLUMNS


def _column_named(name: str) -> Column | None:
    if _BALANCE.fullmatch(name.strip()):
        return _BY_NAME["soldeau"]
    return _BY_NAME.get(simplified(name))


def read_header(text: str, encoding: Encoding) -> Header:
    """The first row that is not blank, by the separator under which most columns are known."""
    candidates = []
    for separator in SEPARATORS:
        first = next(records(text, separator), None)
        names = tuple(" ".join(name.split()) for name in first.cells) if first else ()
        found = [(i, c) for i, name in enumerate(names) if (c := _column_named(name)) is not None]
        candidates.append((len(found), separator, names, found))
    count, separator, names, known = max(candidates, key=lambda candidate: candidate[0])
    if count == 0:
        raise UnreadableFile(
            "Ce fichier n'est pas un état locatif en CSV : sa première ligne ne porte aucun des "
            "titres attendus (« Réf. bail », « Loyer HC », « Solde au JJ/MM/AAAA »…).",
            "This file is not a rent roll in CSV: its first line has none of the expected "
            "headings (“Réf. bail”, “Loyer HC”, “Solde au JJ/MM/AAAA”…).",
        )
    _refuse_missing({column.field for _, column in known}, encoding)
    _refuse_repeated([column.field for _, column in known])
    balance = next(names[i] for i, column in known if column.field == "balance_cents")
    known_at = {index for index, _ in known}
    ignored = (n for i, n in enumerate(names) if i not in known_at and n and not is_own_column(n))
    places = tuple((index, column.field, column.read) for index, column in known)
    return Header(names, separator, places, _balance_on(balance), tuple(ignored))


def _refuse_missing(present: set[str], encoding: Encoding) -> None:
    missing = [column for column in COLUMNS if column.field not in present]
    if not missing:
        return
    shown = [f"{c.name} JJ/MM/AAAA" if c.field == "balance_cents" else c.name for c in missing]
    hint_fr = hint_en = ""
    if encoding == "cp1252":
        hint_fr = " Si les accents du fichier sont illisibles, enregistrez-le en « CSV UTF-8 »."
        hint_en = " If the accents in the file are garbled, save it as “CSV UTF-8”."
    raise UnreadableFile(
        f"Il manque des colonnes : {_list(f'« {name} »' for name in shown)}.{hint_fr}",
        f"Columns are missing: {_list(f'“{name}”' for name in shown)}.{hint_en}",
    )


def _refuse_repeated(filled: list[str]) -> None:
    twice = [c.name for c in COLUMNS if filled.count(c.field) > 1]
    if twice:
        raise UnreadableFile(
            f"Des colonnes figurent deux fois : {_list(f'« {name} »' for name in twice)}. "
            "Gardez-en une seule.",
            f"Columns appear twice: {_list(f'“{name}”' for name in twice)}. Keep only one.",
        )


def _balance_on(name: str) -> date:
    written = _BALANCE.fullmatch(name)
    try:
        return french_date(written[1] if written else "")
    except Unreadable as wrong:
        fr_name, en_name = quoted(name)
        raise UnreadableFile(
            f"Le titre {fr_name} ne dit pas le jour des soldes : « Solde au 31/10/2026 », "
            "par exemple, est attendu.",
            f"The heading {en_name} does not say the day of the balances: "
            "“Solde au 31/10/2026”, for example, is expected.",
        ) from wrong


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
