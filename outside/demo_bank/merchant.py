"""The demo bank's API, for merchants who bear the secret."""

from __future__ import annotations

import hmac
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Header, HTTPException, Request
from fastapi.responses import Response

from outside.demo_bank.bank import Bank, KeyReused, NotNow
from outside.demo_bank.checkout import Asked, Checkout, Orders


def bank_of(request: Request) -> Bank:
    return cast("Bank", request.app.state.bank)


def with_bearer(request: Request, authorization: Annotated[str, Header()] = "") -> None:
    expected = f"Bearer {request.app.state.secret}".encode()
    if not hmac.compare_digest(authorization.encode(), expected):
        raise HTTPException(401, "unauthorized", {"WWW-Authenticate": "Bearer"})


AtBank = Annotated[Bank, Depends(bank_of)]

routes = APIRouter(prefix="/v1/checkouts", dependencies=[Depends(with_bearer)])


@routes.post("", status_code=201)
def open_checkout(
    request: Request,
    response: Response,
    bank: AtBank,
    asked: Asked,
    idempotency_key: Annotated[str, Header(min_length=1, max_length=255)],
) -> dict[str, Any]:
    """201 for a new checkout, 200 for the same key again, 409 for a key with another body."""
    try:
        checkout, is_new = bank.open(asked, idempotency_key)
    except KeyReused:
        raise HTTPException(409, "idempotency_key_reused") from None
    response.status_code = 201 if is_new else 200
    return _told(request, checkout)


@routes.get("/{checkout_id}")
def show(request: Request, bank: AtBank, checkout_id: str) -> dict[str, Any]:
    return _told(request, bank.find(checkout_id))


@routes.post("/{checkout_id}/control")
def control(request: Request, bank: AtBank, checkout_id: str, orders: Orders) -> dict[str, Any]:
    """Play the payer or the bank, and say how notifications travel; 409 when it is too late."""
    try:
        return _told(request, bank.obey(checkout_id, orders))
    except NotNow as why:
        raise HTTPException(409, str(why)) from None


def _told(request: Request, checkout: Checkout) -> dict[str, Any]:
    page = f"{request.app.state.public_url}/pay/{checkout.id}"
    return checkout.told() | {"redirect_url": page}
