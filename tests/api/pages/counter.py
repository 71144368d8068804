"""A rental agency with its books open, a provider in memory, and a payer with a browser."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import UUID

import httpx
import psycopg
from fastapi import FastAPI
from psycopg_pool import ConnectionPool

from access.tokens import Tokens
from aggregates.cells import Cells
from api import Parts
from api.app import create_app
from commands import Answer, Asked, Command, Office, execute
from commands.agency import CreateAgency
from commands.invoice import IssueInvoices
from commands.payment import InitiatePayment
from domain.period import Period
from domain.principal import OPERATOR
from journal import HOUSE, agency_id
from journal.journal import Journal
from journal.keys import Keyring
from journal.wakeup import Bell
from outside.files import Files
from outside.paper.renderer import Renderer
from outside.payment_provider import FakeProvider
from projections.freshness import Waiter
from projections.generations import create_tables
from projections.shelf import Shelf
from system.office import PROJECTIONS
from tests.given import row
from workers import projector

AGENCY = "Les Lilas <& fils>"
"""A legal name as nobody should write it into a page unescaped."""


@dataclass
class Turned:
    """Saturday 21 November 2026, 14:36 in Paris, or as much later as a test wants."""

    later: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime(2026, 11, 21, 13, 36, tzinfo=UTC) + self.later


@dataclass
class Counter:
    """The agency `lilas` with one lease and its edge, which projects while the test runs."""

    app: FastAPI
    parts: Parts
    provider: FakeProvider
    clock: Turned
    projecting: Thread
    stop: Event
    leases: list[UUID] = field(default_factory=list)

    def do(self, command: Command, slug: str = "lilas") -> Answer:
        return execute(self.parts.office, command, Asked(OPERATOR, agency_id(slug)))

    def begin(self, amount_cents: int = 71_100, lease: int = 0, **how: Any) -> str:
        """The address of a payment that somebody wants to make."""
        command = InitiatePayment(
            lease_id=self.leases[lease],
            amount_cents=amount_cents,
            terms_accepted_version="2026-01",
            **how,
        )
        return f"/payer/lilas/{self.do(command).ids['payment_id']}"

    def ask(self, method: str, address: str, **what: Any) -> httpx.Response:
        """One request of a browser that has never been here, and follows nothing."""

        async def asking() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://edge") as client:
                return await client.request(method, address, **what)

        return asyncio.run(asking())

    def get(self, address: str, **what: Any) -> httpx.Response:
        return self.ask("GET", address, **what)

    def leave(self, address: str) -> str:
        """Confirm on the page; the provider's name for the checkout that opened."""
        answer = self.ask("POST", f"{address}/partir")
        assert answer.status_code == 303, answer.text
        return answer.headers["location"].rpartition("/")[2]

    def come_back(self, address: str) -> httpx.Response:
        """Come back from the provider and follow the one redirect to where things stand."""
        answer = self.get(f"{address}/retour")
        assert answer.status_code == 303, answer.text
        return self.get(answer.headers["location"])

    def pay(self, address: str) -> httpx.Response:
        """The whole way of somebody whose bank says yes."""
        self.provider.confirm(self.leave(address))
        return self.come_back(address)

    def stop_projecting(self) -> None:
        """From now on the read models stay as they are."""
        self.stop.set()
        self.projecting.join()
        self.app.state.parts = replace(self.parts, wait_seconds=0.05)

    def events(self) -> list[str]:
        return [entry.name for entry in self.parts.office.journal.read(agency_id("lilas"), 0)]


@contextmanager
def counter(url: str, folder: Path) -> Iterator[Counter]:
    """Everything as the running program has it, the projector in a thread of its own."""

    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(url, autocommit=True)

    clock, stop = Turned(), Event()
    provider = FakeProvider(clock=clock)
    with ConnectionPool(url, min_size=1, max_size=4, kwargs={"autocommit": True}) as pool:
        with pool.connection() as connection:
            create_tables(connection, PROJECTIONS)
        journal = Journal(pool, connect, Keyring(pool, b"m" * 32), Bell(connect))
        projecting = Thread(target=projector.run, args=(stop, connect, journal, PROJECTIONS))
        waiter = Waiter(connect)
        try:
            parts = Parts(
                Office(journal, Cells(journal), clock, b"a key for bodies"),
                pool,
                Tokens(pool),
                waiter,
                provider=lambda name, _slug: provider if name == "fake" else None,
                shelf=Shelf(Files(folder), journal.keys, Renderer()),
                public_url="http://edge",
            )
            built = Counter(create_app(parts), parts, provider, clock, projecting, stop)
            _open(built)
            projecting.start()
            yield built
        finally:
            stop.set()
            if projecting.ident is not None:
                projecting.join()
            waiter.close()
            journal.close()


def _open(built: Counter) -> None:
    """Two leases, of which November is billed: 711,00 € each."""
    for log in (HOUSE, agency_id("lilas")):
        built.parts.office.journal.open_log(log)
    house = CreateAgency(slug="lilas", legal_name=AGENCY, siren="732829320", department="57")
    execute(built.parts.office, house, Asked(OPERATOR, HOUSE))
    for reference in ("L-0312", "L-0313"):
        built.leases.append(built.do(row(reference)).ids["lease_id"])
    built.do(IssueInvoices(period=Period(2026, 11), lease_ids=tuple(built.leases)))
