"""The receipts of one lease and period: a reçu for what is paid, a quittance once all is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from typing import Any, assert_never
from uuid import UUID, uuid5

from aggregates import Aggregate
from aggregates.rent_account import RentAccount
from domain.period import Period
from domain.receipt import (
    NothingBilled,
    NothingPaid,
    PaidBy,
    PaidPart,
    PartialReceiptIssued,
    ReceiptEvent,
    RentReceiptIssued,
)


class Receipts(Aggregate):
    """Its natural key: lease and period."""

    kind = "receipts"

    issued: int = 0
    newest_id: UUID | None = None
    parts: tuple[PaidPart, ...] = ()
    """What the newest receipt proves, and by which payments: one that went back proves nothing."""
    shortfall_cents: int = 0

    def request(
        self, account: RentAccount, period: Period, number: Callable[[], str], today: date
    ) -> None:
        """Issue what the account allows; nothing new if the newest receipt says the same."""
        charges = account.of_period(period)
        if not charges:
            raise NothingBilled(
                f"Aucune facture n'a été émise pour {period}.",
                f"No invoice was issued for {period}.",
            )
        paid = sum(charge.paid_cents for charge in charges)
        shortfall = sum(charge.open_cents for charge in charges)
        if paid == 0:
            raise NothingPaid(
                f"Rien n'a encore été payé pour {period} : il n'y a rien à attester.",
                f"Nothing was paid for {period} yet: there is nothing to attest.",
            )
        parts = _parts(account, period)
        if (self.parts, self.shortfall_cents) == (parts, shortfall):
            return
        either: dict[str, Any] = {
            "receipt_id": uuid5(self.id, str(self.issued + 1)),
            "number": number(),
            "lease_id": account.lease_id,
            "period": period,
            "parts": parts,
            "issued_on": today,
            "account_version": account.version,
        }
        if shortfall:
            self.trigger_event(
                PartialReceiptIssued, paid_cents=paid, shortfall_cents=shortfall, **either
            )
        else:
            self.trigger_event(
                RentReceiptIssued,
                rent_cents=sum(c.amount_cents for c in charges if c.kind == "rent"),
                charges_cents=sum(c.amount_cents for c in charges if c.kind == "charges"),
                older_debt_cents=account.open_before(period, today),
                **either,
            )

    def evolve(self, event: ReceiptEvent) -> None:
        self.issued += 1
        self.newest_id, self.parts = event.receipt_id, event.parts
        match event:
            case RentReceiptIssued():
                self.shortfall_cents = 0
            case PartialReceiptIssued():
                self.shortfall_cents = event.shortfall_cents
            case _:
                assert_never(event)


def _parts(account: RentAccount, period: Period) -> tuple[PaidPart, ...]:
    """What paid of the period, one part for each payment or credit, by date."""
    sums: dict[UUID, int] = defaultdict(int)
    for charge in account.of_period(period):
        for source_id, cents in charge.parts:
            sums[source_id] += cents
    parts = []
    for source_id, cents in sums.items():
        source = account.sources[source_id]
        by: PaidBy = "credit"
        if source.kind is None:
            by = "card"
        elif source.kind == "benefit":
            by = "benefit"
        parts.append(PaidPart(by=by, amount_cents=cents, paid_on=source.on, source_id=source_id))
    return tuple(sorted(parts, key=lambda part: (part.paid_on, str(part.source_id))))
