"""What the answers of queries share: how fresh they are, and how lists are cut."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from psycopg import Connection
from pydantic import BaseModel

from api.problems import Problem
from projections.freshness import freshness

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=200, description="At most so many.")]


class Fresh(BaseModel):
    """How fresh an answer is: the position and instant that it is as of, and how far behind."""

    position: int
    as_of: datetime
    lag_events: int
    lag_seconds: float


class Page(BaseModel, Generic[T]):
    """A part of a list. Pass `next` as `after` for the part that follows; null at the end."""

    items: list[T]
    next: str | None
    freshness: Fresh


def page(rows: list[T], limit: int, cursor: str | None, fresh: Fresh) -> dict[str, Any]:
    """A page whose next part begins after `cursor`, if it is full."""
    return {"items": rows, "next": cursor if len(rows) == limit else None, "freshness": fresh}


def as_of(connection: Connection[Any], agency: UUID, *projections: str) -> Fresh:
    """How fresh these read models are; taken before the rows, so never fresher than they are."""
    found = freshness(connection, agency, *projections)
    return Fresh(
        position=found.position,
        as_of=found.as_of,
        lag_events=found.lag_events,
        lag_seconds=found.lag_seconds,
    )


def found(row: T | None) -> T:
    """The row, or 404."""
    if row is None:
        raise Problem("not_found")
    return row
