"""The auditor's door: a token is entered once, kept by the browser, and checked on every page.

The cookie holds the token itself, out of reach of scripts and of other sites; nothing is kept on
our side, so a token that is revoked is out at once.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.concurrency import run_in_threadpool

from access.tokens import Denied
from api.audit import AUDIT
from api.doors import Visit, parts_of
from api.logging import trail_of
from api.pages import chosen, page, spoken, to
from api.pages.problems import PageRoute
from api.pages.words import WORDS
from api.problems import Problem
from domain.principal import Principal
from domain.words import Language
from journal import HOUSE, agency_id
from projections.agencies import AgencyRow, all_agencies

COOKIE, PLACE = "quittance_audit", "/audit"
LONGEST_TOKEN = 200
"""Characters of what is entered that are looked at; a token has 100."""


class AuditRoute(PageRoute):
    """A route of the auditor's, with words of their own when there is nothing to show."""

    room = "audit_"

    def told(self, request: Request, problem: Exception) -> Response:
        """Who has not come in yet is shown the door; anything else in the auditor's words."""
        if isinstance(problem, Problem) and problem.code == "unauthenticated":
            return to(PLACE + chosen(request))
        return super().told(request, problem)


router = APIRouter(prefix=PLACE, include_in_schema=False, route_class=AuditRoute)


@router.api_route("", methods=["GET", "HEAD"])
async def door(request: Request) -> Response:
    """Where the token is entered; once it is, the agencies that it opens."""
    try:
        principal = await who(request)
    except Problem:
        return _door(request)
    parts = parts_of(request)
    head, _ = await run_in_threadpool(parts.office.journal.head, HOUSE)
    # An agency opened a moment ago is in the list, unless its read model is far behind.
    await parts.waiter.reached(HOUSE, head, ("agencies",), parts.wait_seconds)
    opened = await run_in_threadpool(agencies_of, request, principal)
    if len(opened) == 1:
        return to(f"{PLACE}/{opened[0].slug}/histoire{chosen(request)}")
    return shown(request, "audit_agencies.html", {"agencies": opened, "principal": principal})


@router.post("")
async def come_in(
    request: Request, token: Annotated[str, Form(max_length=LONGEST_TOKEN)] = ""
) -> Response:
    """Keep a token that opens something to an auditor, and go on; else say why not."""
    if _from_elsewhere(request):
        return _door(request, "audit_elsewhere", 403)
    parts = parts_of(request)
    now = parts.office.clock()
    place = request.client.host if request.client else ""
    if parts.attempts.too_many(place, now):
        return _door(request, "audit_too_many", 429)
    found = await _check(request, token.strip())
    if isinstance(found, Denied):
        parts.attempts.wrong(place, now)
        _note(request, found)
        return _door(request, "audit_wrong_token", 401)
    if found.role not in AUDIT:
        trail_of(request).denied = "role"
        return _door(request, "audit_wrong_role", 403)
    answer = to(PLACE + chosen(request))
    answer.set_cookie(
        COOKIE, token.strip(), path=PLACE, httponly=True, samesite="strict", secure=_safe(request)
    )
    return answer


@router.post("/sortir")
async def leave(request: Request) -> Response:
    """Forget the token."""
    answer = to(PLACE + chosen(request))
    answer.delete_cookie(
        COOKIE, path=PLACE, httponly=True, samesite="strict", secure=_safe(request)
    )
    return answer


async def who(request: Request) -> Principal:
    """Who reads, by the cookie; Problem `unauthenticated` if it opens nothing to an auditor."""
    token = request.cookies.get(COOKIE)
    if not token:
        raise Problem("unauthenticated")
    found = await _check(request, token)
    if isinstance(found, Denied):
        _note(request, found)
        raise Problem("unauthenticated")
    if found.role not in AUDIT:
        raise Problem("unauthenticated")
    trail_of(request).token_id = UUID(found.name.removeprefix("token:"))
    return found


async def enter(request: Request, slug: str) -> Visit:
    """Let the auditor into one agency; what the token does not open does not exist."""
    principal = await who(request)
    trail = trail_of(request)
    trail.enter(slug)
    agency = agency_id(slug)
    if not principal.may_enter(agency):
        trail.denied = "no_such_agency"
        raise Problem("no_such_agency")
    return Visit(principal, agency, parts_of(request))


def agencies_of(request: Request, principal: Principal) -> list[AgencyRow]:
    """The agencies that a token opens, by slug."""
    with parts_of(request).pool.connection() as connection:
        return [row for row in all_agencies(connection) if principal.may_enter(row.agency_id)]


def shown(
    request: Request, template: str, values: dict[str, object], *, status: int = 200
) -> Response:
    """A page of the auditor's, with the way to the same page in the other language."""
    language = spoken(request)
    asked = {name: value for name, value in request.query_params.items() if name != "lang"}
    defaults: dict[str, object] = {
        "slug": None, "here": "", "role": None, "agency": "", "principal": None,
        "in_other_language": "?" + urlencode({**asked, "lang": _other(language)}),
    }  # fmt: skip
    return page(request, template, language, {**defaults, **values}, status=status)


def _other(language: Language) -> Language:
    return "fr" if language == "en" else "en"


def _door(request: Request, fault: str | None = None, status: int = 200) -> Response:
    words = WORDS[spoken(request)]
    values: dict[str, object] = {"fault": None if fault is None else words[fault]}
    return shown(request, "audit_door.html", values, status=status)


async def _check(request: Request, token: str) -> Principal | Denied:
    parts = parts_of(request)
    now = parts.office.clock()
    found = parts.tokens.remembered(token, now)
    if found is None:
        found = await run_in_threadpool(parts.tokens.check, token, now)
    return found


def _note(request: Request, denied: Denied) -> None:
    trail = trail_of(request)
    trail.denied, trail.token_id = denied.reason, denied.token_id


def _safe(request: Request) -> bool:
    """Whether people come by https, in front of this process if not to it."""
    public = parts_of(request).public_url.startswith("https:")
    return public or request.url.scheme == "https"


def _from_elsewhere(request: Request) -> bool:
    """Whether another site has sent a form here, which browsers tell."""
    origin = request.headers.get("origin")
    if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        return True
    return origin not in (None, "null") and urlsplit(origin).netloc != request.headers.get("host")
