"""The demo agency: a year in the life of forty leases, made by the real commands, the same always.

The plan follows from the day on which the agency was created and from nothing else. Each step has
a key of its own, so a start that was killed half-way is completed by the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime
from itertools import groupby
from uuid import UUID

from commands import PARIS, Asked, Command, Office, execute
from commands.agency import CreateAgency
from commands.payment import InitiatePayment
from domain.agency import AgencyCreated
from domain.principal import OPERATOR
from journal import HOUSE, agency_id
from system.demo_year import Step, year_before
from system.office import Premises

SLUG = "demo"
THREADS = 8

_AGENCY = CreateAgency(
    slug=SLUG, legal_name="Agence de démonstration", siren="900000001", department="57"
)


def seed(premises: Premises) -> bool:
    """Make the demo agency, or complete it; whether there was anything to do.

    An agency of this name that somebody else described is left alone. Raises Busy and the like.
    """
    journal = premises.journal
    journal.open_log(HOUSE)
    created_on = _created_on(premises)
    if created_on is None:
        execute(premises.office, _AGENCY, Asked(OPERATOR, HOUSE))
        created_on = _created_on(premises)
    if created_on is None:
        return False
    agency = agency_id(SLUG)
    journal.open_log(agency)
    steps = year_before(created_on, agency, InitiatePayment.ceiling_cents)
    last = steps[-1]
    if journal.check(agency, {}, last.principal.name, last.key).repeated is not None:
        return False
    _live_through(premises.office, agency, steps)
    return True


def _created_on(premises: Premises) -> date | None:
    """The Paris date on which the demo agency was created, None if there is none of ours."""
    for entry in premises.journal.read_all(HOUSE):
        known = entry.event
        if isinstance(known, AgencyCreated) and known.slug == SLUG:
            ours = known.legal_name == _AGENCY.legal_name and known.siren == _AGENCY.siren
            return entry.recorded_at.astimezone(PARIS).date() if ours else None
    return None


def _live_through(office: Office, agency: UUID, steps: Sequence[Step]) -> None:
    """Week by week; what different leases do in one week is done at once, and shares commits."""
    payments: dict[str, UUID] = {}

    def live(of_one_lease: list[Step]) -> None:
        for step in of_one_lease:
            answer = execute(_at(office, step.at), _command(step, payments), _asked(step, agency))
            if isinstance(step.command, InitiatePayment):
                payments[step.payment] = UUID(str(answer.ids["payment_id"]))

    with ThreadPoolExecutor(THREADS, thread_name_prefix="demo") as threads:
        for _, together in groupby(steps, key=lambda step: (_week(step), step.lease is None)):
            by_lease: dict[str | None, list[Step]] = {}
            for step in together:
                by_lease.setdefault(step.lease, []).append(step)
            for _done in threads.map(live, by_lease.values()):
                pass


def _week(step: Step) -> int:
    return step.at.toordinal() // 7


def _at(office: Office, now: datetime) -> Office:
    """The same office on another day."""
    return replace(office, clock=lambda: now)


def _command(step: Step, payments: dict[str, UUID]) -> Command:
    if isinstance(step.command, Command):
        return step.command
    return step.command(payments[step.payment])


def _asked(step: Step, agency: UUID) -> Asked:
    behalf = None if step.on_behalf_of is None else str(step.on_behalf_of)
    return Asked(step.principal, agency, key=step.key, on_behalf_of=behalf)
