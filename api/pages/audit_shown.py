"""How moments and states are laid out for the auditor's pages."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from domain.words import PARIS, Language, clock_time, euros, long_date, short_date
from projections.hindsight import Hindsight
from projections.replay import Difference, Part
from projections.replay_words import (
    part_named,
    part_told,
    status_told,
    terms_told,
    value_told,
    which_told,
)
from projections.story import Link, Moment

HUMAN = "token:"
SEALS = {
    "PaymentFailed": "cross",
    "PaymentUnbooked": "cross",
    "AllocationReversed": "cross",
    "PaymentOutcomeUnknown": "what",
    "PaymentChecked": "what",
    "PaymentInitiated": "empty",
    "AuthenticationRequired": "quarter",
    "TaskRaised": "what",
}
"""The seal of what is not simply done."""


class Shown(NamedTuple):
    """One moment on a timeline."""

    moment: Moment
    time: str
    seal: str
    effect: bool
    counts_on: str | None
    """When it takes effect, if that is another day than the one on which it was recorded."""


class Day(NamedTuple):
    """What was recorded on one day in Paris."""

    name: str
    moments: list[Shown]


def days(told: Sequence[Moment | Link], language: Language) -> list[Day]:
    """Moments by day; an effect whose cause is told before it hangs on an elbow."""
    known = {_moment(one).event_id for one in told}
    by_day = groupby(told, key=lambda one: _moment(one).recorded_at.astimezone(PARIS).date())
    return [
        Day(long_date(day, language), [_shown(one, known, language) for one in ones])
        for day, ones in by_day
    ]


def _moment(one: Moment | Link) -> Moment:
    return one.moment if isinstance(one, Link) else one


def _shown(one: Moment | Link, known: set[Any], language: Language) -> Shown:
    moment = _moment(one)
    local = moment.recorded_at.astimezone(PARIS)
    seal = SEALS.get(moment.name) or ("ring" if moment.actor.startswith(HUMAN) else "full")
    other_day = moment.effective_on != local.date()
    return Shown(
        moment,
        clock_time(local, language),
        seal,
        moment.causation_id in known,
        short_date(moment.effective_on) if other_day else None,
    )


class Row(NamedTuple):
    """One line of the comparison."""

    name: str
    before: str
    after: str
    because: list[Moment]


def two_states(seen: Hindsight, language: Language) -> dict[str, Any]:
    """What the page of two dates shows."""
    state, lease = seen.state, seen.state.lease
    first = seen.now.positions[0] if seen.now.positions else None
    lines = seen.lines or []
    account = state.account
    return {
        "reference": lease.reference if lease else None,
        "first": first,
        "status": status_told(lease, language) if lease else None,
        "terms": terms_told(lease.terms, language) if lease else None,
        "tenants": [f"{t.name}, {t.client_reference}" for t in state.tenants],
        "on": long_date(state.dates.as_of_on, language),
        "then": state.dates.position,
        "now": seen.now.dates.position,
        "entries": len(state.positions),
        "balances": _balances(seen, language),
        "changed": [_row(seen, line, language) for line in lines if not line.same],
        "same": [_row(seen, line, language) for line in lines if line.same],
        "open": [
            {
                "what": which_told(c.kind, c.period, language),
                "due": short_date(c.due_on),
                "open": euros(c.open_cents, language),
            }
            for c in account.open_charges
        ],
        "lines": [
            {
                "what": which_told(p.kind, p.period, language),
                "on": short_date(p.effective_on),
                "position": p.position,
                "debit": euros(p.debit_cents, language) if p.debit_cents else "",
                "credit": euros(p.credit_cents, language) if p.credit_cents else "",
            }
            for p in account.postings
        ],
    }


def _balances(seen: Hindsight, language: Language) -> list[tuple[str, str]]:
    account = seen.state.account
    balances: tuple[tuple[Part, int], ...] = (
        ("booked", account.booked_cents), ("confirmed", account.confirmed_cents),
        ("settled", account.settled_cents), ("credit", account.credit_cents),
    )  # fmt: skip
    return [(part_named(part, language), euros(cents, language)) for part, cents in balances]


def _row(seen: Hindsight, line: Difference, language: Language) -> Row:
    return Row(
        part_told(line, language),
        value_told(line.part, line.before, language),
        value_told(line.part, line.after, language),
        [seen.because[position] for position in line.positions],
    )
