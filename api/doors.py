"""Who comes in: the token, the agency and the role of every request, and how fresh it must be."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPBearer

from access.tokens import Denied
from api import Parts
from api.limits import BIGGEST
from api.logging import trail_of
from api.problems import Problem
from domain.principal import Principal, Role
from journal import agency_id

bearer = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token from `quittance token create`: `Authorization: Bearer qt_…`",
)

SLUG = "The agency's slug."
Slug = Annotated[str, Path(description=SLUG)]


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that was let into an agency."""

    principal: Principal
    agency: UUID
    parts: Parts


def parts_of(request: Request) -> Parts:
    """The parts that this application was built with."""
    parts = request.app.state.parts
    assert isinstance(parts, Parts)
    return parts


async def authenticate(request: Request) -> Principal:
    """Who asks; Problem 401 if nobody that we know."""
    token, reason = _bearer_token(request)
    if token is None:
        raise _unknown(request, Denied(reason))
    parts = parts_of(request)
    now = parts.office.clock()
    # A remembered token costs no thread and no query.
    found = parts.tokens.remembered(token, now)
    if found is None:
        found = await run_in_threadpool(parts.tokens.check, token, now)
    if isinstance(found, Denied):
        raise _unknown(request, found)
    trail_of(request).token_id = UUID(found.name.removeprefix("token:"))
    return found


def door(allowed: frozenset[Role] | None = None) -> Callable[..., Awaitable[Visit]]:
    """A dependency that lets in those whose token opens the agency in the address."""

    async def enter(
        request: Request, agency: Slug, _scheme: Annotated[object, Depends(bearer)]
    ) -> Visit:
        return await let_in(request, agency, allowed)

    return enter


async def let_in(request: Request, slug: str, allowed: frozenset[Role] | None = None) -> Visit:
    """Let in those whose token opens the agency; Problem 401, 404 or 403.

    An agency that does not exist and one that the token does not open are the same: the answer
    is given before anything was looked up. `allowed` is None for every role.
    """
    trail = trail_of(request)
    trail.enter(slug)
    principal = await authenticate(request)
    agency = agency_id(slug)
    if not principal.may_enter(agency):
        trail.denied = "no_such_agency"
        raise Problem("no_such_agency")
    if allowed is not None and principal.role not in allowed:
        trail.denied = "role"
        raise Problem("not_allowed")
    return Visit(principal, agency, parts_of(request))


def fresh(
    *projections: str, allowed: frozenset[Role] | None = None
) -> Callable[..., Awaitable[Visit]]:
    """A dependency like `door` for what is read from these projections.

    It waits for `?min_position=`, before the route takes a thread, and then lets in; or says
    503 `not_yet`, never a silent stale answer.
    """
    enter = door(allowed)

    async def wait(
        visit: Annotated[Visit, Depends(enter)],
        min_position: Annotated[
            int | None,
            Query(
                ge=0,
                le=BIGGEST,
                description="The position of your own last command; the read waits for it.",
            ),
        ] = None,
    ) -> Visit:
        parts = visit.parts
        if min_position and not await parts.waiter.reached(
            visit.agency, min_position, projections, parts.wait_seconds
        ):
            raise Problem("not_yet", projections=projections)
        return visit

    return wait


def _bearer_token(request: Request) -> tuple[str | None, str]:
    """The token, or None and why there is none."""
    given = request.headers.getlist("authorization")
    if not given:
        return None, "no_token"
    if len(given) > 1:
        return None, "several_tokens"
    scheme, _, token = given[0].partition(" ")
    if scheme.lower() != "bearer":
        return None, "other_scheme"
    return token.strip(), ""


def _unknown(request: Request, denied: Denied) -> Problem:
    trail = trail_of(request)
    trail.denied = denied.reason
    trail.token_id = denied.token_id
    # RFC 6750: the error is named only to those who came with a token.
    challenge = 'Bearer realm="quittance"'
    if denied.reason != "no_token":
        challenge += ', error="invalid_token"'
    return Problem("unauthenticated", headers={"WWW-Authenticate": challenge})
