"""What a sum pays first: the rules of C. civ. 1342-10, as one pure function."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from uuid import UUID

from domain.money import split_pro_rata
from domain.period import Period
from domain.rent_account import ChargeKind, Part, Rule


@dataclass(frozen=True, slots=True)
class Charge:
    """One debit of a rent account, and what has paid of it so far."""

    number: int
    kind: ChargeKind
    amount_cents: int
    due_on: date
    period: Period | None
    invoice_id: UUID | None
    parts: tuple[tuple[UUID, int], ...] = ()
    """(payment or credit, cents)."""

    @property
    def paid_cents(self) -> int:
        return sum(cents for _, cents in self.parts)

    @property
    def open_cents(self) -> int:
        return self.amount_cents - self.paid_cents

    def paid_by(self, source: UUID, cents: int) -> Charge:
        return replace(self, parts=(*self.parts, (source, cents)))

    def without(self, source: UUID) -> Charge:
        return replace(self, parts=tuple(part for part in self.parts if part[0] != source))


def allocate(
    amount_cents: int, charges: Iterable[Charge], designated: Sequence[UUID], today: date
) -> tuple[tuple[Part, ...], Rule]:
    """What a sum pays, in order: designated invoices; then what is due, oldest due date first.

    Charges of one due date share pro rata by cents (largest remainder, ties by order). What is
    not due and not designated is not paid: the rest of the sum stays a credit.
    """
    unpaid = sorted((c for c in charges if c.open_cents > 0), key=lambda c: (c.due_on, c.number))
    named = [c for c in unpaid if c.invoice_id in designated]
    due = [c for c in unpaid if c.invoice_id not in designated and c.due_on <= today]
    left = amount_cents
    parts: list[Part] = []
    rule: Rule = "designated" if named else "oldest"
    for queue in (named, due):
        for _, of_one_date in groupby(queue, key=lambda c: c.due_on):
            together = list(of_one_date)
            open_cents = [c.open_cents for c in together]
            paying = min(left, sum(open_cents))
            if 0 < paying < sum(open_cents) and len(together) > 1 and rule == "oldest":
                rule = "pro_rata"
            for charge, cents in zip(together, split_pro_rata(paying, open_cents), strict=True):
                if cents:
                    parts.append(Part(charge=charge.number, amount_cents=cents))
            left -= paying
    return tuple(parts), rule
