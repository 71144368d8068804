"""A small business to do while things break: two agencies, some leases, wishes to pay, payments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from uuid import UUID

from commands import Answer, Asked, execute, utc_now
from commands.agency import CreateAgency
from commands.payment import ConfirmPayment, InitiatePayment
from domain.principal import OPERATOR, WEBHOOK, Principal, Role
from journal import HOUSE, agency_id
from projections import Projection
from system.office import PROJECTIONS, Premises, premises
from system.readiness import bring_to_shape
from system.settings import Settings
from tests.given import row
from workers import projector

SLUGS = ("metz", "nancy")
SIRENS = ("900000001", "732829320")
METZ, NANCY = AGENCIES = tuple(map(agency_id, SLUGS))
AGENT = Principal("token:1", Role.AGENT, frozenset(AGENCIES))
LEASES = 3
PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.01
SMALLEST_CENTS = 1_000


def until(
    true: Callable[[], bool],
    what: str,
    patience_seconds: float = PATIENCE_SECONDS,
    look_seconds: float = LOOK_SECONDS,
) -> None:
    """Look until it is true; AssertionError, which says what was waited for, if it never is."""
    deadline, never = monotonic() + patience_seconds, Event()
    while not true():
        assert monotonic() < deadline, f"still not so after {patience_seconds:g} s: {what}"
        never.wait(look_seconds)


@dataclass(frozen=True)
class Wish:
    """To pay an amount that nobody else wishes to pay, so that it is found again."""

    number: int
    agency: UUID
    lease: UUID

    @property
    def cents(self) -> int:
        return SMALLEST_CENTS + self.number

    @property
    def key(self) -> str:
        return f"wish {self.number}"

    @property
    def slug(self) -> str:
        return SLUGS[AGENCIES.index(self.agency)]

    @property
    def becomes_payment(self) -> bool:
        return self.number % 10 == 0

    def command(self) -> InitiatePayment:
        return InitiatePayment(
            lease_id=self.lease, amount_cents=self.cents, terms_accepted_version="2026-01"
        )


@dataclass(frozen=True)
class Business:
    """The leases of each agency, and a number for every wish."""

    leases: dict[UUID, list[UUID]]
    numbers: count[int]

    def wish(self, *agencies: UUID) -> Wish:
        number = next(self.numbers)
        agency = (agencies or AGENCIES)[number % len(agencies or AGENCIES)]
        leases = self.leases[agency]
        return Wish(number, agency, leases[number // 2 % len(leases)])


def begin(rooms: Premises) -> Business:
    """Open the books of the agencies and take over their leases, each with something owed."""
    journal = rooms.journal
    journal.open_log(HOUSE)
    leases: dict[UUID, list[UUID]] = {}
    balance_on = utc_now().date() - timedelta(days=10)
    for slug, siren, agency in zip(SLUGS, SIRENS, AGENCIES, strict=True):
        asked = CreateAgency(slug=slug, legal_name=slug, siren=siren, department="57")
        execute(rooms.office, asked, Asked(OPERATOR, HOUSE))
        journal.open_log(agency)
        leases[agency] = [
            UUID(
                str(
                    execute(
                        rooms.office,
                        row(f"L-{i}", balance_cents=10_000 + i, balance_on=balance_on),
                        Asked(OPERATOR, agency, f"lease {i}"),
                    ).ids["lease_id"]
                )
            )
            for i in range(LEASES)
        ]
    return Business(leases, count(1))


@dataclass(frozen=True)
class Desk:
    """Asks for what is wished, in this process and without HTTP."""

    rooms: Premises

    def wish(self, wish: Wish) -> Answer:
        return execute(self.rooms.office, wish.command(), Asked(AGENT, wish.agency, wish.key))

    def confirm(self, wish: Wish, payment: UUID) -> Answer:
        told = ConfirmPayment(
            payment_id=payment,
            provider_reference=f"cs_{wish.number}",
            amount_cents=wish.cents,
            confirmed_at=utc_now(),
            brand="visa",
            last4="4242",
        )
        return execute(self.rooms.office, told, Asked(WEBHOOK, wish.agency))


@contextmanager
def open_desk(url: str, folder: Path) -> Iterator[Desk]:
    """The parts of one process over a database; those of one folder share its master key."""
    settings = Settings(database_url=url, data_dir=folder)
    with premises(settings, url) as rooms:
        yield Desk(rooms)


def shaped(url: str) -> str:
    """The database, with its read models' tables made."""
    bring_to_shape(url)
    return url


@contextmanager
def projecting(
    rooms: Premises, projections: tuple[Projection, ...] = PROJECTIONS
) -> Iterator[None]:
    """A projector at work in this process meanwhile."""
    stop = Event()
    thread = Thread(
        target=projector.run, args=(stop, rooms.connect, rooms.journal, projections), daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()
