"""Leases: the list, one lease, what it owes, and what was posted, billed, paid and receipted."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from psycopg import Connection
from pydantic import BaseModel

from api.answers import Fresh, Limit, Page, as_of, found, page
from api.dates import AskedDates, Dates
from api.doors import Visit, fresh
from api.limits import BIGGEST
from api.problems import documented
from projections.account import ChargeRow, PostingRow, open_charges
from projections.balances import AccountRow, account
from projections.invoices import InvoiceRow, invoices_of_lease
from projections.leases import LeaseRow, lease, lease_by_reference, leases_after
from projections.payments import PENDING, PaymentRow, payments_of_lease, pending_cents
from projections.receipts import ReceiptRow, receipts_of_lease
from projections.replay import entries_of_lease, replayed
from projections.statement import balance_as_of, postings
from projections.two_dates import two_dates

router = APIRouter(
    prefix="/v1/agencies/{agency}/leases",
    tags=["leases"],
    responses=documented(401, 404, 422, 503),
)
NOBODY = UUID(int=0)

Reader = Annotated[Visit, Depends(fresh("leases"))]
AccountReader = Annotated[Visit, Depends(fresh("balances", "account", "payments"))]
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
    """The booked balance on a date, as it was known at a position of the journal."""

    lease_id: UUID
    as_of_on: date
    known_position: int
    """The lasting way to say *known at*: asked again with it, the answer is the same for ever."""
    known_recorded_at: datetime
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
def get_balance(visit: AccountReader, lease_id: UUID, dates: AskedDates) -> object:
    """What a lease owes: confirmed, booked and settled; now, or on a date as known at another."""
    with visit.parts.pool.connection() as connection:
        if dates.said:
            return _balance_then(connection, visit, lease_id, dates)
        fresh_as = as_of(connection, visit.agency, "balances", "account", "payments")
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


def _balance_then(
    connection: Connection[Any], visit: Visit, lease_id: UUID, dates: Dates
) -> dict[str, object]:
    """The same, from the lease's own entries: its rows say only what is so now."""
    parts, agency = visit.parts, visit.agency
    fresh_as = as_of(connection, agency, "timeline", "leases")
    found(lease(connection, agency, lease_id))
    now = parts.office.clock()
    asked = two_dates(connection, agency, *dates, now, fresh_as.position)
    entries = entries_of_lease(connection, parts.office.journal, agency, lease_id, asked.position)
    state = replayed(entries, lease_id, asked)
    then = state.account
    return {
        "lease_id": lease_id,
        "confirmed_cents": then.confirmed_cents,
        "booked_cents": then.booked_cents,
        "settled_cents": then.settled_cents,
        "pending_cents": sum(p.amount_cents for p in state.payments if p.state in PENDING),
        "credit_cents": then.credit_cents,
        "open_charges": [
            ChargeRow(
                lease_id, c.charge, c.kind, c.amount_cents, c.paid_cents, c.due_on, c.period,
                c.invoice_id,
            )
            for c in then.open_charges
        ],
        "freshness": fresh_as,
    }  # fmt: skip


@router.get("/{lease_id}/balance-as-of", response_model=BalanceAsOf)
def get_balance_as_of(visit: AccountReader, lease_id: UUID, dates: AskedDates) -> object:
    """What was owed by the books on a date, as it was known at another: one sum over postings."""
    with visit.parts.pool.connection() as connection:
        fresh_as = as_of(connection, visit.agency, "account")
        found(lease(connection, visit.agency, lease_id))
        now = visit.parts.office.clock()
        asked = two_dates(connection, visit.agency, *dates, now, fresh_as.position)
        on, known = asked.as_of_on, asked.position
        cents = balance_as_of(connection, visit.agency, lease_id, on=on, known=known)
    return {
        "lease_id": lease_id,
        "as_of_on": on,
        "known_position": known,
        "known_recorded_at": asked.recorded_at,
        "booked_cents": cents,
        "freshness": fresh_as,
    }


@router.get("/{lease_id}/postings", response_model=Page[PostingRow])
def list_postings(
    visit: AccountReader,
    lease_id: UUID,
    dates: AskedDates,
    after: Position = 0,
    limit: Limit = 100,
) -> object:
    """The lines of the account in the order in which they were recorded: the statement.

    With dates, the lines that count on the one, of those that were known at the other.
    """
    with visit.parts.pool.connection() as connection:
        fresh_as = as_of(connection, visit.agency, "account")
        found(lease(connection, visit.agency, lease_id))
        on = known = None
        if dates.said:
            now = visit.parts.office.clock()
            asked = two_dates(connection, visit.agency, *dates, now, fresh_as.position)
            on, known = asked.as_of_on, asked.position
        rows = postings(
            connection, visit.agency, lease_id, after=after, limit=limit, on=on, known=known
        )
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
