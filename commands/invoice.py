"""Issue the invoices of a period."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, NamedTuple
from uuid import UUID

from pydantic import Field

from aggregates.invoice import RENT, Invoice
from aggregates.lease import Bill, Lease
from aggregates.numbers import take_numbers
from aggregates.rent_account import RentAccount
from aggregates.store import Store
from commands import STAFF, Command
from domain import stream_id
from domain.lease import NoSuchLease
from domain.period import Period
from domain.principal import Role

AT_ONCE = 500
"""How many leases one append bills: all of them or none."""


class _Due(NamedTuple):
    lease: Lease
    invoice: Invoice
    account: RentAccount
    bill: Bill


class IssueInvoices(Command):
    """Bill some leases for a period, each once, all in one append with their postings.

    A lease that does not run in the period, costs nothing in it, or is billed already, is
    passed over.
    """

    allowed: ClassVar[frozenset[Role]] = STAFF | {Role.ACCOUNTANT}
    in_turn: ClassVar[bool] = True

    period: Period
    lease_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=AT_ONCE)]

    def handle(self, store: Store) -> Mapping[str, object]:
        lease_ids = list(dict.fromkeys(self.lease_ids))
        leases = store.many(Lease, lease_ids)
        if any(not lease.exists for lease in leases):
            raise NoSuchLease("Ce bail n'existe pas.", "This lease does not exist.")
        invoices = store.many(
            Invoice,
            [
                stream_id(store.agency, Invoice.kind, lease_id, self.period, *RENT)
                for lease_id in lease_ids
            ],
        )
        accounts = store.many(
            RentAccount,
            [stream_id(store.agency, RentAccount.kind, lease_id) for lease_id in lease_ids],
        )
        due = [
            _Due(lease, invoice, account, bill)
            for lease, invoice, account in zip(leases, invoices, accounts, strict=True)
            if not invoice.exists and (bill := lease.bill(self.period)) and bill.lines
        ]
        if due:
            self._issue(store, due)
        return {
            "invoices": len(due),
            "total_cents": sum(each.bill.total_cents for each in due),
            "already_issued": sum(invoice.version > 0 for invoice in invoices) - len(due),
        }

    def _issue(self, store: Store, due: list[_Due]) -> None:
        numbers = take_numbers(store, "invoice", len(due))
        for (lease, invoice, account, bill), number in zip(due, numbers, strict=True):
            invoice.issue(
                number=number,
                lease_id=lease.id,
                period=self.period,
                bill=bill,
                previous_balance_cents=account.balance_cents,
                issued_on=store.today,
            )
            account.bill(lease.id, invoice.id, self.period, bill, store.today)
