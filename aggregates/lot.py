"""A lot: registered once under its reference, described anew when something about it changes."""

from __future__ import annotations

from typing import assert_never

from aggregates import Aggregate
from domain import Erased, Value
from domain.lot import EnergyClass, LotDescribed, LotEvent, LotKind, LotRegistered


class Description(Value):
    """What and where a lot is."""

    kind: LotKind
    street: str | Erased
    postcode: str | Erased
    city: str | Erased
    energy_class: EnergyClass | None


class Lot(Aggregate):
    kind = "lot"

    reference: str = ""
    description: Description | None = None

    def register(self, reference: str) -> None:
        if not self.exists:
            self.trigger_event(LotRegistered, lot_id=self.id, reference=reference)

    def describe(self, description: Description) -> None:
        if description != self.description:
            self.trigger_event(LotDescribed, lot_id=self.id, **description.__dict__)

    def evolve(self, event: LotEvent) -> None:
        match event:
            case LotRegistered():
                self.reference = event.reference
            case LotDescribed():
                self.description = Description(
                    kind=event.kind,
                    street=event.street,
                    postcode=event.postcode,
                    city=event.city,
                    energy_class=event.energy_class,
                )
            case _:
                assert_never(event)
