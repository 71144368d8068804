"""Which leases there are, with whom and on which terms."""

from __future__ import annotations

from dataclasses import replace

from projections import projected
from projections.leases import (
    LeaseRow,
    Leases,
    lease,
    lease_by_reference,
    leases_after,
    running_in,
)
from tests.given import day, month
from tests.projections.story import LILAS, NOBODY, Story, lot, party, stored


def flat(story: Story) -> LeaseRow:
    return LeaseRow(
        story.flat, "L-0312", "unfurnished", (lot("L-0312"),), (party("L-0312"),),
        day("01/03/2024"), None, 62000, 9860, 0, 0, "advance", 5, day("31/03/2026"),
    )  # fmt: skip


def gone(story: Story) -> LeaseRow:
    return replace(
        flat(story),
        lease_id=story.gone,
        reference="L-0299",
        lot_ids=(lot("L-0299"),),
        tenant_ids=(party("L-0299"),),
        ended_on=day("31/12/2025"),
        rent_cents=61240,
    )


def test_a_lease_reads_as_it_was_last_amended() -> None:
    story = Story()
    rows = projected(Leases(), story.entries)
    assert rows.get(LeaseRow, story.flat) == flat(story)
    assert rows.get(LeaseRow, story.gone) == gone(story)
    assert len(rows.all(LeaseRow)) == 3


def test_a_lease_is_found_by_its_id_and_by_its_reference(database_url: str) -> None:
    story = Story()
    with stored(database_url, story.entries, Leases()) as connection:
        assert lease(connection, LILAS, story.flat) == flat(story)
        assert lease(connection, LILAS, NOBODY) is None
        assert lease(connection, NOBODY, story.flat) is None
        assert lease_by_reference(connection, LILAS, "L-0299") == gone(story)
        assert lease_by_reference(connection, LILAS, "L-0300") is None
        assert lease_by_reference(connection, NOBODY, "L-0299") is None


def test_leases_are_listed_by_reference(database_url: str) -> None:
    story = Story()
    with stored(database_url, story.entries, Leases()) as connection:

        def listed(after: str, limit: int = 10) -> list[str]:
            return [row.reference for row in leases_after(connection, LILAS, after, limit)]

        assert listed("") == ["L-0299", "L-0312", "L-0313"]
        assert listed("", 2) == ["L-0299", "L-0312"]
        assert listed("L-0312") == ["L-0313"]
        assert leases_after(connection, NOBODY, "", 10) == []


def test_a_lease_runs_in_a_period_by_at_least_a_day(database_url: str) -> None:
    story = Story()
    with stored(database_url, story.entries, Leases()) as connection:
        all_three = [story.gone, story.flat, story.garage]
        assert running_in(connection, LILAS, month("2025-12")) == all_three
        assert running_in(connection, LILAS, month("2026-01")) == all_three[1:]
        assert running_in(connection, LILAS, month("2024-03")) == all_three
        assert running_in(connection, LILAS, month("2024-02")) == []
        assert running_in(connection, NOBODY, month("2025-12")) == []
