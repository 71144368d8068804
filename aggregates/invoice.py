"""An invoice: issued once for a lease and period; its content never changes."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from aggregates import Aggregate
from aggregates.lease import Bill
from domain.invoice import AlreadyIssued, InvoiceEvent, InvoiceIssued
from domain.period import Period


class Invoice(Aggregate):
    """Its natural key: lease, period, kind of invoice, ordinal."""

    kind = "invoice"

    number: str = ""
    lease_id: UUID | None = None

    def issue(
        self,
        *,
        number: str,
        lease_id: UUID,
        period: Period,
        bill: Bill,
        previous_balance_cents: int,
        issued_on: date,
    ) -> None:
        if self.exists:
            raise AlreadyIssued(
                f"La facture de {period} est déjà émise sous le numéro {self.number}.",
                f"The invoice of {period} is issued already, as {self.number}.",
            )
        self.trigger_event(
            InvoiceIssued,
            invoice_id=self.id,
            number=number,
            lease_id=lease_id,
            period=period,
            lines=bill.lines,
            total_cents=bill.total_cents,
            benefit_cents=bill.benefit_cents,
            benefit_surplus_cents=bill.benefit_surplus_cents,
            previous_balance_cents=previous_balance_cents,
            due_on=bill.due_on,
            issued_on=issued_on,
        )

    def evolve(self, event: InvoiceEvent) -> None:
        self.number, self.lease_id = event.number, event.lease_id


RENT = ("rent", 1)
"""Kind and ordinal of the first invoice for the rent of a period."""
