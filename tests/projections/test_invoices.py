"""Which invoices were issued."""

from __future__ import annotations

from projections import projected
from projections.invoices import InvoiceRow, Invoices, invoice, invoices_of_lease
from tests.given import day
from tests.projections.story import LILAS, NOBODY, Story, stored


def line(kind: str, cents: int) -> dict[str, object]:
    return {
        "kind": kind,
        "first_on": "2026-05-01",
        "last_on": "2026-05-31",
        "amount_cents": cents,
    }


def flat(story: Story) -> InvoiceRow:
    return InvoiceRow(
        story.flat_invoice, "F-2026-000001", story.flat, "2026-05",
        [line("rent", 61240), line("charges", 9860)], 71100, 0, 0, 41131, 71100,
        day("05/05/2026"), day("25/04/2026"),
    )  # fmt: skip


def garage(story: Story) -> InvoiceRow:
    return InvoiceRow(
        story.garage_invoice, "F-2026-000002", story.garage, "2026-05", [line("rent", 4500)],
        4500, 4500, 500, 0, 0, day("05/05/2026"), day("25/04/2026"),
    )  # fmt: skip


def test_an_invoice_says_what_it_said_when_it_was_issued() -> None:
    story = Story()
    rows = projected(Invoices(), story.entries)
    assert rows.get(InvoiceRow, story.flat_invoice) == flat(story)
    assert rows.get(InvoiceRow, story.garage_invoice) == garage(story)
    assert len(rows.all(InvoiceRow)) == 2


def test_an_invoice_is_found_by_its_id(database_url: str) -> None:
    story = Story()
    with stored(database_url, story.entries, Invoices()) as connection:
        assert invoice(connection, LILAS, story.garage_invoice) == garage(story)
        assert invoice(connection, LILAS, story.flat) is None
        assert invoice(connection, NOBODY, story.garage_invoice) is None


def test_the_invoices_of_a_lease_come_by_period(database_url: str) -> None:
    story = Story()
    story.bill("2026-07", story.flat)
    story.bill("2026-06", story.flat, story.garage)
    with stored(database_url, story.entries, Invoices()) as connection:

        def listed(after: str, limit: int = 10) -> list[str]:
            found = invoices_of_lease(connection, LILAS, story.flat, after, limit)
            assert {row.lease_id for row in found} <= {story.flat}
            return [row.period for row in found]

        assert listed("") == ["2026-05", "2026-06", "2026-07"]
        assert listed("", 2) == ["2026-05", "2026-06"]
        assert listed("2026-05") == ["2026-06", "2026-07"]
        assert invoices_of_lease(connection, NOBODY, story.flat, "", 10) == []
