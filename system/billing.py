"""The billing run: the invoices of a month, each lease once, wherever and how often it stops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, cast
from uuid import UUID

from uuid_utils import uuid7

from commands import PARIS, Asked, Office, execute, rehearse
from commands.invoice import AT_ONCE, IssueInvoices
from domain import Refused
from domain.period import Period
from domain.principal import OPERATOR
from journal import Conflict
from projections.leases import running_in
from system.office import Premises
from system.readiness import catch_up

MONTHS_AHEAD = 2
TRIES = 5
"""Each is itself several tries: another billing of the same month decides on the same leases."""


class TooFarAhead(Refused):
    """A month whose invoices nobody sends yet: most likely a slip of the hand."""


@dataclass(frozen=True, slots=True)
class Billed:
    """What a billing run came to; `already_issued` counts leases that had their invoice before."""

    invoices: int = 0
    total_cents: int = 0
    already_issued: int = 0


class Outlook(NamedTuple):
    """How a month lies to today and to the balances that were taken over."""

    leases: list[UUID]
    months_ahead: int
    """Of today, or of the newest balance that was taken over if that is later."""
    in_former_books: int
    """Leases whose balance was taken over on a later day: it may hold this month already."""


def look_out(premises: Premises, agency: UUID, period: Period) -> Outlook:
    """The leases to bill, once the read models know all that the journal holds."""
    catch_up(premises, agency)
    with premises.pool.connection() as connection:
        leases = running_in(connection, agency, period)
        row = connection.execute(
            "SELECT max(taken_over_on), count(*) FILTER (WHERE taken_over_on >= %s"
            " AND lease_id = ANY(%s)) FROM read.leases WHERE agency = %s",
            [period.last_on, leases, agency],
        ).fetchone()
    assert row is not None
    today = premises.office.clock().astimezone(PARIS).date()
    known = max(today, row[0] or date.min)
    ahead = (period.year - known.year) * 12 + period.month - known.month
    return Outlook(leases, ahead, row[1])


def refuse_too_far_ahead(outlook: Outlook, period: Period) -> None:
    """Raises TooFarAhead for a month that nobody bills yet."""
    if outlook.months_ahead > MONTHS_AHEAD:
        raise TooFarAhead(
            f"{period} est dans {outlook.months_ahead} mois ; au-delà de {MONTHS_AHEAD} mois,"
            " confirmez avec --force.",
            f"{period} is {outlook.months_ahead} months ahead; beyond {MONTHS_AHEAD} months,"
            " confirm with --force.",
        )


def bill(
    office: Office,
    agency: UUID,
    period: Period,
    lease_ids: Sequence[UUID],
    *,
    dry_run: bool = False,
    at_once: int = AT_ONCE,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Billed:
    """Issue the invoices of a period, `at_once` leases in one append; a dry run keeps nothing.

    Killed anywhere, a whole number of appends is kept: the next run passes over what they
    billed, and the numbers go on without a gap.
    """
    asked = Asked(OPERATOR, agency, correlation_id=UUID(bytes=uuid7().bytes))
    decide = _rehearsed if dry_run else _issued
    billed = Billed()
    on_progress(0, len(lease_ids))
    parts = [tuple(lease_ids[n : n + at_once]) for n in range(0, len(lease_ids), at_once)]

    def issue(some: tuple[UUID, ...]) -> dict[str, int]:
        return decide(office, IssueInvoices(period=period, lease_ids=some), asked)

    # Two at a time: one is decided while the one before it is being kept.
    with ThreadPoolExecutor(max_workers=2) as threads:
        for done, ids in enumerate(threads.map(issue, parts), start=1):
            billed = Billed(
                billed.invoices + ids["invoices"],
                billed.total_cents + ids["total_cents"],
                billed.already_issued + ids["already_issued"],
            )
            on_progress(min(done * at_once, len(lease_ids)), len(lease_ids))
    return billed


def _issued(office: Office, command: IssueInvoices, asked: Asked) -> dict[str, int]:
    for _ in range(TRIES - 1):
        try:
            return cast("dict[str, int]", execute(office, command, asked).ids)
        except Conflict:
            # Somebody else bills these leases; what they issued is passed over next time.
            continue
    return cast("dict[str, int]", execute(office, command, asked).ids)


def _rehearsed(office: Office, command: IssueInvoices, asked: Asked) -> dict[str, int]:
    (answer,) = rehearse(office, [command], asked)
    if isinstance(answer, Refused):
        raise answer
    return cast("dict[str, int]", answer)


__all__ = ["Billed", "Outlook", "TooFarAhead", "bill", "look_out", "refuse_too_far_ahead"]
