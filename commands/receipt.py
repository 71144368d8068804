"""Ask for the receipt of a period: a quittance if it is paid in full, else a reçu."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from aggregates.lease import Lease
from aggregates.numbers import take_numbers
from aggregates.receipt import Receipts
from aggregates.rent_account import RentAccount
from aggregates.store import Store
from commands import Command
from domain.lease import NoSuchLease
from domain.period import Period


class RequestReceipt(Command):
    """Free of charge, as often as asked (art. 21): what is unchanged keeps its number."""

    lease_id: UUID
    period: Period

    def handle(self, store: Store) -> Mapping[str, object]:
        if not store.by_id(Lease, self.lease_id).exists:
            raise NoSuchLease("Ce bail n'existe pas.", "This lease does not exist.")
        account = store.get(RentAccount, self.lease_id)
        receipts = store.get(Receipts, self.lease_id, self.period)
        receipts.request(
            account, self.period, lambda: take_numbers(store, "receipt")[0], store.today
        )
        shortfall = sum(charge.open_cents for charge in account.of_period(self.period))
        return {
            "receipt_id": receipts.newest_id,
            "kind": "receipt" if shortfall else "quittance",
            "shortfall_cents": shortfall,
        }
