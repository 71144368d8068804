"""An agency is opened once."""

from __future__ import annotations

from aggregates.agency import Agency
from domain.agency import AgencyCreated, AgencyExists
from journal import agency_id
from tests.given import given

LILAS = AgencyCreated(
    agency_id=agency_id("lilas"),
    slug="lilas",
    legal_name="Agence des Lilas",
    siren="732829320",
    department="57",
)


def test_an_agency_is_created_once() -> None:
    agency = given(Agency)
    agency.when(Agency.create, **vars(LILAS)).then(LILAS)
    agency.when(Agency.create, **vars(LILAS)).then()


def test_another_agency_cannot_take_its_name() -> None:
    other = vars(LILAS) | {"siren": "552100554"}
    given(Agency, LILAS).when(Agency.create, **other).refused(AgencyExists)
