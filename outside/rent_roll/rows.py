"""What a rent roll says once read: its accepted rows, and the rejected ones with their reasons."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from datetime import date
from hashlib import blake2b
from typing import Literal

from outside.rent_roll.source import Encoding

LeaseKind = Literal["unfurnished", "furnished", "social", "garage"]
EnergyClass = Literal["A", "B", "C", "D", "E", "F", "G"]
ChargesMode = Literal["provision", "lump_sum"]
PaymentTerm = Literal["advance", "arrears"]
IndexQuarter = Literal["T1", "T2", "T3", "T4"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RentRollRow:
    """One lease as the agency's former software knew it.

    `line` is the physical line of the file, from 1. Amounts are cents. `balance_cents` is what
    the tenant owes on the roll's `balance_on`; negative when the agency owes the tenant.
    """

    line: int
    client_reference: str
    title: str
    last_name: str
    first_name: str
    born_on: date
    email: str | None
    phone: str | None
    lease_reference: str
    lot_reference: str
    lease_kind: LeaseKind
    address: str
    postcode: str
    city: str
    energy_class: EnergyClass | None
    entered_on: date
    left_on: date | None
    rent_cents: int
    charges_cents: int
    charges_mode: ChargesMode | None
    benefit_cents: int
    deposit_cents: int
    payment_term: PaymentTerm
    due_day: int
    index_quarter: IndexQuarter | None
    iban: str | None
    balance_cents: int

    def __repr__(self) -> str:
        """Without personal data, for a row ends up in logs and tracebacks."""
        return f"RentRollRow(line={self.line}, lease_reference={self.lease_reference!r})"

    def canonical(self) -> dict[str, str | int | None]:
        """What the row says, whatever its place and its typing: equal when nothing differs.

        Dates as YYYY-MM-DD; the line is left out; apostrophes are made one, the e-mail address
        lower case, the telephone number digits.
        """
        said: dict[str, str | int | None] = {}
        for name in _CANONICAL_FIELDS:
            value = getattr(self, name)
            if isinstance(value, date):
                value = value.isoformat()
            elif isinstance(value, str):
                value = value.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
            said[name] = value
        if self.email is not None:
            said["email"] = self.email.lower()
        if self.phone is not None:
            said["phone"] = "".join(c for c in self.phone if c in "+0123456789")
        return said


_CANONICAL_FIELDS = tuple(f.name for f in fields(RentRollRow) if f.name != "line")


def fingerprint(row: RentRollRow, key: bytes = b"") -> str:
    """64 hexadecimal digits, equal for two rows exactly when their canonical values are.

    Names and birth dates can be guessed from it: whoever keeps it outside the sealed fields
    passes a secret `key` of at most 64 bytes.
    """
    said = json.dumps(row.canonical(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return blake2b(said.encode(), digest_size=32, key=key).hexdigest()


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a row; `column` is the file's own name of it, or empty."""

    column: str
    reason: str = field(repr=False)
    reason_en: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row of which nothing is kept: its first fault in the order of columns, and the others."""

    line: int
    column: str
    reason: str = field(repr=False)
    reason_en: str = field(repr=False)
    cells: tuple[str, ...] = field(repr=False)
    also: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class RentRoll:
    """A file read to its end. `balance_on` is the day of the header « Solde au 31/10/2026 »."""

    rows: list[RentRollRow] = field(repr=False)
    rejected: list[Rejection] = field(repr=False)
    balance_on: date
    encoding: Encoding
    separator: str
    header: tuple[str, ...]
    ignored_columns: tuple[str, ...]
