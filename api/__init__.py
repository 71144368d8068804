"""The edge: JSON in `api/*.py`, pages in `api/pages/*.py`; it translates and never decides.

A module offers its routes as `router`; `api/app.py` puts them together. `Parts` is what the
routes need of the running program, handed in by whoever builds it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from psycopg import Connection
from psycopg_pool import ConnectionPool

from access.attempts import Attempts
from access.tokens import Tokens
from commands import Office
from outside.payment_provider import PaymentProvider
from projections.shelf import Shelf


class Waiter(Protocol):
    """Knows how far the read models are."""

    async def reached(
        self, agency: UUID, position: int, projections: Collection[str], timeout_seconds: float
    ) -> bool:
        """Wait until these projections of an agency show a position; False if they do not.

        Raises Quarantined at once when one of them has stopped.
        """


@dataclass(frozen=True)
class Gauge:
    """A figure on /metrics that somebody else keeps: `read` gives it by the values of `label`."""

    name: str
    meaning: str
    label: str
    read: Callable[[], Mapping[str, float]]


@dataclass(frozen=True)
class Parts:
    """The parts of the running program that the edge needs."""

    office: Office
    pool: ConnectionPool[Connection[Any]]
    tokens: Tokens
    waiter: Waiter
    provider: Callable[[str, str], PaymentProvider | None] = lambda _name, _slug: None
    """By the name that stands in the address of its webhooks, and the agency's slug."""
    shelf: Shelf | None = None
    """Where papers are kept; without one there are no papers."""
    public_url: str = ""
    version: str = "0"
    body_limit_bytes: int = 1024 * 1024
    threads: int = 40
    """How many requests are worked on at once; more wait their turn."""
    wait_seconds: float = 2.0
    """How long a read waits for `min_position`."""
    attempts: Attempts = field(default_factory=Attempts)
    """How often a wrong token was entered on a page, and from where."""
    gauges: Sequence[Gauge] = ()
    lag: Callable[[], Mapping[str, int]] = dict
    """Positions that each projection is behind; from memory alone, as /health waits for nothing."""
