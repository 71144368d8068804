"""To open an agency's books."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from commands.agency import CreateAgency
from domain.agency import AgencyCreated, AgencyExists, BadSiren
from journal import agency_id
from tests.given import Books


def create(**other: Any) -> CreateAgency:
    known = {
        "slug": "lilas",
        "legal_name": "Agence des Lilas",
        "siren": "732 829 320",
        "department": "57",
    }
    return CreateAgency(**(known | other))


def test_an_agency_is_opened_under_its_slug() -> None:
    told = Books(slug="house").when(create())
    told.then(
        AgencyCreated(
            agency_id=agency_id("lilas"),
            slug="lilas",
            legal_name="Agence des Lilas",
            siren="732829320",
            department="57",
        )
    )
    assert told.answer == {"agency_id": agency_id("lilas"), "slug": "lilas"}


def test_asked_twice_it_is_opened_once() -> None:
    house = Books(slug="house")
    first = house.do(create())
    assert house.when(create(siren="732829320")).then().answer == first


def test_a_slug_is_taken_for_ever() -> None:
    house = Books(slug="house")
    house.do(create())
    house.when(create(legal_name="Agence des Roses")).refused(AgencyExists)
    house.do(create(slug="roses", legal_name="Agence des Roses"))


@pytest.mark.parametrize("siren", ["732829321", "73282932", "abcdefghi", "1234567890", "-"])
def test_a_siren_has_nine_digits_and_a_check_digit(siren: str) -> None:
    Books(slug="house").when(create(siren=siren)).refused(BadSiren)


@pytest.mark.parametrize(
    "slug", ["", "a", "Lilas", "les lilas", "-lilas", "lilas-", "a--b", "é" * 4]
)
def test_a_slug_is_plain(slug: str) -> None:
    with pytest.raises(ValidationError):
        create(slug=slug)


@pytest.mark.parametrize("department", ["", "5", "00", "20", "96", "99", "970", "2C", "570", "5a"])
def test_a_department_is_one_that_exists(department: str) -> None:
    with pytest.raises(ValidationError):
        create(department=department)


@pytest.mark.parametrize("department", ["01", "19", "21", "2A", "2B", "57", "95", "971", "976"])
def test_every_department_may_have_an_agency(department: str) -> None:
    assert create(department=department).department == department
