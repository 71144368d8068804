"""Let a tenant's credit pay what has come due."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from aggregates.rent_account import RentAccount
from aggregates.store import Store
from commands import Command
from domain.lease import NoSuchLease
from domain.principal import Role


class AllocateCredit(Command):
    """At 00:00 Paris of a due date, what a tenant has ahead pays the debt (rule C3.3)."""

    internal: ClassVar[bool] = True
    allowed: ClassVar[frozenset[Role]] = frozenset()

    lease_id: UUID

    def handle(self, store: Store) -> Mapping[str, object]:
        account = store.get(RentAccount, self.lease_id)
        if not account.exists:
            raise NoSuchLease("Ce bail n'existe pas.", "This lease does not exist.")
        account.allocate_credit(store.today)
        return {"lease_id": self.lease_id}
