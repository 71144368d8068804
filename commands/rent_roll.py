"""Take over a lease from the rent roll of the agency's former software."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from aggregates.lease import Lease, Reading
from aggregates.lot import Description, Lot
from aggregates.party import Contact, Identity, Party
from aggregates.rent_account import RentAccount
from aggregates.store import Store
from commands import Command
from domain.lease import Tenant, Terms
from domain.lot import EnergyClass
from domain.money import Cents
from domain.principal import Role

Word = Annotated[str, Field(min_length=1, max_length=200)]
MOST_OWED_CENTS = 10**11
"""Far below what an account can hold, so that years of bills can be added to it."""
Outcome = Literal["imported", "unchanged", "differing", "amended"]


class TakeOverLease(Command):
    """One row of a rent roll: a lease with its tenant, its lot and its balance on one date.

    An identical row changes nothing. A row that differs from what is known is only told, unless
    differences are accepted: then it is an amendment, from the day of the import on.
    """

    allowed: ClassVar[frozenset[Role]] = frozenset({Role.ADMIN, Role.SERVICE})

    client_reference: Word
    title: Word
    last_name: Word
    first_name: Word
    born_on: date
    email: Annotated[str, Field(max_length=254)] | None = None
    phone: Annotated[str, Field(max_length=40)] | None = None
    lease_reference: Word
    lot_reference: Word
    street: Word
    postcode: Annotated[str, Field(pattern=r"^\d{5}$")]
    city: Word
    energy_class: EnergyClass | None = None
    entered_on: date
    left_on: date | None = None
    terms: Terms
    iban: Annotated[str, Field(max_length=34)] | None = None
    balance_cents: Annotated[Cents, Field(ge=-MOST_OWED_CENTS, le=MOST_OWED_CENTS)]
    balance_on: date
    accept_differences: bool = False

    def handle(self, store: Store) -> Mapping[str, object]:
        party = store.get(Party, self.client_reference)
        party.refuse_if_erased()
        lot = store.get(Lot, self.lot_reference)
        lease = store.get(Lease, self.lease_reference)
        account = store.get(RentAccount, lease.id)
        row = self if lease.exists else self._completed(party, lot)
        differences = list(row._differences(party, lot, lease, account))
        if differences and not self.accept_differences:
            return {"outcome": "differing", "lease_id": lease.id, "differences": differences}
        outcome: Outcome = "imported"
        if lease.exists:
            outcome = "amended" if differences else "unchanged"
        row._keep(store, party, lot, lease, account)
        return {"outcome": outcome, "lease_id": lease.id, "differences": differences}

    def _completed(self, party: Party, lot: Lot) -> Self:
        """The row of a new lease, where a blank leaves what the rows of other leases have said.

        Else it would count in which order the leases of one tenant come.
        """
        known: dict[str, object] = {"iban": party.iban}
        if party.contact is not None:
            known |= {"email": party.contact.email, "phone": party.contact.phone}
        if lot.description is not None:
            known |= {"energy_class": lot.description.energy_class}
        blank = {name: value for name, value in known.items() if getattr(self, name) is None}
        return self.model_copy(update=blank)

    def _identity(self) -> Identity:
        return Identity(
            title=self.title,
            last_name=self.last_name,
            first_name=self.first_name,
            born_on=self.born_on,
        )

    def _contact(self) -> Contact:
        return Contact(email=self.email, phone=self.phone)

    def _description(self) -> Description:
        return Description(
            kind="garage" if self.terms.kind == "garage" else "dwelling",
            street=self.street,
            postcode=self.postcode,
            city=self.city,
            energy_class=self.energy_class,
        )

    def _reading(self, party: Party, lot: Lot) -> Reading:
        return Reading(
            lot_ids=(lot.id,),
            tenants=(Tenant(party_id=party.id),),
            start_on=self.entered_on,
            ended_on=self.left_on,
            terms=self.terms,
        )

    def _differences(
        self, party: Party, lot: Lot, lease: Lease, account: RentAccount
    ) -> Iterator[str]:
        """The names of what differs from what is known; no values, they may be personal."""
        asked = self._reading(party, lot)
        new = not lease.exists
        if party.exists:
            assert party.identity is not None
            yield from _differing(party.identity, self._identity())
            assert party.contact is not None
            yield from _differing(party.contact, self._contact(), completed=new)
            if party.iban != self.iban and (party.iban is not None or lease.exists):
                yield "iban"
        if lot.description is not None:
            yield from _differing(lot.description, self._description(), completed=new)
        if lease.exists:
            known = lease.reading
            yield from (
                column
                for name, column in _LEASE_COLUMNS.items()
                if getattr(known, name) != getattr(asked, name)
            )
            yield from _differing(known.terms, asked.terms)
            # A later roll's balance is not compared: by then our own books have moved on.
            same_books = lease.taken_over_on == self.balance_on
            if same_books and account.opening_cents != self.balance_cents:
                yield "balance_cents"

    def _keep(
        self, store: Store, party: Party, lot: Lot, lease: Lease, account: RentAccount
    ) -> None:
        if party.exists:
            party.correct_identity(self._identity())
            party.change_contact(self._contact())
        else:
            party.register(self.client_reference, self._identity(), self._contact())
        party.declare_bank_details(self.iban)
        lot.register(self.lot_reference)
        lot.describe(self._description())
        reading = self._reading(party, lot)
        if not lease.exists:
            lease.sign(self.lease_reference, reading, self.balance_on)
            account.open_with(lease.id, self.balance_cents, self.balance_on)
            return
        lease.amend(reading, store.today, "rent_roll")
        if lease.taken_over_on == self.balance_on:
            difference = self.balance_cents - account.opening_cents
            if difference:
                account.correct(lease.id, difference, self.balance_on)
                account.allocate_credit(store.today)


_LEASE_COLUMNS = {
    "lot_ids": "lot_reference",
    "tenants": "client_reference",
    "start_on": "entered_on",
    "ended_on": "left_on",
}


def _differing(known: object, asked: object, *, completed: bool = False) -> list[str]:
    """The names of fields that differ; `completed` lets what was not known be added."""
    return [
        name
        for name, value in vars(asked).items()
        if getattr(known, name) != value and not (completed and getattr(known, name) is None)
    ]
