"""Which agencies there are."""

from __future__ import annotations

from domain.agency import AgencyCreated
from journal import HOUSE, agency_id
from projections import projected
from projections.agencies import Agencies, AgencyRow, agency_named, all_agencies
from tests.given import recorded
from tests.projections.story import LILAS, NOBODY, stored


def created(slug: str) -> AgencyCreated:
    return AgencyCreated(
        agency_id=agency_id(slug),
        slug=slug,
        legal_name=f"Agence des {slug.title()}",
        siren="732829320",
        department="57",
    )


ENTRIES = recorded(created("roses"), created("lilas"), agency=HOUSE)
ROSES_ROW, LILAS_ROW = (
    AgencyRow(agency_id(slug), slug, f"Agence des {slug.title()}", "732829320", "57")
    for slug in ("roses", "lilas")
)


def test_each_agency_has_a_row() -> None:
    found = projected(Agencies(), ENTRIES).all(AgencyRow)
    assert sorted(row.slug for row in found) == ["lilas", "roses"]
    assert LILAS_ROW in found


def test_agencies_are_listed_by_slug(database_url: str) -> None:
    with stored(database_url, ENTRIES, Agencies(), agencies=(HOUSE, NOBODY)) as connection:
        assert all_agencies(connection) == [LILAS_ROW, ROSES_ROW]
        assert agency_named(connection, LILAS) == LILAS_ROW
        assert agency_named(connection, NOBODY) is None


def test_only_the_log_that_all_share_says_what_agencies_there_are(database_url: str) -> None:
    with stored(database_url, ENTRIES, Agencies(), agencies=(LILAS,)) as connection:
        assert all_agencies(connection) == []
        assert agency_named(connection, LILAS) is None
