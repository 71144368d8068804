"""The demo bank's HTTP application: an API for the merchant, hosted pages for the payer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response

from outside.demo_bank import merchant, payer
from outside.demo_bank.bank import Bank, NoSuchCheckout
from outside.demo_bank.courier import Courier
from outside.demo_bank.store import Store
from outside.demo_bank.views import missing_page

MAX_BODY_BYTES = 64 * 1024


def create_app(store: Store, courier: Courier, secret: str, public_url: str) -> FastAPI:
    """`secret` is the merchant's bearer; `public_url` is where browsers reach the pages."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        courier.start()
        yield
        courier.stop()
        store.close()

    app = FastAPI(title="Banque de démonstration", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.bank = Bank(store, courier.wake)
    app.state.secret = secret
    app.state.public_url = public_url
    app.middleware("http")(_guard)
    app.include_router(merchant.routes)
    app.include_router(payer.routes)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(NoSuchCheckout, _missing)
    app.add_api_route("/v1/healthz", _healthz)
    return app


async def _healthz() -> dict[str, str]:
    return {"status": "ok"}


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    length = request.headers.get("content-length", "0")
    if "transfer-encoding" in request.headers or int(length) > MAX_BODY_BYTES:
        return JSONResponse({"detail": "too_large"}, 413)
    response = await call_next(request)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


async def _invalid(_: Request, error: Exception) -> Response:
    """Say where it is wrong and why, never what was sent: it may be somebody's."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    wrong = [{"where": list(one["loc"]), "why": one["msg"]} for one in found]
    return JSONResponse({"detail": "invalid", "errors": wrong}, 422)


async def _missing(request: Request, _: Exception) -> Response:
    if request.url.path.startswith("/pay/"):
        return missing_page(request)
    return JSONResponse({"detail": "no_such_checkout"}, 404)
