"""Leases: who rents what, from when to when, on which terms."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from domain import Event, NotFound, Value
from domain.money import Cents
from domain.period import Period

LeaseKind = Literal["unfurnished", "furnished", "social", "garage"]
ChargesMode = Literal["provision", "lump_sum"]
PaymentTerm = Literal["advance", "arrears"]
"""À échoir: due in the month it pays for; échu: due in the month after (rule C1.4)."""
IndexQuarter = Literal["T1", "T2", "T3", "T4"]

MOST_A_MONTH_CENTS = 10**9
"""Ten million euros: far above any rent, far below what the sum of many months can hold."""

NotNegative = Annotated[Cents, Field(ge=0, le=MOST_A_MONTH_CENTS)]


class Terms(Value):
    """What a lease asks for each month, and when."""

    kind: LeaseKind
    rent_cents: NotNegative
    charges_cents: NotNegative = 0
    charges_mode: ChargesMode | None = None
    benefit_cents: NotNegative = 0
    """Housing benefit (APL) paid to the landlord each month, in third-party payment."""
    deposit_cents: NotNegative = 0
    payment_term: PaymentTerm
    due_day: Annotated[int, Field(ge=1, le=31)]
    """Day of the month; the last day of a month that has no such day."""
    index_quarter: IndexQuarter | None = None

    def due_on(self, period: Period) -> date:
        """When the rent of a period is due."""
        month = period if self.payment_term == "advance" else period.next()
        return min(date(month.year, month.month, min(self.due_day, month.days())), month.last_on)


class Tenant(Value):
    """One who signed, and whether each owes the whole."""

    party_id: UUID
    joint_liability: bool = True


class LeaseSigned(Event):
    """A lease runs from `start_on`."""

    lease_id: UUID
    reference: str
    lot_ids: tuple[UUID, ...]
    tenants: tuple[Tenant, ...]
    start_on: date
    terms: Terms
    taken_over_on: date | None = None
    """The date of the former software's books, for a lease that was signed before Quittance."""

    def takes_effect_on(self) -> date:
        return self.start_on


class LeaseAmended(Event):
    """From `effective_on` on the lease reads so; nothing billed before is touched."""

    lease_id: UUID
    effective_on: date
    reason: str
    lot_ids: tuple[UUID, ...]
    tenants: tuple[Tenant, ...]
    start_on: date
    ended_on: date | None
    terms: Terms


class LeaseEnded(Event):
    """The lease ran to this day, included. Its account stays open until it is settled."""

    lease_id: UUID
    ended_on: date

    def takes_effect_on(self) -> date:
        return self.ended_on


LeaseEvent = LeaseSigned | LeaseAmended | LeaseEnded


class NoSuchLease(NotFound):
    """No lease has this id or reference in this agency."""
