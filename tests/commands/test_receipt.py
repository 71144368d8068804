"""To ask for the receipt of a period, free of charge and as often as one likes."""

from __future__ import annotations

from uuid import uuid4

from aggregates.rent_account import RentAccount
from commands.receipt import RequestReceipt
from domain import NotFound
from domain.lease import NoSuchLease
from domain.receipt import NothingBilled, NothingPaid, PartialReceiptIssued, RentReceiptIssued
from tests.commands.test_payment import Desk
from tests.given import Told, day, month, terms


def request(desk: Desk, period: str = "2026-05") -> Told:
    return desk.books.when(RequestReceipt(lease_id=desk.lease, period=month(period)))


def pay(desk: Desk, cents: int, reference: str) -> Told:
    return desk.confirm(desk.initiate(cents, desk.invoice), cents, reference).accepted()


def test_a_part_has_a_recu_and_the_rest_makes_the_quittance() -> None:
    desk = Desk("04/05/2026")  # scenario 11
    pay(desk, 40000, "cs_1")
    told = request(desk)
    recu = told.one(PartialReceiptIssued)
    assert (recu.number, recu.paid_cents, recu.shortfall_cents) == ("Q-2026-000001", 40000, 31100)
    assert told.answer == {
        "receipt_id": recu.receipt_id,
        "kind": "receipt",
        "shortfall_cents": 31100,
    }
    desk.books.on("12/05/2026")
    pay(desk, 31100, "cs_2")
    told = request(desk)
    quittance = told.one(RentReceiptIssued)
    assert (quittance.number, quittance.rent_cents, quittance.charges_cents) == (
        "Q-2026-000002",
        61240,
        9860,
    )
    assert quittance.issued_on == day("12/05/2026")
    assert told.answer == {
        "receipt_id": quittance.receipt_id,
        "kind": "quittance",
        "shortfall_cents": 0,
    }


def test_asked_again_it_is_the_same_receipt() -> None:
    desk = Desk()
    pay(desk, 71100, "cs_1")
    first = request(desk)
    desk.books.on("01/02/2027")
    assert request(desk).then().answer == first.answer


def test_before_anything_is_billed_or_paid_there_is_nothing_to_prove() -> None:
    desk = Desk()
    request(desk).refused(NothingPaid)
    request(desk, "2026-06").refused(NothingBilled)
    unknown = RequestReceipt(lease_id=uuid4(), period=month("2026-05"))
    desk.books.when(unknown).refused(NoSuchLease)
    something_else = RequestReceipt(lease_id=desk.invoice, period=month("2026-05"))
    assert isinstance(desk.books.when(something_else).refusal, NotFound)


def test_a_month_may_be_receipted_while_an_older_debt_remains() -> None:
    desk = Desk(balance_cents=41131)
    pay(desk, 71100, "cs_1")
    assert request(desk).one(RentReceiptIssued).older_debt_cents == 41131  # rule C2.4


def test_benefit_counts_towards_the_quittance() -> None:
    desk = Desk(terms=terms(benefit_cents=24500))
    pay(desk, 46600, "cs_1")
    quittance = request(desk).one(RentReceiptIssued)
    assert {part.by: part.amount_cents for part in quittance.parts} == {
        "benefit": 24500,
        "card": 46600,
    }


def test_each_period_has_its_own_receipts() -> None:
    desk = Desk()
    june = desk.bill("2026-06")
    pay(desk, 71100, "cs_1")
    desk.confirm(desk.initiate(71100, june), 71100, "cs_2")
    assert request(desk).one(RentReceiptIssued).number == "Q-2026-000001"
    assert request(desk, "2026-06").one(RentReceiptIssued).number == "Q-2026-000002"


def test_once_the_payment_has_gone_back_the_truth_is_told() -> None:
    desk = Desk()
    payment = desk.initiate(71100, desk.invoice)
    desk.confirm(payment).accepted()
    first = request(desk).one(RentReceiptIssued)
    desk.books.decide(
        lambda store: store.get(RentAccount, desk.lease).unbook(payment, "chargeback", store.today)
    ).accepted()
    request(desk).refused(NothingPaid)
    pay(desk, 71100, "cs_2")
    again = request(desk).one(RentReceiptIssued)
    assert (first.number, again.number) == ("Q-2026-000001", "Q-2026-000002")
    assert payment not in {part.source_id for part in again.parts}
