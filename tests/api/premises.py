"""The real edge over a real database, and somebody who asks."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import httpx
import psycopg
from fastapi import Depends, FastAPI
from psycopg_pool import ConnectionPool
from pydantic import BaseModel

from access.tokens import Tokens, create_token
from aggregates.cells import Cells
from api import Gauge, Parts
from api.app import create_app
from api.doors import Visit, fresh
from api.problems import documented
from commands import Office, utc_now
from domain.principal import Role
from journal import agency_id
from journal.journal import Journal
from journal.keys import Keyring
from journal.wakeup import Bell
from projections.freshness import Quarantined
from tests.api.notebook import KINDS


@dataclass
class Clock:
    """The wall clock, and as much later as a test wants."""

    later: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self.later


@dataclass
class Shown:
    """How far the read models are, as a test says."""

    positions: dict[UUID, int] = field(default_factory=dict)
    stopped: bool = False

    async def reached(
        self, agency: UUID, position: int, projections: Collection[str], timeout_seconds: float
    ) -> bool:
        assert (tuple(projections), timeout_seconds) == (("heads",), 2.0)
        if self.stopped:
            raise Quarantined("heads")
        return self.positions.get(agency, 0) >= position


class Head(BaseModel):
    position: int


@dataclass
class Premises:
    """One agency, `lilas`, with its edge."""

    app: FastAPI
    parts: Parts
    clock: Clock
    shown: Shown
    url: str
    tokens: dict[Role, str] = field(default_factory=dict)

    def token(self, role: Role = Role.AGENT, slug: str = "lilas", **how: Any) -> str:
        with self.parts.pool.connection() as connection:
            return create_token(
                connection, role, [agency_id(slug)], "un essai", now=self.clock(), **how
            )

    def ask(self, method: str, path: str, **what: Any) -> httpx.Response:
        """One request, as an agent's unless `token` says otherwise (None: nobody)."""
        token = what.pop("token", self.tokens.get(Role.AGENT))
        headers = [*what.pop("headers", {}).items()]
        if token is not None:
            headers.append(("Authorization", f"Bearer {token}"))

        async def asking() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://edge") as client:
                return await client.request(method, path, headers=headers, **what)

        return asyncio.run(asking())

    def command(self, name: str, body: Any, key: str | None = "k-1", **what: Any) -> httpx.Response:
        headers = what.pop("headers", {})
        if key is not None:
            headers = {**headers, "Idempotency-Key": key}
        where = f"/v1/agencies/{what.pop('agency', 'lilas')}/commands/{name}"
        return self.ask("POST", where, json=body, headers=headers, **what)


@contextmanager
def premises(url: str, **settings: Any) -> Iterator[Premises]:
    """Everything built as the running program does, closed at the end."""

    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(url, autocommit=True)

    clock, shown = Clock(), Shown()
    with ConnectionPool(url, min_size=1, max_size=8, kwargs={"autocommit": True}) as pool:
        journal = Journal(pool, connect, Keyring(pool, b"m" * 32), Bell(connect))
        try:
            office = Office(journal, Cells(journal), clock, b"a key for bodies")
            parts = Parts(
                office,
                pool,
                Tokens(pool),
                shown,
                lag=lambda: {"balance": 3},
                gauges=[_positions(journal)],
                **settings,
            )
            journal.open_log(agency_id("lilas"))
            app = create_app(parts, KINDS)
            app.get(
                "/v1/agencies/{agency}/head",
                responses=documented(401, 403, 404, 422, 503),
            )(head)
            built = Premises(app, parts, clock, shown, url)
            built.tokens = {Role.AGENT: built.token()}
            yield built
        finally:
            journal.close()


def head(visit: Annotated[Visit, Depends(fresh("heads"))]) -> Head:
    """How far the agency's journal is."""
    return Head(position=visit.parts.office.journal.head(visit.agency)[0])


def _positions(journal: Journal) -> Gauge:
    return Gauge(
        "quittance_journal_position",
        "The last position of each agency's journal.",
        "agency",
        lambda: {str(agency): position for agency, position in journal.logs().items()},
    )
