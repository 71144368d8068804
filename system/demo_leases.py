"""The invented tenants, lots and leases of the demo agency; nobody of these names lives there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Literal, NamedTuple

from commands.rent_roll import TakeOverLease
from domain.lease import LeaseKind, PaymentTerm, Terms
from domain.period import Period

LEASES = 40
MONTHS = 12

Habit = Literal["steady", "prompt", "early", "late", "in_two_parts", "behind", "ahead"]

FIRST_NAMES = (
    ("Mme", "Camille"), ("M.", "Julien"), ("Mme", "Sophie"), ("M.", "Karim"), ("Mme", "Léa"),
    ("M.", "Thomas"), ("Mme", "Anaïs"), ("M.", "Nicolas"), ("Mme", "Fatima"), ("M.", "Hugo"),
    ("Mme", "Chloé"), ("M.", "Étienne"), ("Mme", "Inès"), ("M.", "Paul"), ("Mme", "Zoé"),
    ("M.", "Antoine"), ("Mme", "Nadia"), ("M.", "Loïc"), ("Mme", "Élodie"), ("M.", "Samuel"),
)  # fmt: skip
LAST_NAMES = (
    "Martin", "Bernard", "Petit", "Robert", "Richard", "Durand", "Dubois", "Moreau", "Laurent",
    "Simon", "Michel", "Lefèvre", "Leroy", "Roux", "David", "Bertrand", "Morel", "Fournier",
    "Girard", "Bonnet", "Dupont", "Lambert", "Fontaine", "Rousseau", "Vincent", "Muller",
    "Faure", "André", "Mercier", "Blanc", "Guérin", "Boyer", "Garnier", "Chevalier", "François",
    "Legrand", "Gauthier", "Garcia", "Perrin", "Robin",
)  # fmt: skip
STREETS = (
    "rue de la Démonstration", "avenue des Exemples", "place du Modèle", "impasse de l'Essai",
    "quai des Échantillons",
)  # fmt: skip
TOWNS = (("57000", "Metz"), ("57100", "Thionville"), ("57160", "Moulins-lès-Metz"))
_RENTS_CENTS: dict[LeaseKind, tuple[int, int]] = {
    "unfurnished": (48_000, 98_000),
    "furnished": (42_000, 76_000),
    "social": (29_000, 46_000),
    "garage": (4_500, 8_500),
}


class Change(NamedTuple):
    """How a lease reads from a day on."""

    on: date
    reads: TakeOverLease


@dataclass(frozen=True, slots=True)
class DemoLease:
    """A lease as it is taken over, how it changes, and how its tenant pays."""

    number: int
    taken_over_on: date
    reads: TakeOverLease
    changes: tuple[Change, ...]
    habit: Habit

    @property
    def reference(self) -> str:
        return self.reads.lease_reference


def leases(first: Period) -> list[DemoLease]:
    """All leases of a year that begins with a period."""
    chance = Random(20_260_101)  # noqa: S311 the year is to be the same always
    periods = [first]
    while len(periods) < MONTHS:
        periods.append(periods[-1].next())
    return [_lease(number, periods, chance) for number in range(LEASES)]


def _lease(number: int, periods: list[Period], chance: Random) -> DemoLease:
    kind = _kind(number)
    terms = _terms(kind, chance)
    habit = _habit(number)
    # Two tenants move in during the year, in the middle of a month.
    moves_in = {17: periods[3], 26: periods[7]}.get(number)
    taken_over_on = periods[0].first_on
    entered_on = taken_over_on - timedelta(days=chance.randrange(200, 3_000))
    balance_on = taken_over_on - timedelta(days=1)
    if moves_in is not None:
        entered_on = taken_over_on = balance_on = moves_in.first_on + timedelta(days=14)
    due_cents = terms.rent_cents + terms.charges_cents - terms.benefit_cents
    balances = {"behind": due_cents * 3 // 2, "ahead": -due_cents // 2}
    reads = TakeOverLease(
        **_tenant(number, chance),
        lease_reference=f"B-{number + 1:05d}",
        entered_on=entered_on,
        terms=terms,
        balance_cents=balances.get(habit, 0),
        balance_on=balance_on,
    )
    return DemoLease(number, taken_over_on, reads, _changes(number, reads, periods), habit)


def _kind(number: int) -> LeaseKind:
    if number % 10 == 9:
        return "garage"
    if number % 5 == 3:
        return "social"
    return "furnished" if number % 7 == 4 else "unfurnished"


def _habit(number: int) -> Habit:
    special: dict[int, Habit] = {
        0: "steady", 5: "early", 11: "late", 14: "in_two_parts", 16: "behind", 21: "early",
        22: "ahead", 28: "behind", 31: "late", 34: "in_two_parts",
    }  # fmt: skip
    return special.get(number, "prompt")


def _terms(kind: LeaseKind, chance: Random) -> Terms:
    rent = chance.randrange(*_RENTS_CENTS[kind])
    charges = 0 if kind == "garage" else chance.randrange(4_000, 12_000)
    term: PaymentTerm = "arrears" if kind == "social" else "advance"
    return Terms(
        kind=kind,
        rent_cents=rent,
        charges_cents=charges,
        charges_mode=None if not charges else "lump_sum" if kind == "furnished" else "provision",
        benefit_cents=chance.randrange(9_000, 21_000) if kind == "social" else 0,
        deposit_cents=2 * rent if kind == "furnished" else rent,
        payment_term=term,
        due_day=chance.choice((5, 5, 5, 8, 10)),
        index_quarter=None if kind == "garage" else "T2",
    )


def _tenant(number: int, chance: Random) -> dict[str, object]:
    title, first_name = FIRST_NAMES[number % len(FIRST_NAMES)]
    postcode, city = chance.choice(TOWNS)
    return {
        "client_reference": f"D-{number + 1:06d}",
        "title": title,
        "first_name": first_name,
        "last_name": LAST_NAMES[number],
        "born_on": date(1955, 1, 1) + timedelta(days=chance.randrange(18_000)),
        "email": f"locataire{number + 1:02d}@demo.example",
        # Numbers that the regulator keeps for fiction.
        "phone": f"06 39 98 {number // 100:02d} {number % 100:02d}",
        "lot_reference": f"LOT-{number + 1:04d}",
        "street": f"{chance.randrange(1, 90)} {chance.choice(STREETS)}",
        "postcode": postcode,
        "city": city,
        "energy_class": None if number % 10 == 9 else chance.choice("BCDDEE"),
    }


def _changes(number: int, reads: TakeOverLease, periods: list[Period]) -> tuple[Change, ...]:
    """One rent goes up in the seventh month, one tenant leaves in the eighth."""
    if number == 7:
        rent_cents = reads.terms.rent_cents + 1_200
        terms = reads.terms.model_copy(update={"rent_cents": rent_cents})
        changed: dict[str, object] = {"terms": terms}
        on = periods[6].first_on
    elif number == 12:
        changed = {"left_on": periods[7].first_on + timedelta(days=17)}
        on = periods[5].first_on + timedelta(days=9)
    else:
        return ()
    return (Change(on, reads.model_copy(update={**changed, "accept_differences": True})),)
