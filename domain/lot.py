"""Lots: what is let. An address tells where somebody lives, so it is sealed too."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from domain import Event, Personal, of

EnergyClass = Literal["A", "B", "C", "D", "E", "F", "G"]
LotKind = Literal["dwelling", "garage"]


class LotRegistered(Event):
    """A lot is known to the agency, under its reference."""

    lot_id: UUID
    reference: str


class LotDescribed(Event):
    """What and where a lot is; the newest description counts."""

    lot_id: UUID
    kind: LotKind
    street: Personal[str] = of("lot_id")
    postcode: Personal[str] = of("lot_id")
    city: Personal[str] = of("lot_id")
    energy_class: EnergyClass | None = None


LotEvent = LotRegistered | LotDescribed
