"""A lease: signed, amended from a date on, ended; tells what each of its months costs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple, assert_never
from uuid import UUID

from aggregates import Aggregate
from domain import Refused, Value
from domain.invoice import Line, LineKind
from domain.lease import LeaseAmended, LeaseEnded, LeaseEvent, LeaseSigned, Tenant, Terms
from domain.money import share_of_month
from domain.period import Period


class EndsBeforeItStarts(Refused):
    """A lease runs at least one day."""


class Bill(NamedTuple):
    """What a lease asks for one period."""

    lines: tuple[Line, ...]
    benefit_cents: int
    """Housing benefit deducted, never more than the lines."""
    benefit_surplus_cents: int
    due_on: date

    @property
    def total_cents(self) -> int:
        return sum(line.amount_cents for line in self.lines)


class Reading(Value):
    """All that a lease says, apart from its reference."""

    lot_ids: tuple[UUID, ...]
    tenants: tuple[Tenant, ...]
    start_on: date
    ended_on: date | None
    terms: Terms


class Lease(Aggregate):
    kind = "lease"

    reference: str = ""
    reading: Reading
    """How the lease reads now."""
    taken_over_on: date | None = None
    terms_from: tuple[tuple[date, Terms], ...] = ()
    """The terms and the day each is in force from, oldest first."""

    def sign(self, reference: str, reading: Reading, taken_over_on: date | None) -> None:
        _refuse_backwards(reading)
        self.trigger_event(
            LeaseSigned,
            lease_id=self.id,
            reference=reference,
            lot_ids=reading.lot_ids,
            tenants=reading.tenants,
            start_on=reading.start_on,
            terms=reading.terms,
            taken_over_on=taken_over_on,
        )
        if reading.ended_on is not None:
            self.end(reading.ended_on)

    def amend(self, reading: Reading, effective_on: date, reason: str) -> None:
        """The lease reads so from `effective_on` on; what was billed stays as it is."""
        _refuse_backwards(reading)
        if reading != self.reading:
            self.trigger_event(
                LeaseAmended,
                lease_id=self.id,
                effective_on=effective_on,
                reason=reason,
                **reading.__dict__,
            )

    def end(self, ended_on: date) -> None:
        if self.reading.ended_on != ended_on:
            self.trigger_event(LeaseEnded, lease_id=self.id, ended_on=ended_on)

    def runs_in(self, period: Period) -> bool:
        ended_on = self.reading.ended_on
        return self.reading.start_on <= period.last_on and (
            ended_on is None or ended_on >= period.first_on
        )

    def bill(self, period: Period) -> Bill | None:
        """The lines of a period by the days that the lease runs; None if it does not run.

        Partial months by real days, rounded down for each line (rule C6). Housing benefit is
        deducted for whole months only, never below zero; what exceeds is due to the tenant.
        """
        if not self.runs_in(period):
            return None
        first_on = max(self.reading.start_on, period.first_on)
        last_on = min(self.reading.ended_on or period.last_on, period.last_on)
        lines = tuple(self._lines(first_on, last_on))
        terms = self._terms_on(last_on)
        whole = (first_on, last_on) == (period.first_on, period.last_on)
        benefit = terms.benefit_cents if whole else 0
        deducted = min(benefit, sum(line.amount_cents for line in lines))
        # Nobody owes rent before the day they move in.
        due_on = max(terms.due_on(period), first_on)
        return Bill(lines, deducted, benefit - deducted, due_on)

    def _lines(self, first_on: date, last_on: date) -> list[Line]:
        asked: tuple[tuple[LineKind, Callable[[Terms], int]], ...] = (
            ("rent", lambda terms: terms.rent_cents),
            ("charges", lambda terms: terms.charges_cents),
        )
        return [
            Line(kind=kind, first_on=from_on, last_on=to_on, amount_cents=amount)
            for kind, monthly in asked
            for cents, from_on, to_on in self._stretches(monthly, first_on, last_on)
            if (amount := share_of_month(cents, from_on, to_on))
        ]

    def _stretches(
        self, monthly: Callable[[Terms], int], first_on: date, last_on: date
    ) -> list[tuple[int, date, date]]:
        """The days from first to last, split where this amount changes.

        Not where other terms do: each line is rounded down, so a needless line loses a cent.
        """
        starts = [(monthly(self._terms_on(first_on)), first_on)]
        for on, terms in self.terms_from:
            if first_on < on <= last_on and monthly(terms) != starts[-1][0]:
                starts.append((monthly(terms), on))
        ends = [start - timedelta(days=1) for _, start in starts[1:]] + [last_on]
        return [(cents, start, end) for (cents, start), end in zip(starts, ends, strict=True)]

    def _terms_on(self, day: date) -> Terms:
        in_force = self.terms_from[0][1]
        for from_on, terms in self.terms_from:
            if from_on <= day:
                in_force = terms
        return in_force

    def evolve(self, event: LeaseEvent) -> None:
        match event:
            case LeaseSigned():
                self.reference = event.reference
                self.taken_over_on = event.taken_over_on
                self.reading = Reading(
                    lot_ids=event.lot_ids,
                    tenants=event.tenants,
                    start_on=event.start_on,
                    ended_on=None,
                    terms=event.terms,
                )
                self.terms_from = ((event.start_on, event.terms),)
            case LeaseAmended():
                self.reading = Reading(
                    lot_ids=event.lot_ids,
                    tenants=event.tenants,
                    start_on=event.start_on,
                    ended_on=event.ended_on,
                    terms=event.terms,
                )
                if event.terms != self.terms_from[-1][1]:
                    # What was to come after the amendment is replaced by it.
                    before = tuple(t for t in self.terms_from if t[0] < event.effective_on)
                    self.terms_from = (*before, (event.effective_on, event.terms))
            case LeaseEnded():
                self.reading = self.reading.model_copy(update={"ended_on": event.ended_on})
            case _:
                assert_never(event)


def _refuse_backwards(reading: Reading) -> None:
    if reading.ended_on is not None and reading.ended_on < reading.start_on:
        raise EndsBeforeItStarts(
            "La date de sortie précède la date d'entrée.",
            "The lease ends before it starts.",
        )
