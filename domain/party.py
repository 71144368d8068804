"""People: who they are and how they are reached; sealed under each person's own key."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from domain import Event, Personal, Refused, of


class PartyRegistered(Event):
    """A person is known to the agency."""

    party_id: UUID
    client_reference: str
    title: Personal[str] = of("party_id")
    last_name: Personal[str] = of("party_id")
    first_name: Personal[str] = of("party_id")
    born_on: Personal[date | None] = of("party_id", None)
    email: Personal[str | None] = of("party_id", None)
    phone: Personal[str | None] = of("party_id", None)


class IdentityCorrected(Event):
    """A name or birth date was known wrongly."""

    party_id: UUID
    title: Personal[str] = of("party_id")
    last_name: Personal[str] = of("party_id")
    first_name: Personal[str] = of("party_id")
    born_on: Personal[date | None] = of("party_id", None)


class ContactChanged(Event):
    """A person is reached otherwise from now on."""

    party_id: UUID
    email: Personal[str | None] = of("party_id", None)
    phone: Personal[str | None] = of("party_id", None)


class BankDetailsDeclared(Event):
    """The account that a person pays from or is paid to; None when no longer known."""

    party_id: UUID
    iban: Personal[str | None] = of("party_id", None)


class PartyErased(Event):
    """What names this person is gone for good, in every fact: the key ended with this one."""

    party_id: UUID
    ground: Literal["request", "term"]
    """Asked for by the person (GDPR art. 17), or due because all retention terms are over."""


PartyEvent = (
    PartyRegistered | IdentityCorrected | ContactChanged | BankDetailsDeclared | PartyErased
)


class PersonErased(Refused):
    """Nothing can be written down any more about a person who was erased."""


class StillNeeded(Refused):
    """The law, or a debt, asks to keep who this person is (GDPR art. 17-3)."""
