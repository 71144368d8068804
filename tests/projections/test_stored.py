"""What is stored is what is folded, however the log is cut into pieces."""

from __future__ import annotations

import pytest

from projections import Projection, projected
from projections.tables import find
from system.office import PROJECTIONS
from tests.projections.story import LILAS, ROSES, Story, stored

FOLDED_FROM_LEASES = [projection for projection in PROJECTIONS if projection.name != "agencies"]


@pytest.mark.parametrize("at_once", [1, 11, 1000])
def test_the_tables_hold_what_the_pure_fold_says(database_url: str, at_once: int) -> None:
    story = Story()
    with stored(database_url, story.entries, *FOLDED_FROM_LEASES, at_once=at_once) as connection:
        for projection in FOLDED_FROM_LEASES:
            rows = projected(projection, story.entries)
            for kind in projection.rows:
                order = ", ".join(f'"{name}"' for name in kind.key)
                for agency in (LILAS, ROSES):
                    found = find(connection, kind, f"agency = %s ORDER BY {order}", [agency])
                    assert sorted(found, key=kind.key_of) == rows.all(kind), kind


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: projection.name)
def test_nothing_comes_of_an_empty_log(projection: Projection) -> None:
    rows = projected(projection, [])
    assert all(rows.all(kind) == [] for kind in projection.rows)
