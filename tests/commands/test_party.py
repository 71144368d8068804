"""A person is reached otherwise: once, by staff, and only somebody who is known."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from aggregates.party import Contact, Party
from commands.party import ChangeContact, NoSuchParty
from domain.party import ContactChanged
from domain.principal import Role
from tests.given import Books, row

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
