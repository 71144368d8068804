"""The clock: what is due because time has passed. It asks, like any other user, by commands."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg import Connection
from psycopg_pool import ConnectionPool

from commands import PARIS, Asked, Command, Office, execute
from commands.payment import CheckPayment, MarkUnknown, told_by
from commands.rent_account import AllocateCredit
from domain import Refused
from domain.payment import PaymentState
from domain.principal import CLOCK
from journal import Busy, Conflict
from outside.payment_provider import PaymentProvider, ProviderRefused, ProviderUnreachable
from projections.account import credit_to_allocate
from projections.agencies import agency_named
from projections.payments import PaymentRow, to_ask_about
from projections.people import forget_erased
from workers.anchoring import AnchorsUnreachable, ForeignAnchor

TICK_SECONDS = 5.0

ProviderOf = Callable[[str, str], PaymentProvider | None]
"""By the provider's name and the agency's slug."""

log = structlog.stdlib.get_logger("quittance.clock")


class Clock:
    """What happens by itself at a time; done once, however many processes tick."""

    def __init__(
        self,
        office: Office,
        pool: ConnectionPool[Connection[Any]],
        provider: ProviderOf,
        *,
        anchor: Callable[[], object] = lambda: None,
    ) -> None:
        self._office = office
        self._pool = pool
        self._provider = provider
        self._anchor = anchor
        """Anchors the journals if it is time to."""

    def run(self, stop: Event, *, tick_seconds: float = TICK_SECONDS) -> None:
        """Tick until told to stop; a tick that fails is told and tried again."""
        while not stop.is_set():
            try:
                self.tick()
            except psycopg.Error as lost:
                log.warning("clock.tick_failed", reason=type(lost).__name__)
            stop.wait(tick_seconds)

    def tick(self) -> None:
        """Do all that is due now."""
        self.ask_about_payments()
        self.allocate_credit()
        self.forget_old_answers()
        self.anchor_journals()
        self.forget_erased()

    def ask_about_payments(self) -> None:
        """Ask the provider about payments of which nothing was heard (5 min, 1 h, 1 day)."""
        with self._pool.connection() as connection:
            waiting = to_ask_about(connection, self._office.clock())
            slugs = {
                agency: row.slug
                for agency in {agency for agency, _ in waiting}
                if (row := agency_named(connection, agency))
            }
        for agency, payment in waiting:
            if agency in slugs:
                self._ask(agency, slugs[agency], payment)

    def allocate_credit(self) -> None:
        """From 00:00 Paris of a due date on, what a tenant has ahead pays the debt."""
        today = self._office.clock().astimezone(PARIS).date()
        with self._pool.connection() as connection:
            waiting = credit_to_allocate(connection, today)
        for agency, lease_id in waiting:
            self._do(agency, AllocateCredit(lease_id=lease_id))

    def forget_old_answers(self) -> None:
        """Idempotency keys of people are kept for a month."""
        with self._pool.connection() as connection:
            connection.execute("DELETE FROM answers WHERE kept_until < %s", [self._office.clock()])

    def anchor_journals(self) -> None:
        """At set intervals; a place that cannot be reached is tried again at the next tick."""
        try:
            self._anchor()
        except (AnchorsUnreachable, ForeignAnchor) as lost:
            log.error("clock.not_anchored", reason=type(lost).__name__, place=str(lost))

    def forget_erased(self) -> None:
        """No read model keeps in clear whom the journal has erased, not even one that stopped."""
        with self._pool.connection() as connection:
            forget_erased(connection)

    def _ask(self, agency: UUID, slug: str, payment: PaymentRow) -> None:
        provider = self._provider(payment.provider, slug)
        command: Command | None = None
        if provider is not None and payment.provider_reference is not None:
            try:
                command = told_by(provider.look_up(payment.provider_reference))
            except (ProviderUnreachable, ProviderRefused) as silent:
                log.info("payment.provider_silent", reason=type(silent).__name__)
        if command is None or isinstance(command, MarkUnknown):
            under_way = payment.state == PaymentState.AUTHENTICATING
            known = MarkUnknown if under_way else CheckPayment
            command = known(payment_id=payment.payment_id)
        self._do(agency, command)

    def _do(self, agency: UUID, command: Command) -> None:
        """One command; what is refused or has to wait does not keep the others from theirs."""
        try:
            execute(self._office, command, Asked(CLOCK, agency))
        except (Refused, Conflict, Busy) as later:
            log.info("clock.put_off", command=type(command).__name__, reason=type(later).__name__)
