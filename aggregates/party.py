"""A person: registered once, then corrected and reached otherwise as life goes on."""

from __future__ import annotations

from datetime import date
from typing import Literal, TypeVar, assert_never

from aggregates import Aggregate
from domain import ERASED, Erased, Value
from domain.party import (
    BankDetailsDeclared,
    ContactChanged,
    IdentityCorrected,
    PartyErased,
    PartyEvent,
    PartyRegistered,
    PersonErased,
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
    erased: bool = False

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

    def erase(self, ground: Literal["request", "term"]) -> None:
        if not self.erased:
            self.trigger_event(PartyErased, party_id=self.id, ground=ground)

    def refuse_if_erased(self) -> None:
        """Nothing more is written down about somebody who was erased."""
        if self.erased:
            raise PersonErased(
                "Les données de cette personne ont été effacées ; rien ne peut y être ajouté."
                " Prenez une nouvelle référence.",
                "This person's data was erased; nothing can be added to it. Use a new reference.",
            )

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
            case PartyErased():
                # As it reads from the journal from now on, so that replay ends with the same.
                self.erased = True
                self.identity = self.identity and _forgotten(self.identity)
                self.contact = self.contact and _forgotten(self.contact)
                self.iban = None if self.iban is None else ERASED
            case _:
                assert_never(event)


V = TypeVar("V", Identity, Contact)


def _forgotten(known: V) -> V:
    """Erased, save for what was never known."""
    return known.model_copy(
        update={name: ERASED for name, value in known.__dict__.items() if value is not None}
    )


def _identity(event: PartyRegistered | IdentityCorrected) -> Identity:
    return Identity(
        title=event.title,
        last_name=event.last_name,
        first_name=event.first_name,
        born_on=event.born_on,
    )
