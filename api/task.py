"""Tasks: what a person of the agency is asked to do."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.answers import Limit, Page, as_of, page
from api.doors import Visit, fresh
from api.limits import BIGGEST
from api.problems import documented
from projections.tasks import TaskRow, open_tasks

router = APIRouter(
    prefix="/v1/agencies/{agency}/tasks", tags=["tasks"], responses=documented(401, 404, 422, 503)
)


@router.get("", response_model=Page[TaskRow])
def list_tasks(
    visit: Annotated[Visit, Depends(fresh("tasks"))],
    after: Annotated[int, Query(ge=0, le=BIGGEST)] = 0,
    limit: Limit = 100,
) -> object:
    """What is to be done, oldest first."""
    with visit.parts.pool.connection() as connection:
        fresh_as = as_of(connection, visit.agency, "tasks")
        rows = open_tasks(connection, visit.agency, after, limit)
    return page(rows, limit, str(rows[-1].position) if rows else None, fresh_as)
