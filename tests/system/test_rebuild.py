"""A rebuild ends with the rows of the fold, and whatever happens on the way harms no reader."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Thread
from typing import Any, ClassVar
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.rent_account import PaymentBooked, PaymentUnbooked
from journal import Recorded
from projections import Projection, Row, Rows, projected
from projections.engine import Engine
from projections.folding import fetch, fold
from projections.generations import BeingRebuilt, abandon, create_tables, only_one, release, wanted
from projections.positions import Fenced
from projections.tables import table_of
from projections.whole import Poisoned, Whole
from system.crew import Folder, Workshop
from system.rebuild import Asked, Differs, Outcome, build_wanted, check, rebuild
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
    open_logs,
    reversed_,
)


@pytest.fixture
def logs(database_url: str) -> Iterator[Logs]:
    with open_logs(database_url) as opened:
        yield opened


def shop(logs: Logs, *projections: Projection) -> Workshop:
    return Workshop(logs.url, bytes(32), projections or QUESTIONS)


def rebuilt(logs: Logs, *projections: Projection, **how: Any) -> Outcome:
    asked = projections or QUESTIONS
    return rebuild(shop(logs, *asked), Asked(asked, **how))


def checked(logs: Logs, *projections: Projection, **how: Any) -> Outcome:
    asked = projections or QUESTIONS
    return check(shop(logs, *asked), Asked(asked, **how))


@contextmanager
def engine(logs: Logs, *projections: Projection) -> Iterator[Engine]:
    built = Engine(logs.connect, logs.journal, projections or QUESTIONS)
    try:
        yield built
    finally:
        built.close()


def catch_up(built: Engine) -> None:
    while built.cycle():
        pass


def fold_all(logs: Logs, *projections: Projection) -> None:
    with engine(logs, *projections) as built:
        catch_up(built)


def history(logs: Logs, seed: int = 0, entries: int = 60) -> None:
    """Something of everything, in both agencies."""
    chance = random.Random(seed)
    for agency in (LILAS, ROSES):
        payments: list[tuple[UUID, UUID]] = []
        told: list[Any] = []
        for _ in range(entries - 6):
            lease = chance.choice((FIRST, SECOND))
            fate = chance.random()
            if fate < 0.05:
                told.append(reversed_(lease))
            elif fate < 0.3 and payments:
                of, payment = payments.pop(chance.randrange(len(payments)))
                told.append(unbooked(of, payment))
            else:
                payments.append((lease, uuid4()))
                told.append(booked(chance.randrange(14, 99), *payments[-1]))
        told += [booked(n, lease) for lease in (FIRST, SECOND) for n in (20, 30, 40)]
        logs.append(*told, agency=agency)


def unbooked(lease: UUID, payment: UUID) -> PaymentUnbooked:
    return PaymentUnbooked(
        lease_id=lease, payment_id=payment, amount_cents=1, reason="returned", effective_on=THE_DAY
    )


def spoil(logs: Logs) -> None:
    """Rows that serve and are not what the journal says."""
    logs.ask("UPDATE read.takings SET total_cents = 1 WHERE agency = %s AND lease_id = %s",
             LILAS, FIRST)  # fmt: skip
    logs.ask("DELETE FROM read.received WHERE agency = %s", ROSES)


def rows_are_those_of_the_fold(logs: Logs, *projections: Projection) -> None:
    for agency in (LILAS, ROSES):
        for projection in projections or QUESTIONS:
            pure = projected(projection, logs.entries(agency))
            for kind in projection.rows:
                assert logs.rows(kind, agency) == pure.all(kind)


@pytest.mark.parametrize("memory_bytes", [10**9, 0])
def test_a_rebuild_ends_with_the_rows_of_the_fold(logs: Logs, memory_bytes: int) -> None:
    history(logs)
    done = rebuilt(logs, memory_bytes=memory_bytes)
    assert (done.switched, done.resumed, done.entries) == (True, False, 120)
    rows_are_those_of_the_fold(logs)
    assert {logs.position(p.name, agency) for p in QUESTIONS for agency in (LILAS, ROSES)} == {60}


def test_processes_of_its_own_end_with_the_same_rows(logs: Logs) -> None:
    history(logs)
    done = rebuilt(logs, jobs=2)
    assert (done.switched, done.entries) == (True, 120)
    rows_are_those_of_the_fold(logs)


def test_what_serves_is_compared_and_told_apart_by_its_keys(logs: Logs) -> None:
    history(logs)
    fold_all(logs)
    assert rebuilt(logs).differences == []
    spoil(logs)
    before = logs.rows(TakingRow)
    with pytest.raises(Differs) as refused:
        rebuilt(logs)
    takings, received = refused.value.outcome.differences
    assert (takings.table, takings.agency, takings.differing_rows) == ("takings", LILAS, 1)
    assert takings.first_keys == (str(FIRST),)
    assert takings.serving_rows == takings.folded_rows
    assert (received.table, received.agency, received.serving_rows) == ("received", ROSES, 0)
    assert received.differing_rows == received.folded_rows > 1
    assert len(received.first_keys) == 5
    assert logs.rows(TakingRow) == before
    done = rebuilt(logs, accept=True)
    assert (done.resumed, done.entries, len(done.differences)) == (True, 0, 2)
    rows_are_those_of_the_fold(logs)


def test_a_check_names_what_differs_and_changes_nothing(logs: Logs) -> None:
    history(logs)
    fold_all(logs)
    done = checked(logs)
    assert (done.differences, done.compared_logs, done.entries) == ([], 4, 120)
    spoil(logs)
    before = logs.rows(TakingRow), logs.rows(ReceivedRow, ROSES)
    assert [d.table for d in checked(logs).differences] == ["takings", "received"]
    assert [d.table for d in checked(logs, agencies=frozenset([ROSES])).differences] == ["received"]
    assert (logs.rows(TakingRow), logs.rows(ReceivedRow, ROSES)) == before
    assert logs.ask("SELECT FROM pg_tables WHERE schemaname = 'checking'"
                    " AND tablename <> 'positions'") == []  # fmt: skip


def test_one_agency_is_rebuilt_alone(logs: Logs) -> None:
    history(logs)
    fold_all(logs)
    spoil(logs)
    of_roses = logs.rows(ReceivedRow, ROSES)
    rebuilt(logs, agencies=frozenset([LILAS]), accept=True)
    pure = projected(Takings(), logs.entries(LILAS))
    assert logs.rows(TakingRow, LILAS) == pure.all(TakingRow)
    assert logs.rows(ReceivedRow, ROSES) == of_roses
    logs.append(booked(99))
    fold_all(logs)
    assert logs.rows(TakingRow, LILAS) == projected(Takings(), logs.entries()).all(TakingRow)


def test_the_engine_goes_on_in_the_new_rows(logs: Logs) -> None:
    history(logs)
    with engine(logs) as built:
        catch_up(built)
        spoil(logs)
        rebuilt(logs, accept=True)
        for agency in (LILAS, ROSES):
            logs.append(booked(50), booked(60, SECOND), reversed_(), agency=agency)
        catch_up(built)
    rows_are_those_of_the_fold(logs)


def test_an_engine_that_fetched_before_the_switch_writes_nothing_after_it(logs: Logs) -> None:
    logs.append(booked(100), booked(30, SECOND))
    logs.append(booked(7), agency=ROSES)
    with engine(logs) as built:
        catch_up(built)
        logs.ask("UPDATE read.takings SET total_cents = 1 WHERE agency = %s", LILAS)
        logs.append(booked(20))
        connection = built._connected()
        stretches = built._stretches(built._read(connection))
        fetch(connection, stretches)
        for stretch in stretches:
            fold(stretch)
        rebuilt(logs, accept=True)
        with pytest.raises(Fenced):
            built._write(connection, stretches)
    rows_are_those_of_the_fold(logs)


class Stumbling(Takings):
    """Raises at one amount, as long as it is told to."""

    at_cents = 0

    def fold(self, rows: Rows, entry: Recorded) -> None:
        match entry.event:
            case PaymentBooked(amount_cents=cents) if cents == self.at_cents:
                raise ZeroDivisionError("Madame Martin")
        super().fold(rows, entry)


def test_a_rebuild_stops_loudly_at_a_poisonous_entry(logs: Logs) -> None:
    history(logs)
    fold_all(logs)
    logs.append(booked(500))
    before = logs.rows(TakingRow)
    stumbling = Stumbling()
    stumbling.at_cents = 500
    with pytest.raises(Poisoned) as poisoned:
        rebuilt(logs, stumbling, Counts())
    assert poisoned.value.told.startswith("ZeroDivisionError in test_rebuild.py:")
    assert poisoned.value.told.endswith(" at position 61 (PaymentBooked)")
    assert "test_rebuild.py" in poisoned.value.trace
    assert "Martin" not in str(poisoned.value) + poisoned.value.trace
    assert logs.rows(TakingRow) == before
    stumbling.at_cents = 0
    assert rebuilt(logs, stumbling, Counts()).resumed
    rows_are_those_of_the_fold(logs)


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("UPDATE events SET name = 'Unheard'", r"UnknownEvent.* at position 7 \(Unheard\)"),
        ("DELETE FROM events", "Gap at position 7"),
        ("UPDATE events SET schema_version = 9", r"UnknownEvent.* at position 7 "),
    ],
)
@pytest.mark.parametrize("memory_bytes", [10**9, 0])
def test_a_log_is_not_folded_across_what_cannot_be_read(
    logs: Logs, harm: str, told: str, memory_bytes: int
) -> None:
    history(logs)
    logs.ask(f"{harm} WHERE agency = %s AND position = 7", ROSES)
    with pytest.raises(Poisoned, match=told):
        rebuilt(logs, memory_bytes=memory_bytes)
    assert rebuilt(logs, agencies=frozenset([LILAS])).switched


def test_two_rebuilds_of_one_read_model_do_not_meet(logs: Logs) -> None:
    history(logs)
    with logs.connect() as other:
        only_one(other, ["counts"])
        with pytest.raises(BeingRebuilt):
            rebuilt(logs)
        rebuilt(logs, Takings())
    assert rebuilt(logs).switched


class Killed(BaseException):
    """What a test does to a rebuild in the place of kill -9: nothing tidies up after it."""


@pytest.mark.parametrize("memory_bytes", [10**9, 0])
def test_a_rebuild_that_is_killed_anywhere_goes_on_where_it_was(
    logs: Logs, memory_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    history(logs)
    fold_all(logs)
    spoil(logs)
    before = logs.rows(TakingRow), logs.rows(ReceivedRow, ROSES)
    real = psycopg.Connection.execute
    kill_at, seen = 0, 0

    def execute(connection: Any, *arguments: Any, **more: Any) -> Any:
        nonlocal seen
        if "rebuild" in connection.info.get_parameters().get("application_name", ""):
            seen += 1
            if seen == kill_at:
                raise Killed
        return real(connection, *arguments, **more)

    monkeypatch.setattr(psycopg.Connection, "execute", execute)
    for step in range(1, 400, 9):
        seen, kill_at = 0, step
        try:
            rebuilt(logs, memory_bytes=memory_bytes, accept=True)
        except Killed:
            switched = logs.ask("SELECT projection FROM read.generations"
                                " WHERE state = 'serving' AND generation > 1")  # fmt: skip
            if not switched:
                assert (logs.rows(TakingRow), logs.rows(ReceivedRow, ROSES)) == before
        else:
            break
    assert seen < kill_at
    monkeypatch.undo()
    rows_are_those_of_the_fold(logs)
    assert checked(logs).differences == []


def test_what_was_interrupted_can_be_abandoned(logs: Logs) -> None:
    history(logs)
    fold_all(logs)
    spoil(logs)
    with pytest.raises(Differs):
        rebuilt(logs)
    with logs.connect() as connection:
        assert abandon(connection, QUESTIONS) == ["takings", "counts"]
        assert abandon(connection, QUESTIONS) == []
    assert logs.ask("SELECT FROM pg_tables WHERE schemaname = 'building'"
                    " AND tablename <> 'positions'") == []  # fmt: skip


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


def test_another_fold_is_built_while_the_old_one_serves_and_is_left_alone_then(logs: Logs) -> None:
    logs.append(booked(100), booked(30, SECOND))
    logs.append(booked(7), agency=ROSES)
    with engine(logs) as old, engine(logs, Doubled(), Wider()) as new:
        catch_up(old)
        catch_up(new)
        with logs.connect() as connection:
            create_tables(connection, [Doubled(), Wider()])
        assert build_wanted(shop(logs, Doubled(), Wider())) == ["takings", "counts"]
        assert build_wanted(shop(logs, Doubled(), Wider())) == []
        logs.append(booked(5))
        catch_up(old)
        assert [r.total_cents for r in logs.rows(TakingRow) if r.lease_id == FIRST] == [200]
        catch_up(new)
        assert [r.total_cents for r in logs.rows(TakingRow) if r.lease_id == FIRST] == [210]
        assert [r.total_cents for r in logs.rows(TakingRow, ROSES)] == [14]
        assert logs.rows(WiderRow) == [WiderRow("PaymentBooked", 3)]
        # The older program has nothing to build: it waits for the newer one to leave.
        assert build_wanted(shop(logs, Takings())) == []


def test_what_served_before_generations_were_written_down_goes_on_serving(logs: Logs) -> None:
    history(logs)
    fold_all(logs)
    logs.ask("DELETE FROM read.generations")
    with logs.connect() as connection:
        create_tables(connection, [Takings(), Wider()])
        assert [p.name for p in wanted(connection, [Takings(), Wider()])] == ["counts"]
    before = logs.rows(CountRow)
    logs.append(booked(99))
    fold_all(logs, Takings(), Wider())
    assert logs.rows(CountRow) == before
    assert logs.rows(TakingRow) == projected(Takings(), logs.entries()).all(TakingRow)
    assert build_wanted(shop(logs, Takings(), Wider())) == ["counts"]
    assert sum(row.count for row in logs.rows(WiderRow)) == 61


class Fewer(Takings):
    """The same question with one table less, which another read model has taken over."""

    rows = (TakingRow,)

    def fold(self, rows: Rows, entry: Recorded) -> None:
        if isinstance(entry.event, PaymentBooked):
            row = rows.get(TakingRow, entry.event.lease_id) or TakingRow(entry.event.lease_id, 0)
            rows.put(replace(row, total_cents=row.total_cents + entry.event.amount_cents))


class Received(Counts):
    """Which payments came in? Asked apart."""

    name = "received"
    rows = (ReceivedRow,)

    def touches(self, entry: Recorded) -> Any:
        return ()

    def fold(self, rows: Rows, entry: Recorded) -> None:
        if isinstance(entry.event, PaymentBooked):
            e = entry.event
            rows.put(ReceivedRow(e.lease_id, e.payment_id, e.amount_cents))


def test_a_table_may_go_from_one_read_model_to_another(logs: Logs) -> None:
    history(logs)
    fold_all(logs)
    apart = (Received(), Fewer())
    with logs.connect() as connection:
        create_tables(connection, apart)
    assert build_wanted(shop(logs, *apart)) == ["received", "takings"]
    logs.append(booked(99))
    fold_all(logs, *apart)
    rows_are_those_of_the_fold(logs, *apart)


class Amounts(Counts):
    """A question that nobody asked before."""

    name = "amounts"

    @dataclass(frozen=True, slots=True)
    class AmountRow(Row):
        table: ClassVar = "amounts"
        key: ClassVar = ("cents",)
        cents: int

    rows = (AmountRow,)

    def touches(self, entry: Recorded) -> Any:
        return ()

    def fold(self, rows: Rows, entry: Recorded) -> None:
        if isinstance(entry.event, PaymentBooked):
            rows.put(self.AmountRow(entry.event.amount_cents))


def test_a_new_read_model_is_built_whole_before_it_is_followed(logs: Logs) -> None:
    logs.append(booked(100), booked(30, SECOND))
    logs.append(booked(7), agency=ROSES)
    with logs.connect() as connection:
        create_tables(connection, [*QUESTIONS, Amounts()])
    with engine(logs, *QUESTIONS, Amounts()) as built:
        catch_up(built)
        assert logs.rows(Amounts.AmountRow) == []
        assert build_wanted(shop(logs, *QUESTIONS, Amounts())) == ["amounts"]
        logs.append(booked(4))
        catch_up(built)
    assert [row.cents for row in logs.rows(Amounts.AmountRow)] == [4, 30, 100]
    assert [row.cents for row in logs.rows(Amounts.AmountRow, ROSES)] == [7]


def test_a_stopped_agency_that_is_released_goes_on_as_if_it_had_never_stopped(logs: Logs) -> None:
    stumbling = Stumbling()
    stumbling.at_cents = 500
    logs.append(booked(100), booked(500), booked(30, SECOND))
    logs.append(booked(7), booked(500), agency=ROSES)
    with engine(logs, stumbling, Counts()) as built:
        catch_up(built)
        assert (logs.position("takings"), logs.position("takings", ROSES)) == (1, 1)
        ((trace,),) = logs.ask("SELECT traceback FROM read.positions"
                               " WHERE projection = 'takings' AND agency = %s", LILAS)  # fmt: skip
        assert "test_rebuild.py" in trace
        assert "Martin" not in trace
        with logs.connect() as connection:
            assert release(connection, "takings", [LILAS]) == [LILAS]
            catch_up(built)
            assert logs.why_stopped("takings") is not None
            stumbling.at_cents = 0
            assert release(connection, "takings", [LILAS]) == [LILAS]
            catch_up(built)
            assert logs.why_stopped("takings") is None
            assert logs.why_stopped("takings", ROSES) is not None
            assert release(connection, "takings", None) == [ROSES]
            assert release(connection, "takings", None) == []
        catch_up(built)
    rows_are_those_of_the_fold(logs)


def tables_in(logs: Logs, schema: str) -> list[str]:
    rows = logs.ask("SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", schema)
    return [name for (name,) in rows if name != "positions"]


def test_the_old_generation_is_kept_until_it_is_dropped(logs: Logs) -> None:
    history(logs)
    fold_all(logs)
    spoil(logs)
    before = logs.rows(TakingRow)
    rebuilt(logs, accept=True)
    assert tables_in(logs, "former") == ["counts", "received", "takings"]
    with logs.connect() as connection:
        table = table_of(TakingRow, "former")
        kept = connection.execute(
            f"SELECT {table.columns} FROM {table.name} t WHERE agency = %s ORDER BY lease_id",
            [LILAS], binary=True,
        ).fetchall()  # fmt: skip
        assert [table.row(values) for values in kept] == before
        assert abandon(connection, QUESTIONS, "former", "former") == ["takings", "counts"]
    assert tables_in(logs, "former") == []


def test_a_reader_in_a_transaction_delays_the_switch_and_not_other_readers(logs: Logs) -> None:
    history(logs)
    rebuilt(logs)
    with logs.connect() as reader:
        reader.autocommit = False
        reader.execute("SELECT count(*) FROM read.takings")
        failed: list[BaseException] = []

        def build() -> None:
            try:
                rebuilt(logs)
            except BaseException as failure:
                failed.append(failure)

        thread = Thread(target=build)
        thread.start()
        for _ in range(5):
            assert len(logs.rows(TakingRow)) == 2
        reader.rollback()
        thread.join()
    assert failed == []
    rows_are_those_of_the_fold(logs)


def folded_whole(projection: Projection, entries: Sequence[Recorded]) -> Whole:
    rows = Whole()
    for entry in entries:
        projection.fold(rows, entry)
    return rows


def test_a_folder_is_closed_with_its_connections(logs: Logs) -> None:
    folder = Folder(shop(logs), "building", 10**6, lambda _entries: None)
    folder.close()
    rows = logs.ask("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND application_name = 'quittance rebuild'")  # fmt: skip
    assert rows == [(0,)]
