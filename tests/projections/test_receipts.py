"""Which receipts were given for which period."""

from __future__ import annotations

from domain.receipt import PartialReceiptIssued, RentReceiptIssued
from projections import projected
from projections.receipts import ReceiptRow, Receipts, receipt, receipts_of_lease
from tests.given import day
from tests.projections.story import LILAS, NOBODY, Story, stored


def part(payment: object, cents: int) -> dict[str, object]:
    return {
        "by": "card",
        "amount_cents": cents,
        "paid_on": "2026-05-06",
        "source_id": str(payment),
    }


def expected(story: Story) -> list[ReceiptRow]:
    (recu,) = story.books.told(PartialReceiptIssued)
    (quittance,) = story.books.told(RentReceiptIssued)
    at = {entry.event: entry.position for entry in story.entries if "Receipt" in entry.name}
    both = sorted(
        [part(story.settled, 40000), part(story.rest, 31100)],
        key=lambda paid: str(paid["source_id"]),
    )
    return [
        ReceiptRow(
            recu.receipt_id, "Q-2026-000001", story.flat, "2026-05", "receipt", 40000, None, None,
            31100, 0, day("06/05/2026"), [part(story.settled, 40000)], at[recu],
        ),
        ReceiptRow(
            quittance.receipt_id, "Q-2026-000002", story.flat, "2026-05", "quittance", 71100,
            61240, 9860, 0, 41131, day("06/05/2026"), both, at[quittance],
        ),
    ]  # fmt: skip


def test_a_quittance_tells_rent_and_charges_apart_and_a_recu_does_not() -> None:
    story = Story()
    rows = projected(Receipts(), story.entries)
    assert sorted(rows.all(ReceiptRow), key=lambda row: row.position) == expected(story)


def test_receipts_are_found_and_listed_in_order(database_url: str) -> None:
    story = Story()
    first, second = expected(story)
    with stored(database_url, story.entries, Receipts()) as connection:
        assert receipt(connection, LILAS, first.receipt_id) == first
        assert receipt(connection, LILAS, second.receipt_id) == second
        assert receipt(connection, LILAS, NOBODY) is None
        assert receipt(connection, NOBODY, first.receipt_id) is None
        assert receipts_of_lease(connection, LILAS, story.flat, 0, 10) == [first, second]
        assert receipts_of_lease(connection, LILAS, story.flat, 0, 1) == [first]
        assert receipts_of_lease(connection, LILAS, story.flat, first.position, 10) == [second]
        assert receipts_of_lease(connection, LILAS, story.garage, 0, 10) == []
        assert receipts_of_lease(connection, NOBODY, story.flat, 0, 10) == []
