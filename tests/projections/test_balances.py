"""The statement that folds balances inside the database is the fold, or leaves the log to it."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import Event
from domain.payment import PaymentConfirmed, PaymentSettled
from domain.rent_account import (
    AllocationReversed,
    ChargePosted,
    CreditAllocated,
    CreditPosted,
    Part,
    PaymentAllocated,
    PaymentBooked,
    PaymentUnbooked,
)
from journal import EPOCH
from projections import projected
from projections.balances import AccountRow, Balances, SourceRow
from projections.generations import BUILDING
from projections.in_sql import fold_in_sql
from projections.rebuilding import begin_logs, prepare
from projections.tables import table_of
from tests.projections.logs import FIRST, LILAS, SECOND, Logs

ON = date(2026, 11, 5)
ONE_AT_A_TIME = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
cents = st.integers(1, 10**9)
leases = st.sampled_from([FIRST, SECOND])


def charge(lease: UUID, amount_cents: int) -> Event:
    return ChargePosted(
        lease_id=lease, charge=1, kind="rent", amount_cents=amount_cents, due_on=ON, effective_on=ON
    )


def credit(lease: UUID, source: UUID, kind: Any, amount_cents: int) -> Event:
    return CreditPosted(
        lease_id=lease, credit_id=source, kind=kind, amount_cents=amount_cents, effective_on=ON
    )


def allocated(lease: UUID, source: UUID, amounts: list[int], of_credit: bool) -> Event:
    parts = tuple(Part(charge=n, amount_cents=amount) for n, amount in enumerate(amounts))
    if of_credit:
        return CreditAllocated(lease_id=lease, credit_id=source, parts=parts, rule="oldest")
    return PaymentAllocated(lease_id=lease, payment_id=source, parts=parts, rule="oldest")


def confirmed(lease: UUID, source: UUID, amount_cents: int) -> Event:
    return PaymentConfirmed(
        payment_id=source, lease_id=lease, amount_cents=amount_cents, provider_reference="r",
        authorisation_code=None, confirmed_at=EPOCH,
    )  # fmt: skip


def booked(lease: UUID, source: UUID, amount_cents: int) -> Event:
    return PaymentBooked(
        lease_id=lease, payment_id=source, amount_cents=amount_cents, effective_on=ON
    )


def settled(lease: UUID, source: UUID, amount_cents: int) -> Event:
    return PaymentSettled(
        payment_id=source, lease_id=lease, amount_cents=amount_cents, value_on=ON,
        statement_line_id="l",
    )  # fmt: skip


def reversal(lease: UUID, source: UUID) -> Event:
    return AllocationReversed(lease_id=lease, payment_id=source, reason="r")


def unbooked(lease: UUID, source: UUID, amount_cents: int) -> Event:
    return PaymentUnbooked(
        lease_id=lease, payment_id=source, amount_cents=amount_cents, reason="returned",
        effective_on=ON,
    )  # fmt: skip


@st.composite
def payments(draw: st.DrawFn) -> list[Event]:
    """The life of a payment, in one of the orders in which it can happen."""
    lease, source, amount_cents = draw(leases), uuid4(), draw(cents)
    life = [confirmed(lease, source, amount_cents), booked(lease, source, amount_cents)]
    for _ in range(draw(st.integers(0, 3))):
        life.append(allocated(lease, source, draw(st.lists(cents, max_size=3)), False))
        if draw(st.booleans()):
            life.append(reversal(lease, source))
    if draw(st.booleans()):
        life.insert(draw(st.integers(2, len(life))), settled(lease, source, amount_cents))
    if draw(st.booleans()):
        life.append(unbooked(lease, source, amount_cents))
    return life


@st.composite
def credits(draw: st.DrawFn) -> list[Event]:
    lease, source = draw(leases), uuid4()
    kind = draw(st.sampled_from(["benefit", "benefit_surplus", "correction"]))
    life = [credit(lease, source, kind, draw(cents))]
    parts = draw(st.lists(st.lists(cents, max_size=2), max_size=2))
    return life + [allocated(lease, source, amounts, True) for amounts in parts]


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Several lives at once, each in its own order."""
    lives = draw(st.lists(payments() | credits(), max_size=5))
    lives += [[charge(draw(leases), draw(cents))] for _ in range(draw(st.integers(0, 3)))]
    told: list[Event] = []
    while any(lives):
        told.append(draw(st.sampled_from([life for life in lives if life])).pop(0))
    return told


