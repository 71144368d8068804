"""The composition root: builds the parts of a running program, and knows every one of them."""

from __future__ import annotations

import gc
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import psycopg
from psycopg import Connection
from psycopg_pool import ConnectionPool

import commands
import domain
from aggregates.cells import Cells
from commands import Office, utc_now
from commands.party import ErasePerson
from commands.payment import InitiatePayment
from journal.forgetting import Forgetting
from journal.journal import Journal
from journal.keys import Keyring
from journal.wakeup import Bell
from projections import Projection
from projections.account import Account
from projections.agencies import Agencies
from projections.balances import Balances
from projections.invoices import Invoices
from projections.leases import Leases
from projections.payments import Payments
from projections.people import People
from projections.receipts import Receipts
from projections.tasks import Tasks
from projections.timeline import Timeline
from system.providers import provider_in_use
from system.settings import Settings

YOUNG_OBJECTS = 100_000
RECONNECT_SECONDS = 0.2
"""Between two tries of a pool to reach a database that is away."""

PROJECTIONS: tuple[Projection, ...] = (
    Agencies(),
    People(),
    Leases(),
    Balances(),
    Account(),
    Invoices(),
    Payments(),
    Receipts(),
    Tasks(),
    Timeline(),
)


class Pool(ConnectionPool[Connection[Any]]):
    """Connections to share; when one is found dead, the others are looked at before their use.

    They died together, as a rule, and each would cost somebody a failure of their own.
    """

    def putconn(self, conn: Connection[Any]) -> None:
        dead = conn.closed
        super().putconn(conn)
        if dead and not self.closed:
            self.check()


@dataclass(frozen=True)
class Premises:
    """What a process of ours works with."""

    settings: Settings
    url: str
    pool: ConnectionPool[Connection[Any]]
    connect: Callable[[], Connection[Any]]
    office: Office

    @property
    def journal(self) -> Journal:
        return self.office.journal


def know_everything() -> None:
    """Import every event and every command: the journal reads no type that it has not met."""
    for package in (domain, commands):
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")


@contextmanager
def premises(
    settings: Settings,
    url: str,
    *,
    pool_size: int | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> Iterator[Premises]:
    """Open the parts over a database, and close them again."""
    know_everything()
    # A batch makes many objects and drops them together: at Python's usual pace the collector
    # would look through all that is remembered once for every few hundred of them.
    gc.set_threshold(max(gc.get_threshold()[0], YOUNG_OBJECTS))
    InitiatePayment.ceiling_cents = settings.payment_ceiling_cents
    ErasePerson.lease_years = settings.retention_lease_years
    ErasePerson.books_years = settings.retention_books_years
    InitiatePayment.provider = provider_in_use(settings)

    def connect() -> Connection[Any]:
        return psycopg.connect(url, autocommit=True, application_name="quittance")

    master_key = settings.read_master_key()
    with Pool(
        url,
        min_size=1,
        max_size=pool_size or settings.database_pool_size,
        kwargs={"autocommit": True, "application_name": "quittance"},
        # Left alone, a pool tries after one second, two, four…: long after the database is back.
        reconnect_timeout=RECONNECT_SECONDS,
        reconnect_failed=ConnectionPool.check,
        open=True,
    ) as pool:
        journal = Journal(pool, connect, Keyring(pool, master_key), Bell(connect))
        cells = Cells(journal)
        forgetting = Forgetting(connect, journal.keys, cells.forget)
        try:
            hash_key = blake2b(b"bodies", key=master_key, digest_size=32).digest()
            office = Office(journal, cells, clock, hash_key)
            yield Premises(settings, url, pool, connect, office)
        finally:
            forgetting.close()
            journal.close()
