"""The engine folds what the pure fold folds, stops where it must, and loses nothing."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.period import Period
from domain.rent_account import PaymentBooked, PaymentUnbooked
from journal import Recorded
from projections import AlreadyThere, NotTouched, Projection, Row, Rows, projected
from projections.engine import Engine
from projections.generations import create_tables
from tests.projections.logs import (
    FIRST,
    LILAS,
    QUESTIONS,
    ROSES,
    SECOND,
    THE_DAY,
    CountRow,
    Counts,
    Logs,
    ReceivedRow,
    TakingRow,
    Takings,
    booked,
    reversed_,
)


@contextmanager
def engine(logs: Logs, *projections: Projection) -> Iterator[Engine]:
    built = Engine(logs.connect, logs.journal, projections or QUESTIONS)
    try:
        yield built
    finally:
        built.close()


def fold_all(logs: Logs, *projections: Projection) -> None:
    with engine(logs, *projections) as built:
        catch_up(built)


def catch_up(built: Engine) -> None:
    while built.cycle():
        pass


def test_each_lease_of_each_agency_has_its_own_row(logs: Logs) -> None:
    logs.append(booked(100), booked(30, SECOND), booked(5))
    logs.append(booked(7), agency=ROSES)
    fold_all(logs)
    assert {r.lease_id: r.total_cents for r in logs.rows(TakingRow)} == {FIRST: 105, SECOND: 30}
    assert [(r.total_cents, r.last_on) for r in logs.rows(TakingRow, ROSES)] == [(7, THE_DAY)]
    assert logs.rows(CountRow) == [CountRow("PaymentBooked", 3)]
    assert logs.rows(CountRow, ROSES) == [CountRow("PaymentBooked", 1)]


def test_a_position_says_as_of_when(logs: Logs) -> None:
    logs.append(booked(1), booked(2))
    fold_all(logs)
    assert (logs.position("takings"), logs.position("takings", ROSES)) == (2, 0)
    ((as_of,),) = logs.ask(
        "SELECT as_of FROM read.positions WHERE projection = 'takings' AND agency = %s", LILAS
    )
    assert as_of == logs.entries()[-1].recorded_at


def test_what_is_deleted_is_gone_and_may_come_again(logs: Logs) -> None:
    payment = uuid4()
    logs.append(booked(100, payment=payment), booked(9, SECOND))
    fold_all(logs)
    unbooked = PaymentUnbooked(
        lease_id=FIRST, payment_id=payment, amount_cents=100, reason="returned",
        effective_on=THE_DAY,
    )  # fmt: skip
    logs.append(unbooked, booked(3, payment=payment))
    fold_all(logs)
    assert {
        r.payment_id: r.amount_cents for r in logs.rows(ReceivedRow) if r.lease_id == FIRST
    } == {payment: 3}
    logs.append(reversed_(FIRST))
    fold_all(logs)
    assert [r.lease_id for r in logs.rows(ReceivedRow)] == [SECOND]
    assert [r.lease_id for r in logs.rows(TakingRow)] == [SECOND]


@pytest.mark.parametrize("seed", range(4))
def test_in_whatever_batches_the_rows_are_those_of_the_pure_fold(logs: Logs, seed: int) -> None:
    chance = random.Random(seed)
    payments = [uuid4() for _ in range(6)]
    with engine(logs) as built:
        for _ in range(25):
            lease, agency = chance.choice((FIRST, SECOND)), chance.choice((LILAS, ROSES))
            some: list[Any] = [
                booked(chance.randrange(14, 99), chance.choice((FIRST, SECOND)))
                for _ in range(chance.randrange(1, 5))
            ]
            if chance.random() < 0.3:
                some.insert(chance.randrange(len(some) + 1), reversed_(lease))
            if chance.random() < 0.3:
                gone = PaymentUnbooked(
                    lease_id=lease, payment_id=chance.choice(payments), amount_cents=1,
                    reason="refunded", effective_on=THE_DAY,
                )  # fmt: skip
                some.append(gone)
            logs.append(*some, agency=agency)
            if chance.random() < 0.4:
                catch_up(built)
        catch_up(built)
    for agency in (LILAS, ROSES):
        for projection in QUESTIONS:
            pure = projected(projection, logs.entries(agency))
            for kind in projection.rows:
                assert logs.rows(kind, agency) == pure.all(kind)


def test_a_poisonous_entry_stops_its_agency_in_its_projection_alone(
    logs: Logs, caplog: pytest.LogCaptureFixture
) -> None:
    logs.append(booked(100), booked(13), booked(1000))
    logs.append(booked(7), agency=ROSES)
    with caplog.at_level(logging.ERROR), engine(logs) as built:
        catch_up(built)
        logs.append(booked(10_000))
        logs.append(booked(70), agency=ROSES)
        catch_up(built)
    assert [r.total_cents for r in logs.rows(TakingRow)] == [100]
    assert [r.total_cents for r in logs.rows(TakingRow, ROSES)] == [77]
    assert logs.rows(CountRow) == [CountRow("PaymentBooked", 4)]
    assert (logs.position("takings"), logs.position("counts")) == (1, 4)
    error = logs.why_stopped("takings")
    assert error is not None
    assert error.startswith("ValueError in logs.py:")
    assert error.endswith(" at position 2 (PaymentBooked)")
    assert [record.message for record in caplog.records] == ["projections.stopped"]
    assert "Martin" not in error + caplog.text
    assert logs.why_stopped("counts") is logs.why_stopped("takings", ROSES) is None


def test_a_mended_program_goes_on_where_the_other_stopped(logs: Logs) -> None:
    logs.append(booked(100), booked(13), booked(1000))
    fold_all(logs)
    logs.ask("UPDATE events SET state = replace(encode(state, 'escape'), '13', '14')::bytea"
             " WHERE agency = %s AND position = 2", LILAS)  # fmt: skip
    fold_all(logs)
    assert [r.total_cents for r in logs.rows(TakingRow)] == [1114]
    assert logs.why_stopped("takings") is None


@pytest.mark.parametrize(
    ("written", "name"),
    [("name = 'Unheard'", "Unheard"), ("schema_version = 2", "PaymentBooked")],
    ids=["a new name", "a new version"],
)
def test_what_a_newer_program_wrote_stops_its_agency_everywhere_and_no_other(
    logs: Logs, written: str, name: str
) -> None:
    logs.append(booked(100), booked(30), booked(5))
    logs.append(booked(7), agency=ROSES)
    logs.ask(f"UPDATE events SET {written} WHERE agency = %s AND position = 3", LILAS)
    fold_all(logs)
    assert [r.total_cents for r in logs.rows(TakingRow)] == [130]
    assert [r.total_cents for r in logs.rows(TakingRow, ROSES)] == [7]
    for projection in ("takings", "counts"):
        assert logs.position(projection) == 2
        assert "UnknownEvent" in str(logs.why_stopped(projection))
        assert f"position 3 ({name})" in str(logs.why_stopped(projection))


def test_a_log_with_a_hole_is_not_read_across_it(logs: Logs) -> None:
    logs.append(booked(100), booked(30), booked(5))
    logs.ask("DELETE FROM events WHERE agency = %s AND position = 2", LILAS)
    fold_all(logs)
    assert [r.total_cents for r in logs.rows(TakingRow)] == [100]
    assert logs.why_stopped("takings") == "Gap at position 2"


class Noting(Takings):
    """Writes what no text column holds, for one amount."""

    def fold(self, rows: Rows, entry: Recorded) -> None:
        super().fold(rows, entry)
        match entry.event:
            case PaymentBooked(amount_cents=666) as e:
                row = rows.get(TakingRow, e.lease_id)
                assert row is not None
                rows.put(replace(row, note="a\0b"))
            case PaymentBooked(amount_cents=777) as e:
                rows.add(ReceivedRow(e.lease_id, e.payment_id, e.amount_cents))


@pytest.mark.parametrize("amount_cents", [666, 777])
def test_a_row_that_the_database_refuses_stops_its_agency_alone(
    logs: Logs, amount_cents: int
) -> None:
    logs.append(*(booked(n) for n in (1, 2, 4, amount_cents, 8)))
    logs.append(booked(7), agency=ROSES)
    with engine(logs, Noting(), Counts()) as built:
        catch_up(built)
        assert not built.cycle()
    assert [r.total_cents for r in logs.rows(TakingRow)] == [7]
    assert [r.total_cents for r in logs.rows(TakingRow, ROSES)] == [7]
    assert logs.rows(CountRow) == [CountRow("PaymentBooked", 5)]
    assert "position 4 (PaymentBooked)" in str(logs.why_stopped("takings"))


@pytest.mark.parametrize("at_once", [True, False])
def test_a_row_is_added_once(logs: Logs, at_once: bool) -> None:
    payment = uuid4()
    with engine(logs) as built:
        logs.append(booked(1, payment=payment))
        if not at_once:
            catch_up(built)
        logs.append(booked(2, payment=payment))
        catch_up(built)
    assert [r.total_cents for r in logs.rows(TakingRow)] == [1]
    assert "position 2 (PaymentBooked)" in str(logs.why_stopped("takings"))
    with pytest.raises(AlreadyThere):
        projected(Takings(), logs.entries())


class Forgetful(Counts):
    """Looks at a row that it does not name."""

    def touches(self, entry: Recorded) -> Any:
        return ()


def test_a_fold_sees_only_what_it_touches(logs: Logs) -> None:
    logs.append(booked(1))
    fold_all(logs, Forgetful())
    assert "NotTouched" in str(logs.why_stopped("counts"))
    with pytest.raises(NotTouched):
        projected(Forgetful(), logs.entries())


def test_two_engines_never_count_twice(logs: Logs) -> None:
    with engine(logs) as one, engine(logs) as other:
        catch_up(one)
        catch_up(other)
        for n in range(1, 11):
            logs.append(booked(n))
            catch_up(one if n % 2 else other)
        catch_up(other)
    assert [r.total_cents for r in logs.rows(TakingRow)] == [55]
    assert len(logs.rows(ReceivedRow)) == 10


def test_a_lost_connection_loses_and_doubles_nothing(logs: Logs) -> None:
    with engine(logs) as built:
        logs.append(booked(1))
        catch_up(built)
        logs.cut_connections()
        with pytest.raises(psycopg.OperationalError):
            catch_up(built)
        logs.append(booked(2))
        catch_up(built)
    assert [r.total_cents for r in logs.rows(TakingRow)] == [3]


def test_an_agency_that_is_new_is_followed_from_its_first_entry(logs: Logs) -> None:
    newcomer = uuid4()
    with engine(logs) as built:
        catch_up(built)
        logs.journal.open_log(newcomer)
        logs.append(booked(3), agency=newcomer)
        catch_up(built)
    assert [r.total_cents for r in logs.rows(TakingRow, newcomer)] == [3]


class Doubled(Takings):
    """The same question, answered in another way."""

    version = 2

    def fold(self, rows: Rows, entry: Recorded) -> None:
        match entry.event:
            case PaymentBooked() as e:
                row = rows.get(TakingRow, e.lease_id) or TakingRow(e.lease_id, 0)
                rows.put(replace(row, total_cents=row.total_cents + 2 * e.amount_cents))
            case _:
                pass


def test_the_rows_of_another_fold_are_left_alone(logs: Logs) -> None:
    logs.append(booked(100), booked(30, SECOND))
    logs.append(booked(7), agency=ROSES)
    fold_all(logs)
    logs.append(booked(5))
    fold_all(logs, Doubled(), Counts())
    assert {r.lease_id: r.total_cents for r in logs.rows(TakingRow)} == {FIRST: 100, SECOND: 30}
    assert [r.total_cents for r in logs.rows(TakingRow, ROSES)] == [7]
    assert (logs.position("takings"), logs.position("counts")) == (2, 3)
    fold_all(logs)
    assert {r.lease_id: r.total_cents for r in logs.rows(TakingRow)} == {FIRST: 105, SECOND: 30}


class Mood(StrEnum):
    CALM = "calm"
    FIERCE = "fierce"


@dataclass(frozen=True, slots=True)
class EverythingRow(Row):
    table: ClassVar = "everything"
    key: ClassVar = ("name", "order")

    name: str
    order: int
    mood: Mood
    on: date
    at: datetime
    yes: bool
    period: Period
    ids: tuple[UUID, ...]
    words: tuple[str, ...]
    moods: tuple[Mood, ...]
    tree: dict[str, Any]
    items: list[Any]
    maybe: UUID | None = None
    never: bool | None = None


def everything(order: int) -> EverythingRow:
    return EverythingRow(
        'l\'été "\\{}', order, Mood.FIERCE, date(1969, 2, 3),
        datetime(2026, 11, 5, 1, 2, 3, 456_789, UTC), yes=True, period=Period(2026, 11),
        ids=(FIRST, SECOND), words=('a,"b"\\', "", "null", "é"), moods=(Mood.CALM,),
        tree={"a": [1, None, "é"]}, items=[], maybe=SECOND if order else None,
    )  # fmt: skip


class Everything(Projection):
    name = "everything"
    rows = (EverythingRow,)

    def touches(self, entry: Recorded) -> Any:
        yield EverythingRow, (everything(0).name, 0)

    def fold(self, rows: Rows, entry: Recorded) -> None:
        kept = rows.get(EverythingRow, everything(0).name, 0)
        assert kept in (None, everything(0))
        rows.put(everything(0))
        rows.add(everything(entry.position))


def test_every_kind_of_column_comes_back_as_it_was_put(logs: Logs) -> None:
    with logs.connect() as connection:
        create_tables(connection, [Everything()])
    for _ in range(2):
        logs.append(booked(1))
        fold_all(logs, Everything())
    assert logs.why_stopped("everything") is None
    assert logs.rows(EverythingRow) == [everything(0), everything(1), everything(2)]


@dataclass(frozen=True, slots=True)
class WiderRow(Row):
    table: ClassVar = "counts"
    key: ClassVar = ("name",)

    name: str
    count: int
    wide: bool = True


class Wider(Counts):
    rows = (WiderRow,)

    def touches(self, entry: Recorded) -> Any:
        yield WiderRow, (entry.name,)

    def fold(self, rows: Rows, entry: Recorded) -> None:
        row = rows.get(WiderRow, entry.name)
        rows.put(WiderRow(entry.name, row.count + 1 if row else 1))


def test_tables_are_made_once_and_serve_on_when_their_shape_changes(logs: Logs) -> None:
    logs.append(booked(1), booked(2))
    fold_all(logs)
    with logs.connect() as connection:
        assert create_tables(connection, QUESTIONS) == []
        assert create_tables(connection, [Takings(), Wider()]) == []
    logs.append(booked(4))
    fold_all(logs, Takings(), Wider())
    assert [r.total_cents for r in logs.rows(TakingRow)] == [7]
    assert logs.rows(CountRow) == [CountRow("PaymentBooked", 2)]


def test_a_column_that_nothing_holds_is_refused_at_once(logs: Logs) -> None:
    @dataclass(frozen=True, slots=True)
    class OddRow(Row):
        table: ClassVar = "odd"
        key: ClassVar = ("name",)
        name: str
        call: Callable[[], None]

    class Odd(Projection):
        name = "odd"
        rows = (OddRow,)

    with logs.connect() as connection, pytest.raises(TypeError, match="call: no column holds"):
        create_tables(connection, [Odd()])
