"""A person is registered once; what changes is told, what is the same is not."""

from __future__ import annotations

from typing import Any

from aggregates.party import Contact, Identity, Party
from domain import ERASED
from domain.party import BankDetailsDeclared, ContactChanged, IdentityCorrected, PartyRegistered
from tests.given import PARTY, day, given

IDENTITY: dict[str, Any] = {
    "title": "Mme",
    "last_name": "Schmitt",
    "first_name": "Anaïs",
    "born_on": day("02/01/1990"),
}
CONTACT: dict[str, Any] = {"email": "anais@exemple.fr", "phone": None}

registered = PartyRegistered(party_id=PARTY, client_reference="C-004217", **IDENTITY, **CONTACT)


def test_a_person_is_registered_with_all_that_is_known() -> None:
    given(Party, stream=PARTY).when(
        Party.register, "C-004217", Identity(**IDENTITY), Contact(**CONTACT)
    ).then(registered)


def test_what_is_the_same_is_not_told() -> None:
    party = given(Party, registered, stream=PARTY)
    party.when(Party.correct_identity, Identity(**IDENTITY)).then()
    party.when(Party.change_contact, Contact(**CONTACT)).then()
    party.when(Party.declare_bank_details, None).then()


def test_what_changes_is_told_once() -> None:
    party = given(Party, registered, stream=PARTY)
    wed, moved = IDENTITY | {"last_name": "Weber"}, CONTACT | {"phone": "+33387000000"}
    party.when(Party.correct_identity, Identity(**wed)).then(
        IdentityCorrected(party_id=PARTY, **wed)
    )
    party.when(Party.change_contact, Contact(**moved)).then(ContactChanged(party_id=PARTY, **moved))
    party.when(Party.declare_bank_details, "FR76").then(
        BankDetailsDeclared(party_id=PARTY, iban="FR76")
    )
    party.when(Party.declare_bank_details, "FR76").then()
    party.when(Party.declare_bank_details, None).then(BankDetailsDeclared(party_id=PARTY))


def test_an_erased_person_is_still_the_same_person() -> None:
    erased = registered.model_copy(
        update=dict.fromkeys(["title", "last_name", "first_name", "born_on", "email"], ERASED)
    )
    party = given(Party, erased, stream=PARTY).aggregate
    assert party.client_reference == "C-004217"
    assert party.identity is not None
    assert str(party.identity.last_name) == "[effacé]"
