"""Money: integer cents in euros, and the only place that rounds."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from math import floor
from typing import Annotated

from pydantic import Field

LIMIT_CENTS = 10**13
"""A hundred billion euros: larger than any sum here, smaller than what a bigint holds."""

Cents = Annotated[int, Field(strict=True, ge=-LIMIT_CENTS, le=LIMIT_CENTS)]
"""An amount in cents of a euro; negative where the sense of the field allows it."""

PositiveCents = Annotated[int, Field(strict=True, gt=0, le=LIMIT_CENTS)]
"""An amount that is asked for or moved: at least one cent."""


def round_down(amount: Fraction) -> int:
    """Cents, cut towards zero.

    The published examples truncate (ANIL: 500 × 129,38 / 127,22 = 508,48), and rounding up
    would pass the legal ceiling of a revision.
    """
    return floor(amount) if amount >= 0 else -floor(-amount)


def share_of_month(monthly_cents: int, first_on: date, last_on: date) -> int:
    """The part of a monthly amount for the days `first_on` to `last_on`, both included.

    Real days of the month (28 to 31), rounded down per line: 612,40 € × 15/31 = 296,32 €.
    Both dates lie in one month; ValueError otherwise.
    """
    if (first_on.year, first_on.month) != (last_on.year, last_on.month) or last_on < first_on:
        raise ValueError("a share of a month lies within one month")
    days_in_month = monthrange(first_on.year, first_on.month)[1]
    days = (last_on - first_on).days + 1
    if days == days_in_month:
        return monthly_cents
    return round_down(Fraction(monthly_cents * days, days_in_month))


def split_pro_rata(amount_cents: int, weights_cents: Sequence[int]) -> list[int]:
    """Split an amount over weights so that the parts sum to it exactly.

    Largest remainder, ties by order (C. civ. 1342-10, rule C3.3): 300,00 over 612,40 and 98,60
    is 258,40 and 41,60. `amount_cents` is at most the sum of the weights, none is negative.
    """
    total = sum(weights_cents)
    if amount_cents < 0 or amount_cents > total:
        raise ValueError("only an amount between zero and the sum of the weights can be split")
    if total == 0:
        return [0] * len(weights_cents)
    exact = [Fraction(amount_cents * weight, total) for weight in weights_cents]
    parts = [floor(part) for part in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_remainder[: amount_cents - sum(parts)]:
        parts[i] += 1
    return parts
