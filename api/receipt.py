"""Receipts: what one proves, and its PDF."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from api.answers import Fresh, as_of, found
from api.doors import Visit, fresh
from api.problems import documented
from projections.papers import receipt_paper
from projections.receipts import ReceiptRow, receipt

router = APIRouter(
    prefix="/v1/agencies/{agency}/receipts",
    tags=["receipts"],
    responses=documented(401, 404, 422, 503),
)
Reader = Annotated[Visit, Depends(fresh("receipts", "leases", "agencies"))]
PaperLanguage = Annotated[Literal["fr", "en"], Query(description="French, or English on request.")]
PDF: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}
}


class ReceiptAnswer(BaseModel):
    receipt: ReceiptRow
    freshness: Fresh


@router.get("/{receipt_id}", response_model=ReceiptAnswer)
def get_receipt(visit: Reader, receipt_id: UUID) -> object:
    """One quittance or reçu."""
    with visit.parts.pool.connection() as connection:
        fresh_as = as_of(connection, visit.agency, "receipts")
        row = found(receipt(connection, visit.agency, receipt_id))
    return {"receipt": row, "freshness": fresh_as}


@router.get("/{receipt_id}/pdf", response_class=Response, responses={**PDF})
def get_receipt_pdf(visit: Reader, receipt_id: UUID, language: PaperLanguage = "fr") -> Response:
    """The same as PDF/A: byte for byte the same each time, for one version of the renderer."""
    parts = visit.parts
    with parts.pool.connection() as connection:
        row = found(receipt(connection, visit.agency, receipt_id))
        paper = receipt_paper(connection, parts.office.journal, visit.agency, row)
    pdf = found(parts.shelf).take(visit.agency, receipt_id, paper, language)
    return pdf_answer(pdf, row.number)


def pdf_answer(pdf: bytes, number: str) -> Response:
    """A PDF for one person's eyes, named after its number."""
    headers = {
        "Content-Disposition": f'inline; filename="{number}.pdf"',
        "Cache-Control": "private, no-store",
    }
    return Response(pdf, media_type="application/pdf", headers=headers)
