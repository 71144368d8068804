"""A lot is registered once, and described anew when something about it changes."""

from __future__ import annotations

from typing import Any

from aggregates.lot import Description, Lot
from domain.lot import LotDescribed, LotRegistered
from tests.given import LOT, given

FLAT: dict[str, Any] = {
    "kind": "dwelling",
    "street": "12 rue des Lilas",
    "postcode": "57000",
    "city": "Metz",
    "energy_class": "C",
}

registered = LotRegistered(lot_id=LOT, reference="L-23")
described = LotDescribed(lot_id=LOT, **FLAT)


def test_a_lot_is_registered_once() -> None:
    lot = given(Lot, stream=LOT)
    lot.when(Lot.register, "L-23").then(registered)
    lot.when(Lot.register, "L-23").then()


def test_a_lot_is_described_when_it_changes() -> None:
    lot = given(Lot, registered, stream=LOT)
    lot.when(Lot.describe, Description(**FLAT)).then(described)
    lot.when(Lot.describe, Description(**FLAT)).then()
    better = FLAT | {"energy_class": "A"}
    lot.when(Lot.describe, Description(**better)).then(LotDescribed(lot_id=LOT, **better))
