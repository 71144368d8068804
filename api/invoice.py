"""Invoices: one invoice, as it was issued."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from api.answers import Fresh, as_of, found
from api.doors import Visit, fresh
from api.problems import documented
from projections.invoices import InvoiceRow, invoice

router = APIRouter(
    prefix="/v1/agencies/{agency}/invoices",
    tags=["invoices"],
    responses=documented(401, 404, 422, 503),
)


class InvoiceAnswer(BaseModel):
    invoice: InvoiceRow
    freshness: Fresh


@router.get("/{invoice_id}", response_model=InvoiceAnswer)
def get_invoice(visit: Annotated[Visit, Depends(fresh("invoices"))], invoice_id: UUID) -> object:
    """One invoice; its content never changes."""
    with visit.parts.pool.connection() as connection:
        fresh_as = as_of(connection, visit.agency, "invoices")
        row = found(invoice(connection, visit.agency, invoice_id))
    return {"invoice": row, "freshness": fresh_as}
