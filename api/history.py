"""The history of anything: a lease, a payment, an invoice, a receipt, a person."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request

from access import tokens
from api.answers import Limit, Page, as_of, page
from api.doors import Visit, fresh
from api.kinds import language_of
from api.limits import BIGGEST
from api.problems import Problem, documented
from projections.story import Moment, Reader, at, moments
from projections.timeline import positions_about

router = APIRouter(
    prefix="/v1/agencies/{agency}", tags=["history"], responses=documented(401, 404, 422, 503)
)


class Subject(StrEnum):
    """What a history can be asked of."""

    LEASES = "leases"
    PAYMENTS = "payments"
    INVOICES = "invoices"
    RECEIPTS = "receipts"
    PARTIES = "parties"
    TASKS = "tasks"


@router.get("/{subject}/{about_id}/history", response_model=Page[Moment])
def get_history(
    request: Request,
    visit: Annotated[Visit, Depends(fresh("timeline"))],
    _subject: Annotated[Subject, Path(alias="subject")],
    about_id: UUID,
    after: Annotated[int, Query(ge=0, le=BIGGEST)] = 0,
    limit: Limit = 100,
) -> object:
    """Who did what, when and why, in the order in which it was recorded; in words."""
    with visit.parts.pool.connection() as connection:
        fresh_as = as_of(connection, visit.agency, "timeline")
        journal = visit.parts.office.journal
        reader = Reader(connection, journal, visit.agency, language_of(request), tokens)
        positions = positions_about(connection, visit.agency, [about_id], after=after, limit=limit)
        told = moments(reader, at(reader, positions))
    if not told and after == 0:
        raise Problem("not_found")
    return page(told, limit, str(told[-1].position) if told else None, fresh_as)
