"""Keep what is known of a person true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from aggregates.party import Contact, Party
from aggregates.store import Store
from commands import Command
from commands.payment import Email
from domain import NotFound

Phone = Annotated[str, Field(pattern=r"^\+?[0-9 ().-]*[0-9][0-9 ().-]*$", max_length=40)]


class NoSuchParty(NotFound):
    """Nobody is known to this agency under this reference."""


class ChangeContact(Command):
    """From now on a person is reached so; null for what is no longer known.

    Both are asked for, so that leaving one out never deletes it by mistake.
    """

    client_reference: Annotated[str, Field(min_length=1, max_length=200)]
    email: Email | None
    phone: Phone | None

    def handle(self, store: Store) -> Mapping[str, object]:
        party = store.get(Party, self.client_reference)
        if not party.exists:
            raise NoSuchParty("Cette personne n'est pas connue.", "This person is not known.")
        party.change_contact(Contact(email=self.email, phone=self.phone))
        return {"party_id": party.id}
