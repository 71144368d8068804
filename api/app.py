"""The whole edge put together: every route, and what every request passes on its way in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, FastAPI

from api import Parts, audit, docs, health, history, invoice, lease, payment, receipt, task
from api.commands import offer, offered, schemas
from api.doors import bearer
from api.edge import Edge
from api.metrics import Meter
from api.pages import audit as audit_pages
from api.pages import payment as payment_pages
from api.pages import static
from api.problems import ProblemDetails, install
from commands import Command

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    docs.router,
    lease.router,
    invoice.router,
    payment.router,
    receipt.router,
    task.router,
    audit.router,
    history.router,
    payment_pages.router,
    audit_pages.router,
    static.router,
)
"""Every module with routes of its own. A query's function name is its `operationId`."""

_ABOUT = (
    "Commands answer with a position; pass it as min_position to read your own write. "
    "Problems are application/problem+json with a stable code, in French or English."
)


class Api(FastAPI):
    """FastAPI with the bodies that it does not read itself in its documentation."""

    def __init__(self, parts: Parts, kinds: list[type[Command]]) -> None:
        super().__init__(
            title="Quittance",
            version=parts.version,
            description=_ABOUT,
            # Their own pages load scripts from elsewhere.
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            generate_unique_id_function=lambda route: route.name,
            lifespan=_lifespan,
        )
        self._kinds = kinds

    def openapi(self) -> dict[str, Any]:
        spec = super().openapi()
        known = spec.setdefault("components", {}).setdefault("schemas", {})
        for name, schema in schemas([ProblemDetails, *self._kinds]).items():
            known.setdefault(name, schema)
        schemes = spec["components"].setdefault("securitySchemes", {})
        schemes[bearer.scheme_name] = bearer.model.model_dump(
            mode="json", by_alias=True, exclude_none=True
        )
        for operations in spec["paths"].values():
            for operation in operations.values():
                for parameter in operation.get("parameters", []):
                    parameter["schema"] = _without_null(parameter["schema"])
        return spec


def create_app(parts: Parts, kinds: Iterable[type[Command]] | None = None) -> FastAPI:
    """The edge over these parts, with a route for each command that is known by now."""
    commands = offered(Command.named.values() if kinds is None else kinds)
    app = Api(parts, commands)
    app.state.parts = parts
    app.state.meter = Meter(parts.gauges)
    app.add_middleware(Edge, body_limit_bytes=parts.body_limit_bytes, meter=app.state.meter)
    install(app)
    offer(app, commands)
    for router in ROUTERS:
        app.include_router(router)
    return app


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """What an optional header or query parameter may hold: it is left out, never `null`."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {**{name: said for name, said in schema.items() if name != "anyOf"}, **kinds[0]}


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    limiter = anyio.to_thread.current_default_thread_limiter()
    limiter.total_tokens = app.state.parts.threads
    yield
