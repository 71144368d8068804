"""Is it alive, and how far is it: `/health` and `/metrics`, for machines that watch."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from api import Parts

router = APIRouter(tags=["operation"])


class Health(BaseModel):
    """Alive; `position_lag` is how many positions each projection is behind its journal."""

    status: str
    version: str
    position_lag: dict[str, int]


@router.get("/health")
async def health(request: Request) -> Health:
    """Alive. Asks no database, so that a busy one does not make us look dead."""
    parts: Parts = request.app.state.parts
    return Health(status="ok", version=parts.version, position_lag=dict(parts.lag()))


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(request: Request) -> Response:
    """Counts, durations and positions in Prometheus' text format."""
    return Response(request.app.state.meter.exposition(), media_type=CONTENT_TYPE_LATEST)
