"""A person: registered once, then corrected and reached otherwise as life goes on."""

from __future__ import annotations

from datetime import date
from typing import assert_never

from aggregates import Aggregate
from domain import Erased, Value
from domain.party import (
    BankDetailsDeclared,
    ContactChanged,
    IdentityCorrected,
    PartyEvent,
    PartyRegistered,
)


class Identity(Value):
    """Who a person is."""

    title: str | Erased
    last_name: str | Erased
    first_name: str | Erased
    born_on: date | Erased | None


class Contact(Value):
    """How a person is reached."""

    email: str | Erased | None
    phone: str | Erased | None


class Party(Aggregate):
    kind = "party"

    client_reference: str = ""
    identity: Identity | None = None
    contact: Contact | None = None
    iban: str | Erased | None = None

    def register(self, client_reference: str, identity: Identity, contact: Contact) -> None:
        self.trigger_event(
            PartyRegistered,
            party_id=self.id,
            client_reference=client_reference,
            **identity.__dict__,
            **contact.__dict__,
        )

    def correct_identity(self, identity: Identity) -> None:
        if identity != self.identity:
            self.trigger_event(IdentityCorrected, party_id=self.id, **identity.__dict__)

    def change_contact(self, contact: Contact) -> None:
        if contact != self.contact:
            self.trigger_event(ContactChanged, party_id=self.id, **contact.__dict__)

    def declare_bank_details(self, iban: str | None) -> None:
        if iban != self.iban:
            self.trigger_event(BankDetailsDeclared, party_id=self.id, iban=iban)

    def evolve(self, event: PartyEvent) -> None:
        match event:
            case PartyRegistered():
                self.client_reference = event.client_reference
                self.identity = _identity(event)
                self.contact = Contact(email=event.email, phone=event.phone)
            case IdentityCorrected():
                self.identity = _identity(event)
            case ContactChanged():
                self.contact = Contact(email=event.email, phone=event.phone)
            case BankDetailsDeclared():
                self.iban = event.iban
            case _:
                assert_never(event)


def _identity(event: PartyRegistered | IdentityCorrected) -> Identity:
    return Identity(
        title=event.title,
        last_name=event.last_name,
        first_name=event.first_name,
        born_on=event.born_on,
    )
