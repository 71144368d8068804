"""What did later knowledge change of a lease's state on a date, and which entries brought it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from domain.lease import Terms
from domain.words import Language
from projections.account import PostingRow
from projections.invoices import InvoiceRow
from projections.payments import PaymentRow
from projections.receipts import ReceiptRow
from projections.replay import (
    Difference,
    Part,
    Replayed,
    TenantThen,
    Value,
    compared,
    entries_of_lease,
    replayed,
)
from projections.replay_words import part_told, value_told
from projections.story import Moment, Reader, at, moments
from projections.two_dates import KnownAt, told, two_dates


@dataclass(frozen=True, slots=True)
class Hindsight:
    """A state as it was known then, the same date as it is known now, and what lies between."""

    state: Replayed
    now: Replayed
    lines: list[Difference] | None
    """Every part of the state beside what it is now; None when nobody asked."""
    because: Mapping[int, Moment]
    """The entries that the differences name, by position."""

    @property
    def differences(self) -> list[Difference] | None:
        """What is otherwise now."""
        return None if self.lines is None else [line for line in self.lines if not line.same]


def hindsight(
    reader: Reader,
    lease_id: UUID,
    as_of: date | None,
    known_at: KnownAt | None,
    now: datetime,
    *,
    diff: bool,
    shown: int | None = None,
) -> Hindsight:
    """Replay a lease at two dates. Raises what `two_dates` raises."""
    connection, journal, agency = reader.connection, reader.journal, reader.agency
    dates = two_dates(connection, agency, as_of, known_at, now, shown)
    latest = replace(two_dates(connection, agency, None, None, now, shown), as_of_on=dates.as_of_on)
    entries = entries_of_lease(connection, journal, agency, lease_id, latest.position)
    state, today = replayed(entries, lease_id, dates), replayed(entries, lease_id, latest)
    if not diff:
        return Hindsight(state, today, None, {})
    lines = compared(entries, state, today)
    positions = sorted({position for line in lines for position in line.positions})
    because = {m.position: m for m in moments(reader, at(reader, positions))}
    return Hindsight(state, today, lines, because)


class DatesAnswer(BaseModel):
    """The two dates, as they were understood."""

    as_of_on: date
    known_position: int
    """The lasting way to say *known at*: asked again with it, the answer is the same for ever."""
    known_recorded_at: datetime
    """When the entry at that position was recorded."""
    told: str


class LeaseAnswer(BaseModel):
    """A lease on the date."""

    lease_id: UUID
    reference: str
    status: str
    start_on: date
    ended_on: date | None
    terms: Terms
    terms_from_on: date
    tenants: list[TenantThen]
    lot_ids: list[UUID]
    made_by: dict[str, int]


class ChargeAnswer(BaseModel):
    charge: int
    kind: str
    period: str | None
    amount_cents: int
    paid_cents: int
    open_cents: int
    due_on: date
    invoice_id: UUID | None
    positions: list[int]


class AccountAnswer(BaseModel):
    """The account on the date, in its true states; positive when the tenant owes."""

    booked_cents: int
    confirmed_cents: int
    settled_cents: int
    credit_cents: int
    open_charges: list[ChargeAnswer]
    postings: list[PostingRow]


class DifferenceAnswer(BaseModel):
    """What later knowledge changed, in words and in values, and the entries that did it."""

    part: Part
    told: str
    kind: str | None
    period: str | None
    number: str | None
    before: Value
    after: Value
    before_told: str
    after_told: str
    because: list[Moment]


class ReplayAnswer(BaseModel):
    """A lease as it was true on one date and known at another."""

    dates: DatesAnswer
    lease: LeaseAnswer | None
    """Null when nothing was known of it by then."""
    first_known_position: int | None
    """Where the journal mentions the lease first."""
    account: AccountAnswer
    payments: list[PaymentRow]
    invoices: list[InvoiceRow]
    receipts: list[ReceiptRow]
    entries: list[int]
    """The positions of all entries that were known of this lease."""
    compared_with_position: int | None = None
    differences: list[DifferenceAnswer] | None = None
    """Null when nobody asked for them."""


def as_answer(found: Hindsight, language: Language) -> ReplayAnswer:
    """The replay as it is sent to a program."""
    state = found.state
    differences = found.differences
    dates = DatesAnswer(
        as_of_on=state.dates.as_of_on,
        known_position=state.dates.position,
        known_recorded_at=state.dates.recorded_at,
        told=told(state.dates, language),
    )
    return ReplayAnswer(
        dates=dates,
        lease=_lease(state),
        first_known_position=found.now.positions[0] if found.now.positions else None,
        account=_account(state),
        payments=list(state.payments),
        invoices=list(state.invoices),
        receipts=list(state.receipts),
        entries=list(state.positions),
        compared_with_position=found.now.dates.position if differences is not None else None,
        differences=None
        if differences is None
        else [_difference(found, difference, language) for difference in differences],
    )


def _lease(state: Replayed) -> LeaseAnswer | None:
    lease = state.lease
    if lease is None:
        return None
    same: dict[str, Any] = {
        name: getattr(lease, name)
        for name in (
            "lease_id", "reference", "status", "start_on", "ended_on", "terms", "terms_from_on",
            "made_by",
        )
    }  # fmt: skip
    return LeaseAnswer(tenants=list(state.tenants), lot_ids=list(lease.lot_ids), **same)


def _account(state: Replayed) -> AccountAnswer:
    account = state.account
    charges = [
        ChargeAnswer(
            charge=c.charge, kind=c.kind, period=c.period, amount_cents=c.amount_cents,
            paid_cents=c.paid_cents, open_cents=c.open_cents, due_on=c.due_on,
            invoice_id=c.invoice_id, positions=list(c.positions),
        )
        for c in account.open_charges
    ]  # fmt: skip
    return AccountAnswer(
        booked_cents=account.booked_cents,
        confirmed_cents=account.confirmed_cents,
        settled_cents=account.settled_cents,
        credit_cents=account.credit_cents,
        open_charges=charges,
        postings=list(account.postings),
    )


def _difference(found: Hindsight, d: Difference, language: Language) -> DifferenceAnswer:
    return DifferenceAnswer(
        part=d.part,
        told=part_told(d, language),
        kind=d.kind,
        period=d.period,
        number=d.number,
        before=d.before,
        after=d.after,
        before_told=value_told(d.part, d.before, language),
        after_told=value_told(d.part, d.after, language),
        because=[found.because[position] for position in d.positions],
    )
