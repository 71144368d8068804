"""Tells how something came to be as it is: every fact that mentions it, by whom, when and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from aggregates.lease import Lease
from aggregates.party import Party
from domain import NotFound, stream_id
from domain.words import Language
from journal import Recorded
from projections.telling import tell
from system.office import Premises

AT_ONCE = 1_000

_ACTORS = {
    "operator": ("l'opérateur, en ligne de commande", "the operator, at the command line"),
    "clock": ("l'horloge", "the clock"),
    "webhook": ("le prestataire de paiement", "the payment provider"),
    "reaction": ("le système, en réaction", "the system, by reaction"),
}


class Subject(StrEnum):
    """What a story can be about."""

    LEASE = "lease"
    PAYMENT = "payment"
    INVOICE = "invoice"
    PARTY = "party"


class NothingKnown(NotFound):
    """The journal of this agency mentions nothing of this name."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One fact as a person reads it; `because` tells the fact that caused it."""

    position: int
    recorded_at: datetime
    effective_on: date
    name: str
    told: str
    actor: str
    who: str
    on_behalf_of: str | None
    because: str | None
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID | None


@dataclass(frozen=True, slots=True)
class Story:
    """All moments of one subject, in the order in which they were recorded."""

    subject: Subject
    about: UUID
    moments: list[Moment]


def tell_story(
    premises: Premises, agency: UUID, subject: Subject, reference: str, language: Language
) -> Story:
    """The story of what people call `reference`, or of an id. Raises NothingKnown.

    A lease's story has its payments in it, those that failed included.
    """
    about = _id(premises, agency, subject, reference)
    entries = [] if about is None else _entries(premises, agency, subject, about)
    if about is None or not entries:
        raise NothingKnown(
            f"Rien n'est connu sous « {reference} » dans cette agence.",
            f"Nothing is known as “{reference}” in this agency.",
        )
    told = {entry.event_id: tell(entry.event, language) for entry in entries}
    told |= _causes(premises, agency, entries, language)
    names = _names(premises, agency, entries, language)
    moments = [
        Moment(
            entry.position, entry.recorded_at, entry.effective_on, entry.name,
            told[entry.event_id], entry.actor, names.get(entry.actor, entry.actor),
            entry.on_behalf_of and names.get(entry.on_behalf_of, entry.on_behalf_of),
            told.get(entry.causation_id) if entry.causation_id else None,
            entry.command_id, entry.correlation_id, entry.causation_id,
        )
        for entry in entries
    ]  # fmt: skip
    return Story(subject, about, moments)


def _id(premises: Premises, agency: UUID, subject: Subject, reference: str) -> UUID | None:
    try:
        return UUID(reference)
    except ValueError:
        pass
    if "\0" in reference or not reference.isprintable():
        return None
    match subject:
        case Subject.LEASE:
            return stream_id(agency, Lease.kind, reference)
        case Subject.PARTY:
            return stream_id(agency, Party.kind, reference)
        case Subject.PAYMENT:
            query = (
                "SELECT payment_id FROM read.payments"
                " WHERE agency = %(agency)s AND %(name)s IN (ticket_number, provider_reference)"
            )
        case Subject.INVOICE:
            query = (
                "SELECT invoice_id FROM read.invoices"
                " WHERE agency = %(agency)s AND number = %(name)s"
            )
    with premises.pool.connection() as connection:
        row = connection.execute(query, {"agency": agency, "name": reference}).fetchone()
    return None if row is None else row[0]


def _entries(premises: Premises, agency: UUID, subject: Subject, about: UUID) -> list[Recorded]:
    with premises.pool.connection() as connection:
        payments = connection.execute(
            "SELECT payment_id FROM read.payments WHERE agency = %s AND lease_id = %s",
            [agency, about if subject is Subject.LEASE else None],
        ).fetchall()
        positions = connection.execute(
            "SELECT DISTINCT position FROM read.mentions WHERE agency = %s AND about_id = ANY(%s)"
            " ORDER BY position",
            [agency, [about, *(payment for (payment,) in payments)]],
        ).fetchall()
    return _at(premises, agency, [position for (position,) in positions])


def _at(premises: Premises, agency: UUID, positions: list[int]) -> list[Recorded]:
    return [
        entry
        for start in range(0, len(positions), AT_ONCE)
        for entry in premises.journal.at(agency, positions[start : start + AT_ONCE])
    ]


def _causes(
    premises: Premises, agency: UUID, entries: list[Recorded], language: Language
) -> dict[UUID, str]:
    """The facts outside this story that caused something in it, told."""
    known = {entry.event_id for entry in entries}
    causes = {entry.causation_id for entry in entries if entry.causation_id} - known
    if not causes:
        return {}
    with premises.pool.connection() as connection:
        # A cause comes before its effect, and seldom long before.
        rows = connection.execute(
            "SELECT position FROM events WHERE agency = %s AND position < %s"
            " AND event_id = ANY(%s)",
            [agency, entries[-1].position, list(causes)],
        ).fetchall()
    found = _at(premises, agency, [position for (position,) in rows])
    return {entry.event_id: tell(entry.event, language) for entry in found}


def _names(
    premises: Premises, agency: UUID, entries: list[Recorded], language: Language
) -> dict[str, str]:
    """How actors and those on whose behalf they acted are called."""
    names = {actor: en if language == "en" else fr for actor, (fr, en) in _ACTORS.items()}
    tokens = {e.actor for e in entries if e.actor.startswith("token:")}
    behalf = {e.on_behalf_of for e in entries if e.on_behalf_of}
    with premises.pool.connection() as connection:
        if tokens:
            rows = connection.execute(
                "SELECT id, name, role FROM tokens WHERE 'token:' || id = ANY(%s)", [list(tokens)]
            )
            names |= {f"token:{token_id}": f"{name} ({role})" for token_id, name, role in rows}
        if behalf:
            rows = connection.execute(
                "SELECT party_id::text, client_reference FROM read.people"
                " WHERE agency = %s AND party_id::text = ANY(%s)",
                [agency, list(behalf)],
            )
            names |= dict(rows.fetchall())
    return names


__all__ = ["Moment", "NothingKnown", "Story", "Subject", "tell_story"]
