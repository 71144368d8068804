"""What the page of a payment says in each state of it, and by which template."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from api.pages import moment
from api.pages.paid import Facts, Line, paid_for, to_pay_for
from api.pages.words import WORDS
from domain.payment import PaymentState
from domain.words import Language, euros, long_date
from journal.journal import Journal
from projections.balances import account
from projections.freshness import Freshness, freshness
from projections.payments import LOOKS_AFTER, PaymentRow

LATE_AFTER_SECONDS = 60.0
"""From then on a balance says of which minute it is; before that, it is of this one."""
BRANDS = {"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express", "cb": "CB"}


@dataclass(frozen=True, slots=True)
class Case:
    """A payment, and where to learn what its page needs besides."""

    agency: UUID
    row: PaymentRow
    facts: Facts
    language: Language
    now: datetime
    journal: Journal
    connection: Connection[Any]


Told = tuple[str, dict[str, object]]


def told(case: Case) -> Told:
    """The template for a payment as it stands, and what it shows."""
    return _BY_STATE[PaymentState(case.row.state)](case)


def _summary(case: Case) -> Told:
    return "summary.html", {"paid_for": _to_pay_for(case)}


def _unfinished(_case: Case) -> Told:
    return "unfinished.html", {}


def _failed(case: Case) -> Told:
    words = WORDS[case.language]
    reason = words.get(f"failed_{case.row.failure_code}", words["failed_otherwise"])
    return "failed.html", {"paid_for": _to_pay_for(case), "reason": reason}


def _unknown(case: Case) -> Told:
    since_at, next_at = case.row.unknown_since_at, case.row.next_check_at
    assert since_at is not None
    return "unknown.html", {
        "since": moment(since_at, case.language),
        "deadline": moment(since_at + LOOKS_AFTER[-1], case.language),
        "asking": next_at is not None,
        "next": moment(next_at, case.language) if next_at and next_at > case.now else None,
        "reference": str(case.row.payment_id),
    }


def _ticket(case: Case) -> Told:
    row, facts, language = case.row, case.facts, case.language
    assert row.confirmed_at is not None
    assert facts.counted_at is not None
    return "ticket.html", {
        "number": row.ticket_number,
        "means": _means(facts, language),
        "paid_for": paid_for(case.connection, case.journal, case.agency, row, language),
        "confirmed_at": moment(row.confirmed_at, language),
        "counted_at": moment(facts.counted_at, language),
        "received_on": facts.received_on and long_date(facts.received_on, language),
        **_balance(case),
    }


def _to_pay_for(case: Case) -> list[Line]:
    return to_pay_for(case.connection, case.agency, case.facts, case.language)


def _means(facts: Facts, language: Language) -> str:
    words, brand = WORDS[language], BRANDS.get(facts.brand or "")
    if facts.last4 is None:
        return words["card"]
    if brand is None:
        return words["card_ending"].format(last4=facts.last4)
    return words["card_named"].format(brand=brand, last4=facts.last4)


def _balance(case: Case) -> dict[str, object]:
    """The balance in words with its age; none from an account that is being checked."""
    fresh = freshness(case.connection, case.agency, "balances")
    if fresh.stopped:
        return {"confirmed": None, "booked": None, "age": None, "late": False, "clear": False}
    owed = account(case.connection, case.agency, case.row.lease_id)
    late = fresh.lag_seconds >= LATE_AFTER_SECONDS
    return {
        "confirmed": _owed(owed.confirmed_cents, case.language),
        "booked": _owed(owed.booked_cents, case.language),
        "age": _age(case, fresh, late=late, whole=owed.confirmed_cents == owed.booked_cents),
        "late": late,
        "clear": owed.confirmed_cents <= 0 and not late,
    }


def _owed(cents: int, language: Language) -> str:
    """A balance as a tenant reads it: never a bare minus."""
    words = WORDS[language]
    if cents == 0:
        return words["nothing_left"]
    return words["left" if cents > 0 else "advance"].format(amount=euros(abs(cents), language))


def _age(case: Case, fresh: Freshness, *, late: bool, whole: bool) -> str:
    words = WORDS[case.language]
    if late:
        return words["stale"].format(at=moment(fresh.as_of, case.language))
    said = words["all_counted" if whole else "up_to_date"]
    return said.format(at=moment(case.now, case.language))


_BY_STATE: dict[PaymentState, Callable[[Case], Told]] = {
    PaymentState.INITIATED: _summary,
    PaymentState.AUTHENTICATING: _unfinished,
    PaymentState.CONFIRMED: _ticket,
    PaymentState.SETTLED: _ticket,
    PaymentState.FAILED: _failed,
    PaymentState.UNKNOWN: _unknown,
}
