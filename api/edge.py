"""The doorstep of every request: its size, its line in the log, and what is shown of a bug."""

from __future__ import annotations

from time import perf_counter
from uuid import uuid4

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.kinds import KINDS
from api.logging import Trail, log, method_of, route_of, tell
from api.metrics import Meter
from api.problems import Problem, respond, respond_to


class Edge:
    """Outermost of what is ours: nothing leaves without having passed here."""

    def __init__(self, app: ASGIApp, body_limit_bytes: int, meter: Meter) -> None:
        self._app = app
        self._body_limit_bytes = body_limit_bytes
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trail = scope["trail"] = Trail(perf_counter())

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                trail.status = message["status"]
                message["headers"] = _guarded(scope, message.get("headers", []))
            await send(message)

        try:
            if _declared_bytes(scope) > self._body_limit_bytes:
                await respond_to(Request(scope), _too_large())(scope, receive, sending)
            else:
                await self._app(scope, self._limited(receive), sending)
        except ClientDisconnect:
            trail.problem = "client_gone"
        except Exception as bug:
            await self._own_up(scope, receive, sending, bug)
        finally:
            seconds = tell(scope, trail)
            self._meter.count(method_of(scope), route_of(scope), trail.status or 499, seconds)

    def _limited(self, receive: Receive) -> Receive:
        """Stop reading a body once it is too long, whatever its length was said to be."""
        read_bytes = 0

        async def receiving() -> Message:
            nonlocal read_bytes
            message = await receive()
            if message["type"] == "http.request":
                read_bytes += len(message.get("body", b""))
                if read_bytes > self._body_limit_bytes:
                    raise _too_large()
            return message

        return receiving

    async def _own_up(self, scope: Scope, receive: Receive, send: Send, bug: Exception) -> None:
        """Show a number and nothing of the inside; the log has the number and the places."""
        trail: Trail = scope["trail"]
        trail.request_id = uuid4().hex
        log.error("bug", request_id=trail.request_id, route=route_of(scope), exc_info=bug)
        if trail.status is not None:
            # Half an answer is out: only a cut connection can still say that it is not whole.
            raise bug
        answer = respond(
            Request(scope),
            KINDS["internal_error"],
            "internal_error",
            more={"request_id": trail.request_id},
        )
        await answer(scope, receive, send)


def _declared_bytes(scope: Scope) -> int:
    length = max((v for n, v in scope["headers"] if n == b"content-length"), default=b"0")
    # A length of more digits than that is too long whatever it is; int() has its own limit.
    return int(length[:18]) if length.isdigit() else 0


def _too_large() -> Problem:
    # The rest of the body is not read: the connection cannot be used for another request.
    return Problem("too_large", headers={"Connection": "close"})


def _guarded(scope: Scope, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of an answer, with those that keep it from being kept or guessed at."""
    guarded = [*headers, (b"x-content-type-options", b"nosniff")]
    if scope["path"].startswith("/v1/") and not any(n == b"cache-control" for n, _ in headers):
        guarded.append((b"cache-control", b"no-store"))
    return guarded
