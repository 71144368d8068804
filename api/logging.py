"""One line per request, as JSON: what was asked of which route, and how it ended.

Never bodies, addresses as typed, query strings or headers: they may name people.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from uuid import UUID

import structlog
from starlette.requests import HTTPConnection

from access import denied

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
NO_ROUTE = "(none)"

log = structlog.stdlib.get_logger("quittance.api")
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62})")


@dataclass(slots=True)
class Trail:
    """What becomes known of a request on its way, for its line in the log."""

    started: float
    status: int | None = None
    problem: str | None = None
    denied: str | None = None
    """Why somebody was turned away, in the words of the log, not of the answer."""
    token_id: UUID | None = None
    agency: str | None = None
    command_id: UUID | None = None
    position: int | None = None
    repeated: bool | None = None
    request_id: str | None = None

    def enter(self, slug: str) -> None:
        """Note the agency asked for; what does not look like one may be anything, a name too."""
        self.agency = slug if _SLUG.fullmatch(slug) else "(malformed)"


def trail_of(request: HTTPConnection) -> Trail:
    """The trail of the request that is being answered."""
    trail = request.scope["trail"]
    assert isinstance(trail, Trail)
    return trail


def method_of(scope: Any) -> str:
    """The method, of those that exist: a person can send any word."""
    return scope["method"] if scope["method"] in METHODS else "OTHER"


def route_of(scope: Any) -> str:
    """The template of the route that was met: `/v1/agencies/{agency}/…`."""
    # A router that is included with a prefix keeps its full template beside its own.
    effective = scope.get("fastapi", {}).get("effective_route_context")
    template = getattr(effective or scope.get("route"), "path", None)
    return template if isinstance(template, str) and template else NO_ROUTE


def tell(scope: Any, trail: Trail) -> float:
    """Write the request's line, and one more if somebody was turned away; gives the seconds."""
    seconds = perf_counter() - trail.started
    if trail.denied is not None:
        denied(trail.denied, agency=trail.agency, token_id=trail.token_id)
    line = {
        "method": method_of(scope),
        "route": route_of(scope),
        "status": trail.status,
        "ms": round(seconds * 1000, 2),
        "problem": trail.problem,
        "token_id": trail.token_id and str(trail.token_id),
        "agency": trail.agency,
        "command_id": trail.command_id and str(trail.command_id),
        "position": trail.position,
        "repeated": trail.repeated,
        "request_id": trail.request_id,
    }
    log.info("request", **{name: value for name, value in line.items() if value is not None})
    return seconds