def said(logs: Logs, *events: Event) -> UUID:
    """A log of its own with these events."""
    agency = uuid5(LILAS, str(uuid4()))
    logs.journal.open_log(agency)
    logs.append(*events, agency=agency)
    return agency


def folded(logs: Logs, *agencies: UUID) -> list[UUID]:
    heads = logs.journal.logs()
    balances = Balances()
    assert balances.in_sql is not None
    with logs.connect() as connection:
        prepare(connection, [balances])
        begin_logs(connection, [balances], agencies)
        some = [(agency, heads[agency]) for agency in agencies]
        return fold_in_sql(connection, balances, balances.in_sql, some, BUILDING)


def rows(logs: Logs, kind: Any, agency: UUID) -> list[Any]:
    table = table_of(kind, BUILDING)
    order = ", ".join(kind.key)
    with logs.connect() as connection:
        found = connection.execute(
            f"SELECT {table.columns} FROM {table.name} t WHERE agency = %s ORDER BY {order}",
            [agency], binary=True,
        ).fetchall()  # fmt: skip
    return [table.row(values) for values in found]


def is_the_fold(logs: Logs, agency: UUID) -> None:
    pure = projected(Balances(), logs.entries(agency))
    for kind in (AccountRow, SourceRow):
        assert rows(logs, kind, agency) == pure.all(kind)


@ONE_AT_A_TIME
@given(told=histories())
def test_whatever_lives_payments_and_credits_lead_the_statement_is_the_fold(
    logs: Logs, told: list[Event]
) -> None:
    other = said(logs, charge(FIRST, 7), booked(FIRST, uuid4(), 3))
    agency = said(logs, charge(SECOND, 1), *told)
    assert set(folded(logs, agency, other)) == {agency, other}
    is_the_fold(logs, agency)
    is_the_fold(logs, other)


@ONE_AT_A_TIME
@given(told=histories(), chance=st.randoms(use_true_random=False))
def test_what_happens_in_no_order_is_folded_right_or_left_to_the_fold(
    logs: Logs, told: list[Event], chance: Any
) -> None:
    told = [charge(FIRST, 1), *told, *chance.sample(told, len(told) // 2)]
    chance.shuffle(told)
    agency = said(logs, *told)
    if folded(logs, agency):
        is_the_fold(logs, agency)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE events SET name = 'Unheard'",
        "UPDATE events SET schema_version = 9",
        "UPDATE events SET state = '{\"lease_id\": 3}'",
        "DELETE FROM events",
    ],
)
def test_a_log_that_cannot_be_read_is_left_to_the_fold_and_no_other(logs: Logs, harm: str) -> None:
    events = [charge(FIRST, 7), booked(FIRST, uuid4(), 3), charge(FIRST, 7)]
    good, other, harmed = said(logs, *events), said(logs, *events), said(logs, *events)
    logs.ask(f"{harm} WHERE agency = %s AND position = 2", harmed)
    assert set(folded(logs, good, harmed, other)) == {good, other}
    is_the_fold(logs, good)
    is_the_fold(logs, other)
    assert rows(logs, AccountRow, harmed) == []


def test_a_log_that_stands_somewhere_already_is_left_alone(logs: Logs) -> None:
    agency = said(logs, charge(FIRST, 7))
    assert folded(logs, agency) == [agency]
    assert folded(logs, agency) == []
    is_the_fold(logs, agency)
