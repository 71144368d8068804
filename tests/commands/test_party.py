"""A person is reached otherwise, or erased: once, by who may, and only somebody who is known."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from aggregates.lease import Lease
from aggregates.party import Contact, Party
from aggregates.rent_account import RentAccount
from commands.invoice import IssueInvoices
from commands.party import ChangeContact, ErasePerson, NoSuchParty
from commands.rent_roll import TakeOverLease
from domain import ERASED
from domain.party import ContactChanged, PartyErased, PersonErased, StillNeeded
from domain.principal import Role
from tests.given import Books, day, month, row

HERS, HIS = "C-L-0312", "C-L-0313"


def books() -> Books:
    """Two tenants, so that a change of one that reaches the other is seen."""
    known = Books()
    known.do(row("L-0312"))
    known.do(row("L-0313"))
    return known


def contact(**other: Any) -> ChangeContact:
    said = {"client_reference": HERS, "email": "zoe@exemple.fr", "phone": "+33611223344"}
    return ChangeContact(**(said | other))


def test_a_new_contact_is_one_fact_about_that_person() -> None:
    known = books()
    hers = known.get(Party, HERS)
    told = known.when(contact()).then(
        ContactChanged(party_id=hers.id, email="zoe@exemple.fr", phone="+33611223344")
    )
    assert told.answer == {"party_id": hers.id}
    assert known.get(Party, HERS).contact == Contact(email="zoe@exemple.fr", phone="+33611223344")
    assert known.get(Party, HIS).contact == Contact(email="anais@exemple.fr", phone="+33387000000")


def test_what_is_known_already_is_no_news() -> None:
    known = books()
    known.do(contact())
    known.when(contact()).then()


def test_null_says_that_it_is_no_longer_known() -> None:
    known = books()
    changed = known.when(contact(email=None)).one(ContactChanged)
    assert (changed.email, changed.phone) == (None, "+33611223344")


def test_nobody_is_reached_who_is_not_known() -> None:
    books().when(contact(client_reference="C-9999")).refused(NoSuchParty)


def test_staff_ask_and_auditors_and_accountants_do_not() -> None:
    assert ChangeContact.allowed == {Role.SERVICE, Role.AGENT, Role.ADMIN}


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "zoe"},
        {"email": "zoe@exemple"},
        {"email": "zoe@exem\nple.fr"},
        {"email": "a" * 250 + "@b.fr"},
        {"phone": "call me"},
        {"phone": "+ ()"},
        {"phone": ""},
        {"phone": "1" * 41},
        {"client_reference": ""},
    ],
)
def test_what_reaches_nobody_is_not_taken(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        ChangeContact(**({"client_reference": HERS, "email": None, "phone": None} | wrong))


@pytest.mark.parametrize("left_out", ["email", "phone"])
def test_leaving_one_out_deletes_nothing(left_out: str) -> None:
    said = {"client_reference": HERS, "email": None, "phone": None}
    del said[left_out]
    with pytest.raises(ValidationError):
        ChangeContact(**said)


def former_tenant(**other: Any) -> Books:
    """Two leases that ended on 15/06/2026; theirs, and a neighbour's with another account."""
    known = Books(today="25/04/2026")
    left: dict[str, Any] = {"left_on": day("15/06/2026"), "balance_on": day("31/03/2026")}
    known.do(row("L-0312", **left, **other))
    known.do(row("L-0313", **left))
    return known


def erase(reference: str = HERS) -> ErasePerson:
    return ErasePerson(client_reference=reference)


def test_who_owes_is_not_erased_and_is_told_why() -> None:
    """Scenario 35: half a month is owed when the tenant asks."""
    known = former_tenant()
    hers = known.get(Lease, "L-0312")
    known.on("01/06/2026").do(IssueInvoices(period=month("2026-06"), lease_ids=(hers.id,)))

    told = known.on("01/09/2026").when(erase())
    told.refused(StillNeeded)
    assert told.refusal is not None
    assert "355,50" in told.refusal.told("fr")
    assert "L-0312" in told.refusal.told("fr")


def test_who_is_owed_is_not_erased_either() -> None:
    known = former_tenant(balance_cents=-6100)
    told = known.on("01/01/2040").when(erase())
    told.refused(StillNeeded)
    assert told.refusal is not None
    assert "61,00" in told.refusal.told("fr")


@pytest.mark.parametrize("on", ["15/06/2026", "16/06/2026", "15/06/2029", "31/12/2036"])
def test_nobody_is_erased_before_the_lease_is_over_and_its_terms(on: str) -> None:
    known = former_tenant(balance_cents=100)
    pay(known, "L-0312", 100)
    known.on(on).when(erase()).refused(StillNeeded)


def test_after_the_terms_one_person_is_erased_once_and_no_other() -> None:
    known = former_tenant(balance_cents=100)
    pay(known, "L-0312", 100)
    hers = known.get(Party, HERS)

    told = known.on("01/01/2037").when(erase())
    told.then(PartyErased(party_id=hers.id, ground="request"))
    assert told.answer == {"party_id": hers.id}
    known.when(erase()).then()
    gone, stays = known.get(Party, HERS), known.get(Party, HIS)
    assert gone.identity is not None
    assert {gone.identity.last_name, gone.identity.born_on, gone.iban} == {ERASED}
    assert stays.identity is not None
    assert stays.identity.last_name == "Schmitt"


def test_a_lease_that_was_never_billed_keeps_its_tenant_for_three_years() -> None:
    known = former_tenant()
    known.on("15/06/2029").when(erase()).refused(StillNeeded)
    known.on("16/06/2029").when(erase()).all(PartyErased)


def test_the_retention_terms_are_the_programs_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ErasePerson, "lease_years", 0)
    known = former_tenant()
    known.on("16/06/2026").when(erase()).all(PartyErased)


def test_who_once_was_a_tenant_of_a_lease_that_runs_is_still_needed() -> None:
    known = books()
    amended = {**row("L-0312").model_dump(), "client_reference": "C-9", "accept_differences": True}
    known.do(TakeOverLease.model_validate(amended))
    known.when(erase("C-9")).refused(StillNeeded)
    known.when(erase()).refused(StillNeeded)


def test_nothing_more_is_written_down_about_who_was_erased() -> None:
    known = former_tenant().on("01/01/2037")
    known.do(erase())
    known.when(contact()).refused(PersonErased)
    known.when(row("L-0312", accept_differences=True)).refused(PersonErased)
    known.when(row("L-0999", client_reference=HERS)).refused(PersonErased)


def test_nobody_is_erased_who_is_not_known() -> None:
    books().when(erase("C-9999")).refused(NoSuchParty)


def test_an_admin_alone_erases() -> None:
    assert ErasePerson.allowed == {Role.ADMIN}


def test_what_is_replayed_with_the_key_gone_is_what_was_decided() -> None:
    known = former_tenant().on("01/01/2037")
    known.do(erase())
    decided = known.get(Party, HERS)
    facts = known.log.streams[decided.id]
    read = [
        (
            version,
            event.model_copy(
                update={
                    name: ERASED
                    for name in type(event).personal
                    if getattr(event, name) is not None
                }
            ),
        )
        for version, event in facts
    ]
    assert vars(Party.replay(decided.id, read)) == vars(decided)


def pay(known: Books, lease: str, cents: int) -> None:
    """The debt of an account is paid, in this account alone."""
    stream = known.get(Lease, lease).id
    known.decide(
        lambda store: store.get(RentAccount, stream).book(stream, uuid4(), cents, (), store.today)
    )
