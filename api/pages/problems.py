"""What a page shows when there is nothing to show: always a page, never JSON."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import uuid4

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from psycopg import OperationalError
from psycopg_pool import PoolTimeout, TooManyRequests
from starlette.requests import ClientDisconnect

from api.logging import log, route_of, trail_of
from api.pages import chosen, page, spoken
from api.pages.words import WORDS
from api.problems import Problem
from domain import NotFound, Refused
from journal import Busy, Conflict, NoSuchAgency, OutcomeUnknown
from projections.freshness import Quarantined

_MISSING = (RequestValidationError, NotFound, NoSuchAgency)
_BUSY = (Conflict, Busy, OutcomeUnknown, OperationalError, PoolTimeout, TooManyRequests)
_PROBLEMS = {"not_found": "missing", "not_yet": "late", "provider_unreachable": "silent"}
_STATUSES = {"missing": 404, "refused": 409, "broken": 500}


class PageRoute(APIRoute):
    """A route whose every answer is for people to read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                return await handle(request)
            except ClientDisconnect:
                raise
            except Exception as problem:
                return _told(request, problem)

        return shown


def missing(request: Request) -> Response:
    """There is nothing at this address."""
    return _shown(request, "missing", None)


def _told(request: Request, problem: Exception) -> Response:
    if isinstance(problem, Problem) and problem.code in _PROBLEMS:
        return _shown(request, _PROBLEMS[problem.code], problem)
    if isinstance(problem, _MISSING):
        return _shown(request, "missing", problem)
    if isinstance(problem, Quarantined):
        return _shown(request, "checking", problem)
    if isinstance(problem, _BUSY):
        return _shown(request, "busy", problem)
    if isinstance(problem, Refused):
        return _shown(request, "refused", problem, detail=problem.told(spoken(request)))
    return _shown(request, "broken", problem)


def _shown(
    request: Request, kind: str, problem: Exception | None, *, detail: str | None = None
) -> Response:
    language, status = spoken(request), _STATUSES.get(kind, 503)
    trail = trail_of(request)
    trail.problem = kind
    if kind == "broken":
        trail.request_id = uuid4().hex
        log.error(
            "bug", request_id=trail.request_id, route=route_of(request.scope), exc_info=problem
        )
    elif status == 503:
        log.warning("page.not_shown", kind=kind, exc_info=problem)
    shown = {
        "kind": kind,
        "detail": detail or WORDS[language][kind],
        "number": trail.request_id,
        "retry": _way_back(request) if status == 503 else None,
    }
    answer = page(request, "problem.html", language, shown, status=status)
    if status == 503:
        answer.headers["Retry-After"] = "1"
    return answer


def _way_back(request: Request) -> str:
    """The page itself once more; after a form, the page that the form was on."""
    path = request.url.path
    if request.method == "POST":
        return path.rpartition("/")[0] + chosen(request)
    return path + (f"?{request.url.query}" if request.url.query else "")
