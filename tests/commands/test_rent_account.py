"""A tenant's credit pays what comes due, on the day and not before."""

from __future__ import annotations

from uuid import uuid4

from commands.rent_account import AllocateCredit
from domain.lease import NoSuchLease
from domain.rent_account import PaymentAllocated
from tests.commands.test_payment import Desk


def test_credit_pays_on_the_due_date_and_not_before() -> None:
    desk = Desk("26/04/2026")
    allocate = AllocateCredit(lease_id=desk.lease)
    assert desk.confirm(desk.initiate(80000), 80000).all(PaymentAllocated) == []
    assert desk.account.balance_cents == 71100 - 80000
    desk.books.on("04/05/2026", hour=23)
    desk.books.when(allocate).then()
    desk.books.on("05/05/2026", hour=0)
    told = desk.books.when(allocate)
    assert [part.amount_cents for part in told.one(PaymentAllocated).parts] == [61240, 9860]
    assert desk.account.balance_cents == 71100 - 80000
    desk.books.when(allocate).then()


def test_what_is_left_waits_for_the_next_month() -> None:
    desk = Desk()
    desk.confirm(desk.initiate(80000), 80000).accepted()
    desk.bill("2026-06")
    desk.books.when(AllocateCredit(lease_id=desk.lease)).then()
    desk.books.on("05/06/2026", hour=0)
    told = desk.books.when(AllocateCredit(lease_id=desk.lease))
    assert [part.amount_cents for part in told.one(PaymentAllocated).parts] == [7666, 1234]


def test_an_unknown_lease_has_no_credit() -> None:
    Desk().books.when(AllocateCredit(lease_id=uuid4())).refused(NoSuchLease)
