"""Leases: the list, one lease, what it owes, and what was posted, billed, paid and receipted."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from api.answers import Fresh, Limit, Page, as_of, found, page
from api.doors import Visit, fresh
from api.limits import BIGGEST
from api.problems import documented
from projections.account import (
    AccountRow,
    ChargeRow,
    PostingRow,
    account,
    balance_as_of,
    open_charges,
    postings,
)
from projections.invoices import InvoiceRow, invoices_of_lease
from projections.leases import LeaseRow, lease, lease_by_reference, leases_after
from projections.payments import PaymentRow, payments_of_lease, pending_cents
from projections.receipts import ReceiptRow, receipts_of_lease

router = APIRouter(
    prefix="/v1/agencies/{agency}/leases",
    tags=["leases"],
    responses=documented(401, 404, 422, 503),
)
NOBODY = UUID(int=0)

Reader = Annotated[Visit, Depends(fresh("leases"))]
AccountReader = Annotated[Visit, Depends(fresh("account", "payments"))]
Position = Annotated[int, Query(ge=0, le=BIGGEST)]


class LeaseAnswer(BaseModel):
    lease: LeaseRow
    freshness: Fresh


class Balance(BaseModel):
    """What a lease owes, in its true states; positive when the tenant owes."""

    lease_id: UUID
    confirmed_cents: int
    """Every payment that a bank confirmed is counted, at once."""
    booked_cents: int
    """By the books."""
    settled_cents: int
    """Only money seen on a bank statement is counted."""
    pending_cents: int
    """Payments on their way, whose outcome is not known: counted nowhere."""
    credit_cents: int
    """Money of the tenant's that pays nothing yet."""
    open_charges: list[ChargeRow]
    freshness: Fresh


class BalanceAsOf(BaseModel):
    """The booked balance on a date, as it was known at a position."""

    lease_id: UUID
    on: date
    known_at: int | None
    booked_cents: int
    freshness: Fresh


@router.get("", response_model=Page[LeaseRow])
def list_leases(
    visit: Reader,
    after: Annotated[str, Query(max_length=200)] = "",
    reference: Annotated[str | None, Query(max_length=200)] = None,
    limit: Limit = 100,
) -> object:
    """Leases by the agency's reference; with `reference`, that one alone."""
    with visit.parts.pool.connection() as connection:
        fresh_as = as_of(connection, visit.agency, "leases")
        if reference is not None:
            one = lease_by_reference(connection, visit.agency, reference)
            return page([] if one is None else [one], limit + 1, None, fresh_as)
        rows = leases_after(connection, visit.agency, after, limit)
    return page(rows, limit, rows[-1].reference if rows else None, fresh_as)


@router.get("/{lease_id}", response_model=LeaseAnswer)
def get_lease(visit: Reader, lease_id: UUID) -> object:
    """One lease, as it reads now."""
    with visit.parts.pool.connection() as connection:
        fresh_as = as_of(connection, visit.agency, "leases")
        return {"lease": found(lease(connection, visit.agency, lease_id)), "freshness": fresh_as}


@router.get("/{lease_id}/balance", response_model=Balance)
def get_balance(visit: AccountReader, lease_id: UUID) -> object:
    """What a lease owes now: confirmed, booked and settled."""
    with visit.parts.pool.connection() as connection:
        fresh_as = as_of(connection, visit.agency, "account", "payments")
        found(lease(connection, visit.agency, lease_id))
        row: AccountRow = account(connection, visit.agency, lease_id)
        return {
            "lease_id": lease_id,
            "confirmed_cents": row.confirmed_cents,
            "booked_cents": row.booked_cents,
            "settled_cents": row.settled_cents,
            "pending_cents": pending_cents(connection, visit.agency, lease_id),
            "credit_cents": row.credit_cents,
            "open_charges": open_charges(connection, visit.agency, lease_id),
            "freshness": fresh_as,
        }


@router.get("/{lease_id}/balance-as-of", response_model=BalanceAsOf)
def get_balance_as_of(
    visit: AccountReader,
    lease_id: UUID,
    on: date,
    known_at: Annotated[int | None, Query(ge=0, le=BIGGEST)] = None,
) -> object:
    """What was owed on a date, as it was known at a position of the journal."""
    with visit.parts.pool.connection() as connection:
        fresh_as = as_of(connection, visit.agency, "account")
        found(lease(connection, visit.agency, lease_id))
        cents = balance_as_of(connection, visit.agency, lease_id, on=on, known=known_at)
    return {
        "lease_id": lease_id,
        "on": on,
        "known_at": known_at,
        "booked_cents": cents,
        "freshness": fresh_as,
    }


@router.get("/{lease_id}/postings", response_model=Page[PostingRow])
def list_postings(
    visit: AccountReader, lease_id: UUID, after: Position = 0, limit: Limit = 100
) -> object:
    """The lines of the account in the order in which they were recorded."""
    with visit.parts.pool.connection() as connection:
        fresh_as = as_of(connection, visit.agency, "account")
        found(lease(connection, visit.agency, lease_id))
        rows = postings(connection, visit.agency, lease_id, after=after, limit=limit)
    return page(rows, limit, str(rows[-1].position) if rows else None, fresh_as)


@router.get("/{lease_id}/invoices", response_model=Page[InvoiceRow])
def list_invoices(
    visit: Annotated[Visit, Depends(fresh("invoices"))],
    lease_id: UUID,
    after: Annotated[str, Query(max_length=7)] = "",
    limit: Limit = 100,
) -> object:
    """The invoices of a lease by period."""
    with visit.parts.pool.connection() as connection:
        fresh_as = as_of(connection, visit.agency, "invoices")
        found(lease(connection, visit.agency, lease_id))
        rows = invoices_of_lease(connection, visit.agency, lease_id, after, limit)
    return page(rows, limit, rows[-1].period if rows else None, fresh_as)


@router.get("/{lease_id}/payments", response_model=Page[PaymentRow])
def list_payments(
    visit: Annotated[Visit, Depends(fresh("payments"))],
    lease_id: UUID,
    after: UUID = NOBODY,
    limit: Limit = 100,
) -> object:
    """The payments of a lease in the order in which they were asked for."""
    with visit.parts.pool.connection() as connection:
        fresh_as = as_of(connection, visit.agency, "payments")
        found(lease(connection, visit.agency, lease_id))
        rows = payments_of_lease(connection, visit.agency, lease_id, after, limit)
    return page(rows, limit, str(rows[-1].payment_id) if rows else None, fresh_as)


@router.get("/{lease_id}/receipts", response_model=Page[ReceiptRow])
def list_receipts(
    visit: Annotated[Visit, Depends(fresh("receipts"))],
    lease_id: UUID,
    after: Position = 0,
    limit: Limit = 100,
) -> object:
    """The quittances and reçus of a lease in the order in which they were issued."""
    with visit.parts.pool.connection() as connection:
        fresh_as = as_of(connection, visit.agency, "receipts")
        found(lease(connection, visit.agency, lease_id))
        rows = receipts_of_lease(connection, visit.agency, lease_id, after, limit)
    return page(rows, limit, str(rows[-1].position) if rows else None, fresh_as)
