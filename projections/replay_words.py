"""How is each part of a replayed state called, and its value said, in French and English?"""

from __future__ import annotations

from datetime import date

from domain.lease import Terms
from domain.period import Period
from domain.words import Language, euros, month_name, short_date
from projections.lease_then import LeaseThen
from projections.replay import Difference, Item, Part, Value
from projections.telling import KINDS

_PARTS: dict[Part, tuple[str, str]] = {
    "status": ("État", "Status"),
    "start_on": ("Entrée", "Starts on"),
    "ended_on": ("Dernier jour", "Last day"),
    "rent": ("Loyer", "Rent"),
    "charges": ("Charges", "Charges"),
    "benefit": ("APL", "Housing benefit"),
    "deposit": ("Dépôt de garantie", "Deposit"),
    "payment_term": ("Terme", "Payment term"),
    "due_day": ("Jour d'échéance", "Due day"),
    "tenants": ("Locataires", "Tenants"),
    "lots": ("Lots", "Lots"),
    "posting": ("Écriture", "Posting"),
    "debt": ("Reste dû", "Still open"),
    "payment": ("Paiement", "Payment"),
    "invoice": ("Facture", "Invoice"),
    "receipt": ("Reçu", "Receipt"),
    "booked": ("Solde inscrit", "Balance booked"),
    "confirmed": ("Solde confirmé", "Balance confirmed"),
    "settled": ("Solde vu en banque", "Balance settled"),
    "credit": ("Avance du locataire", "Tenant's credit"),
}
_SAID = {
    "to_come": ("à venir", "to come"),
    "running": ("en cours", "running"),
    "ended": ("terminé", "ended"),
    "advance": ("à échoir", "in advance"),
    "arrears": ("échu", "in arrears"),
    "initiated": ("demandé", "asked for"),
    "authenticating": ("en cours chez le prestataire", "under way at the provider"),
    "confirmed": ("confirmé", "confirmed"),
    "settled": ("vu en banque", "settled"),
    "failed": ("refusé", "failed"),
    "unknown": ("issue inconnue", "outcome unknown"),
    "quittance": ("quittance", "quittance"),
    "receipt": ("reçu", "part receipt"),
    "payment": ("paiement", "payment"),
}
_MONEY = frozenset[Part]({
    "rent", "charges", "benefit", "deposit", "posting", "debt", "invoice", "receipt", "booked",
    "confirmed", "settled", "credit",
})  # fmt: skip


def part_named(part: Part, language: Language) -> str:
    """What a part is called by itself."""
    return _PARTS[part][1 if language == "en" else 0]


def part_told(item: Item | Difference, language: Language) -> str:
    """What a part is called: `Reste dû : loyer, novembre 2026`, `Facture F-2026-000012`."""
    name = part_named(item.part, language)
    if item.part == "receipt" and item.kind == "quittance":
        name = "Quittance"
    if item.number is not None:
        return f"{name} {item.number}"
    which = which_told(item.kind, item.period, language)
    return f"{name}{':' if language == 'en' else ' :'} {which}" if which else name


def which_told(kind: str | None, period: str | None, language: Language) -> str:
    """What a line is about: `loyer, novembre 2026`."""
    which = [] if kind is None else [kind_told(kind, language)]
    if period is not None:
        which.append(month_name(Period.parse(period), language))
    return ", ".join(which)


def value_told(part: Part, value: Value, language: Language) -> str:
    """A value as a person reads it; nothing at all is a dash."""
    match value:
        case None | "":
            return "–"
        case date():
            return short_date(value)
        case int():
            return euros(value, language) if part in _MONEY else str(value)
        case str():
            return kind_told(value, language)


def kind_told(code: str, language: Language) -> str:
    """A kind or a state in words, or as it is if it has none."""
    said = _SAID.get(code) or KINDS.get(code)
    return code if said is None else said[1 if language == "en" else 0]


def terms_told(terms: Terms, language: Language) -> str:
    """Terms in one line."""
    rent, charges = euros(terms.rent_cents, language), euros(terms.charges_cents, language)
    term = kind_told(terms.payment_term, language)
    if language == "en":
        return f"rent {rent}, charges {charges}, {term}, due on day {terms.due_day}"
    return f"loyer {rent}, charges {charges}, {term}, échéance le {terms.due_day}"


def status_told(lease: LeaseThen, language: Language) -> str:
    """Where a lease stands on the date: `en cours depuis le 01/03/2024`."""
    start, status = short_date(lease.start_on), kind_told(lease.status, language)
    end = None if lease.ended_on is None else short_date(lease.ended_on)
    if language == "en":
        return f"{status}, from {start}" + (f" to {end}" if end else "")
    return f"{status}, depuis le {start}" + (f" jusqu'au {end}" if end else "")
