"""The history of anything: a lease, a payment, an invoice, a receipt, a person."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request

from api.answers import Limit, Page, as_of, page
from api.doors import Visit, fresh
from api.kinds import language_of
from api.limits import BIGGEST
from api.problems import Problem, documented
from projections.timeline import Moment, history

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
        moments = history(
            connection,
            visit.parts.office.journal,
            visit.agency,
            about_id,
            language_of(request),
            after=after,
            limit=limit,
        )
    if not moments and after == 0:
        raise Problem("not_found")
    return page(moments, limit, str(moments[-1].position) if moments else None, fresh_as)
