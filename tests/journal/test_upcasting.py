"""An event that once told its amount in decimal euros tells cents, and the books stay the same.

The product has had no such event: `PaidAtCounter` is made up, as the example that
docs/changing-an-event.md walks through. What is stored in its first version is stored for real.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import ClassVar, Literal
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates import Aggregate
from domain import Event, Fields, from_version
from domain.money import PositiveCents
from journal import Envelope, Fact, UnknownEvent
from journal.append import Append
from tests.journal.desk import METZ, Desk

TILL, OTHER_TILL = uuid5(METZ, "till"), uuid5(METZ, "other till")


class _In2021:
    class PaidAtCounter(Event):
        """Version 1, as a program of 2021 stored it: `{"amount":711.0}`."""

        amount: float
        effective_on: date


class PaidAtCounter(Event):
    """Version 2: money is integer cents, and says of which currency."""

    schema_version: ClassVar[int] = 2

    amount_cents: PositiveCents
    currency: Literal["EUR"]
    effective_on: date

    @from_version(1)
    def _euros_become_cents(fields: Fields) -> Fields:
        # By way of the shortest decimal that reads so: 711.1 * 100 would be 71110.00000000001.
        cents = Decimal(str(fields["amount"])) * 100
        if cents != int(cents):
            raise ValueError("an amount in euros has whole cents")
        rest = {name: value for name, value in fields.items() if name != "amount"}
        return {**rest, "amount_cents": int(cents), "currency": "EUR"}


del Event.named["PaidAtCounter"]


class Till(Aggregate):
    kind = "till"

    total_cents: int = 0

    def evolve(self, event: PaidAtCounter) -> None:
        self.total_cents += event.amount_cents


@pytest.fixture(autouse=True)
def paid_at_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Event.named, "PaidAtCounter", PaidAtCounter)


def keep(here: Desk, till: UUID, first_version: int, *happened: Event) -> None:
    """Store events as a program that knows them in their own versions does."""
    envelope = Envelope("x", UUID(int=1), UUID(int=1), date(2026, 11, 1))
    facts = [Fact(till, version, event) for version, event in enumerate(happened, first_version)]
    append = Append(METZ.bytes, here.journal.entries(METZ, facts, envelope))
    here.journal.submit(append)
    append.result()


def five_years() -> Iterator[tuple[date, int]]:
    """A payment a month: the day and the cents."""
    for month in range(60):
        yield datetime(2021 + month // 12, month % 12 + 1, 5, tzinfo=UTC).date(), 71100 + 9 * month


def test_five_years_of_euros_and_cents_give_the_balance_of_cents_alone(here: Desk) -> None:
    told = list(five_years())
    before = [_In2021.PaidAtCounter(amount=c / 100, effective_on=on) for on, c in told[:30]]
    since = [PaidAtCounter(amount_cents=c, currency="EUR", effective_on=on) for on, c in told[30:]]
    keep(here, TILL, 1, *before, *since)
    keep(here, OTHER_TILL, 1, _In2021.PaidAtCounter(amount=1.1, effective_on=told[0][0]))

    _, facts = here.journal.load(METZ, [TILL, OTHER_TILL])
    totals = {till: Till.replay(till, facts[till]).total_cents for till in facts}
    assert totals == {TILL: sum(cents for _, cents in told), OTHER_TILL: 110}
    read = [entry.event for entry in here.journal.stream(METZ, TILL)]
    assert read == [
        PaidAtCounter(amount_cents=c, currency="EUR", effective_on=on) for on, c in told
    ]
    ((state, version),) = here.rows("SELECT state, schema_version FROM events WHERE position = 1")
    assert (state, version) == (b'{"amount":711.0,"effective_on":"2021-01-05"}', 1)


@given(st.integers(1, 10**11))
def test_every_amount_in_euros_becomes_its_cents(cents: int) -> None:
    fields = PaidAtCounter.upcast(1, {"amount": cents / 100, "effective_on": "2021-01-05"})
    assert fields == {"amount_cents": cents, "currency": "EUR", "effective_on": "2021-01-05"}


def test_an_amount_that_has_no_whole_cents_stops_the_reader(here: Desk) -> None:
    keep(here, TILL, 1, _In2021.PaidAtCounter(amount=7.115, effective_on=date(2021, 1, 5)))

    with pytest.raises(ValueError, match="whole cents"):
        here.journal.read(METZ, 0)


def test_a_program_of_2021_does_not_read_cents_as_euros(
    here: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(here, TILL, 1, _In2021.PaidAtCounter(amount=1.0, effective_on=date(2021, 1, 5)))
    newer = PaidAtCounter(amount_cents=100, currency="EUR", effective_on=date(2026, 1, 5))
    keep(here, TILL, 2, newer)
    monkeypatch.setitem(Event.named, "PaidAtCounter", _In2021.PaidAtCounter)

    told = "PaidAtCounter version 2: a newer program wrote it, and this one knows up to version 1"
    with pytest.raises(UnknownEvent, match=told):
        here.journal.load(METZ, [TILL])
    with pytest.raises(UnknownEvent, match=told):
        list(here.journal.read_all(METZ))
    assert [entry.position for entry in here.journal.read(METZ, 0, 1)] == [1]


def test_steps_are_taken_one_after_the_other_from_the_stored_version_on() -> None:
    class Thrice(Event):
        schema_version: ClassVar[int] = 3
        path: str

        @from_version(2)
        def _second(fields: Fields) -> Fields:
            return {"path": fields["path"] + "→3"}

        @from_version(1)
        def _first(fields: Fields) -> Fields:
            return {"path": fields["path"] + "→2"}

    del Event.named["Thrice"]
    assert Thrice.upcast(1, {"path": "1"}) == {"path": "1→2→3"}
    assert Thrice.upcast(2, {"path": "2"}) == {"path": "2→3"}
    assert Thrice.upcast(3, {"path": "3"}) == {"path": "3"}


@pytest.mark.parametrize("declared", [(), (1,), (2,), (1, 2, 3), (0, 1, 2)])
def test_an_event_with_a_missing_or_needless_step_cannot_be_imported(
    declared: tuple[int, ...],
) -> None:
    steps = {
        f"_from_{version}": from_version(version)(lambda fields: fields) for version in declared
    }
    body = {"__module__": __name__, "schema_version": 3, **steps}
    annotations = {"__annotations__": {"schema_version": "ClassVar[int]"}}

    with pytest.raises(TypeError, match=r"declares steps @from_version for \[1, 2\]"):
        type(Event)("Gappy", (Event,), {**body, **annotations})
    assert "Gappy" not in Event.named


def test_one_version_cannot_be_read_in_two_ways() -> None:
    with pytest.raises(TypeError, match="says twice how its version 1 reads"):

        class Torn(Event):
            schema_version: ClassVar[int] = 2

            @from_version(1)
            def _so(fields: Fields) -> Fields:
                return fields

            @from_version(1)
            def _or_so(fields: Fields) -> Fields:
                return fields
