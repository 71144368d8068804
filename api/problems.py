"""Every answer that is not a success, as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from psycopg import OperationalError
from psycopg.errors import UndefinedColumn, UndefinedTable
from psycopg_pool import PoolTimeout, TooManyRequests
from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from api.invalid import Wrong, wrongs
from api.kinds import KINDS, REFUSED, Kind, language_of
from api.logging import log, trail_of
from commands import KeyReused
from domain import NotAllowed, NotFound, Refused
from domain.words import Language
from journal import Busy, Conflict, NoSuchAgency, OutcomeUnknown, UnknownEvent
from journal.keys import KeyDestroyed
from projections.freshness import Quarantined
from projections.subjects import BackwardPeriod
from projections.two_dates import NotShownYet, Unanswerable

MEDIA_TYPE = "application/problem+json"


class Fault(BaseModel):
    """One thing that is wrong with the request's input; the input itself is never repeated."""

    location: list[str | int]
    code: str
    message: str


class ProblemDetails(BaseModel):
    """RFC 9457. Decide on `code`, which is stable; show `title` and `detail` to people."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[Fault] | None = None


class Problem(HTTPException):
    """Raised by the edge itself: one of the kinds in `api/kinds.py`."""

    def __init__(
        self,
        code: str,
        *,
        errors: Sequence[Wrong] = (),
        headers: Mapping[str, str] | None = None,
        **more: object,
    ) -> None:
        super().__init__(KINDS[code].status, code, headers)
        self.code = code
        self.errors = errors
        self.more = more


def respond(
    request: Request,
    kind: Kind,
    code: str,
    *,
    detail: str | None = None,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, object] | None = None,
) -> Response:
    """The answer to a request that came to nothing."""
    language = language_of(request)
    trail_of(request).problem = code
    body: dict[str, object] = {
        "type": f"/problems/{code}",
        "title": kind.title[language],
        "status": kind.status,
        "detail": detail or kind.detail[language],
        "code": code,
        **(more or {}),
    }
    return Response(
        to_json(body),
        kind.status,
        {
            "Content-Language": language,
            "Vary": "Accept-Language",
            **({"Retry-After": "1"} if kind.status == 503 else {}),
            **(headers or {}),
        },
        MEDIA_TYPE,
    )


def respond_to(request: Request, problem: Problem) -> Response:
    """The answer to what the edge itself turned away."""
    told = [wrong.told(language_of(request)) for wrong in problem.errors]
    more = {"errors": told, **problem.more} if told else problem.more
    kind = KINDS[problem.code]
    return respond(request, kind, problem.code, headers=problem.headers, more=more)


def install(app: FastAPI) -> None:
    """Have every exception that a request can end in answered as a problem."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    for error, code in (
        (Conflict, "conflict"),
        (Busy, "busy"),
        (OutcomeUnknown, "outcome_unknown"),
        (KeyDestroyed, "person_erased"),
        (UnknownEvent, "newer_program"),
        (OperationalError, "busy"),
        (PoolTimeout, "busy"),
        (TooManyRequests, "busy"),
        (Quarantined, "stopped"),
        (NotShownYet, "not_yet"),
        # This program reads what is still being built beside the older program's rows.
        (UndefinedColumn, "busy"),
        (UndefinedTable, "busy"),
    ):
        app.add_exception_handler(error, _always(code))


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return respond_to(request, error)


async def _refused(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, Refused)
    language: Language = language_of(request)
    if isinstance(refused, NoSuchAgency):
        # The same words as at the door, or one could tell which agencies exist.
        trail_of(request).denied = "no_such_agency"
        return respond(request, KINDS["no_such_agency"], "no_such_agency")
    kind = REFUSED
    if isinstance(refused, NotAllowed):
        trail_of(request).denied = refused.code
        kind = KINDS["not_allowed"]
    elif isinstance(refused, NotFound):
        kind = KINDS["not_found"]
    elif isinstance(refused, (*Unanswerable, BackwardPeriod)):
        kind = KINDS["invalid"]
    elif isinstance(refused, KeyReused):
        kind = KINDS["key_reused"]
    return respond(request, kind, refused.code, detail=refused.told(language))


async def _http(request: Request, error: Exception) -> Response:
    """What the framework turns away: addresses, methods, bodies."""
    assert isinstance(error, HTTPException)
    code = {
        400: "unreadable",
        404: "not_found",
        405: "method_not_allowed",
        413: "too_large",
        415: "unsupported_media_type",
    }.get(error.status_code, "unreadable" if error.status_code < 500 else "internal_error")
    headers = dict(error.headers or {})
    if code == "method_not_allowed":
        headers["Allow"] = ", ".join(_methods(request))
    return respond(request, KINDS[code], code, headers=headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return respond_to(request, Problem("invalid", errors=wrongs(error.errors())))


def _always(code: str) -> Any:
    async def answer(request: Request, error: Exception) -> Response:
        log.warning("request.not_done", code=code, exc_info=error)
        return respond(request, KINDS[code], code)

    return answer


def _methods(request: Request) -> list[str]:
    """All methods of an address: the framework names those of the first route alone."""
    methods: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        pattern = getattr(route, "path_regex", None)
        if pattern is not None and pattern.match(request.scope["path"]):
            methods |= route.methods or set()
    return sorted(methods)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with, for its page in the API's documentation."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    meanings: dict[int, list[str]] = {}
    for kind in (REFUSED, *KINDS.values()):
        meanings.setdefault(kind.status, []).append(kind.title["en"])
    return {
        status: {
            "description": "; ".join(meanings[status]) + ".",
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in statuses
    }
