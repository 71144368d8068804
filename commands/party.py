"""Keep what is known of a person true."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from aggregates.lease import Lease
from aggregates.party import Contact, Party
from aggregates.rent_account import RentAccount
from aggregates.store import Store
from commands import Command
from commands.payment import Email
from domain import NotFound
from domain.lease import LeaseAmended, LeaseSigned
from domain.party import StillNeeded
from domain.principal import Role
from domain.words import euros, short_date

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
        party.refuse_if_erased()
        party.change_contact(Contact(email=self.email, phone=self.phone))
        return {"party_id": party.id}


class ErasePerson(Command):
    """Make unreadable for ever, in every fact and paper, who a person is. Money facts stay.

    Refused while a lease runs, while its account is open, or before the terms are over: after
    the lease (limitation, law of 6 July 1989, art. 7-1) and after the year of the last posting
    (books, C. com. L123-22). Nobody can take it back.
    """

    allowed: ClassVar[frozenset[Role]] = frozenset({Role.ADMIN})
    lease_years: ClassVar[int] = 3
    """How long a tenant stays known after a lease; set by the running program."""
    books_years: ClassVar[int] = 10
    """How long the books can say whom they are about; set by the running program."""

    client_reference: Annotated[str, Field(min_length=1, max_length=200)]
    ground: Literal["request", "term"] = "request"

    def handle(self, store: Store) -> Mapping[str, object]:
        party = store.get(Party, self.client_reference)
        if not party.exists:
            raise NoSuchParty("Cette personne n'est pas connue.", "This person is not known.")
        if not party.erased:
            for lease in store.naming(Lease, party.id, LeaseSigned, LeaseAmended):
                account = store.get(RentAccount, lease.id)
                _refuse_unsettled(lease, account, store.today)
                self._refuse_before_term(lease, account, store.today)
        party.erase(self.ground)
        return {"party_id": party.id}

    def _refuse_before_term(self, lease: Lease, account: RentAccount, today: date) -> None:
        assert lease.reading.ended_on is not None
        kept_until = _years_after(lease.reading.ended_on, self.lease_years)
        if account.newest_on is not None:
            books = date(account.newest_on.year + self.books_years, 12, 31)
            kept_until = max(kept_until, books)
        if today <= kept_until:
            raise StillNeeded(
                f"La loi fait conserver jusqu'au {short_date(kept_until)} de qui est le bail"
                f" {lease.reference} (prescription, livres comptables).",
                f"The law asks to keep until {short_date(kept_until)} whose lease"
                f" {lease.reference} is (limitation, accounting books).",
            )


def _refuse_unsettled(lease: Lease, account: RentAccount, today: date) -> None:
    ended_on = lease.reading.ended_on
    if ended_on is None or ended_on >= today:
        raise StillNeeded(
            f"Le bail {lease.reference} court : il ne peut pas être exécuté sans savoir avec qui.",
            f"Lease {lease.reference} runs: it cannot be carried out without knowing with whom.",
        )
    owed = account.balance_cents
    if owed > 0:
        raise StillNeeded(
            f"Le compte du bail {lease.reference} doit encore {euros(owed)} : les données restent"
            " nécessaires à la défense de ce droit (RGPD, art. 17-3 e).",
            f"The account of lease {lease.reference} still owes {euros(owed, 'en')}: the data is"
            " needed to defend that claim (GDPR art. 17-3 e).",
        )
    if owed < 0:
        raise StillNeeded(
            f"{euros(-owed)} restent à rendre sur le bail {lease.reference} : sans ces données,"
            " personne ne saurait à qui.",
            f"{euros(-owed, 'en')} are still to be paid back for lease {lease.reference}: without"
            " this data nobody would know to whom.",
        )


def _years_after(day: date, years: int) -> date:
    """The same day, years later; 28 February for the 29th of a leap year."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return (day - timedelta(days=1)).replace(year=day.year + years)
