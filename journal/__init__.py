"""What is kept: one log of events per agency; append, read, chain of hashes, sealed personal data.

`Fact` is an event at its place in a stream; `Envelope` says who, why and when of one append;
`Recorded` is what a reader gets back: the fact with everything the journal knows of it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import UUID, uuid5

from eventsourcing.persistence import IntegrityError

from domain import Event, Refused

HOUSE = UUID("5f0d1a52-7a55-5c0e-9d8c-0e6a7e9f2c11")
"""The reserved log of what all agencies share: the agencies themselves, indices, holidays."""


def agency_id(slug: str) -> UUID:
    """An agency's id follows from its slug, which never changes."""
    return uuid5(HOUSE, slug)


class Fact(NamedTuple):
    """An event at its place: the library's domain event protocol, without a clock of its own."""

    originator_id: UUID
    originator_version: int
    event: Event


class Envelope(NamedTuple):
    """Who asked, on whose behalf, and why: the same for all events of one append."""

    actor: str
    command_id: UUID
    correlation_id: UUID
    today: date
    """The Paris date on which the command was taken; the effective date of facts with none."""
    on_behalf_of: str | None = None
    causation_id: UUID | None = None


class Recorded(NamedTuple):
    """One entry of the journal as it is read back; a tuple, for a rebuild makes millions."""

    agency: UUID
    position: int
    stream: UUID
    version: int
    name: str
    event_id: UUID
    recorded_at: datetime
    effective_on: date
    actor: str
    on_behalf_of: str | None
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID | None
    subjects: tuple[UUID, ...]
    event: Event


class Conflict(IntegrityError):
    """What was decided on is no longer what is: somebody else was first. Decide again."""


class Busy(Exception):
    """The log could not be reached in time; nothing is known to be lost, ask again later."""


class OutcomeUnknown(Busy):
    """The connection died during the commit and the log could not yet be asked."""


class UnknownEvent(Exception):
    """The journal holds a name or version that this program does not know: a reader stops here."""

    def __init__(self, name: str, version: int, known: int | None) -> None:
        knows = "does not know the name" if known is None else f"knows up to version {known}"
        super().__init__(
            f"{name} version {version}: a newer program wrote it, and this one {knows}"
        )
        self.name = name
        self.version = version


class NoSuchAgency(Refused):
    """No log exists under this id."""


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

__all__ = [
    "EPOCH",
    "HOUSE",
    "Busy",
    "Conflict",
    "Envelope",
    "Fact",
    "NoSuchAgency",
    "OutcomeUnknown",
    "Recorded",
    "UnknownEvent",
    "agency_id",
]
