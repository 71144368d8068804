"""What a page shows when there is nothing to show: always a page, never JSON."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar
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
_PROBLEMS = {
    "not_found": "missing",
    "no_such_agency": "missing",
    "not_yet": "late",
    "provider_unreachable": "silent",
}
_STATUSES = {"missing": 404, "refused": 409, "broken": 500}


class PageRoute(APIRoute):
    """A route whose every answer is for people to read."""

    room: ClassVar[str] = ""
    """What the names of the words begin with that these pages say."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                return await handle(request)
            except ClientDisconnect:
                raise
            except Exception as problem:
                return self.told(request, problem)

        return shown

    def told(self, request: Request, problem: Exception) -> Response:
        """What somebody sees instead of the page."""
        return _told(request, problem, self.room)


def missing(request: Request, room: str = "") -> Response:
    """There is nothing at this address."""
    return _shown(request, "missing", None, room=room)


def _told(request: Request, problem: Exception, room: str) -> Response:
    detail = None
    if isinstance(problem, Problem) and problem.code in _PROBLEMS:
        kind = _PROBLEMS[problem.code]
    elif isinstance(problem, _MISSING):
        kind = "missing"
    elif isinstance(problem, Quarantined):
        kind = "checking"
    elif isinstance(problem, _BUSY):
        kind = "busy"
    elif isinstance(problem, Refused):
        kind, detail = "refused", problem.told(spoken(request))
    else:
        kind = "broken"
    return _shown(request, kind, problem, detail=detail, room=room)


def _shown(
    request: Request,
    kind: str,
    problem: Exception | None,
    *,
    detail: str | None = None,
    room: str = "",
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
        "kind": room + kind,
        "detail": detail or WORDS[language][room + kind],
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
