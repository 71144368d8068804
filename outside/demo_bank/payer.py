"""The demo bank's hosted pages, for whoever holds the unguessable address of a checkout."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel

from outside.demo_bank.cards import Mistyped, read_card
from outside.demo_bank.merchant import AtBank
from outside.demo_bank.views import challenge_page, ended_page, pay_page, to_merchant, to_page

routes = APIRouter(prefix="/pay/{checkout_id}", include_in_schema=False)


class CardTyped(BaseModel):
    number: str = ""
    expiry: str = ""
    name: str = ""
    cvc: str = ""


class CodeTyped(BaseModel):
    answer: str = "accept"
    code: str = ""


@routes.get("")
def show(request: Request, bank: AtBank, checkout_id: str) -> Response:
    checkout = bank.find(checkout_id)
    if checkout.status == "pending":
        return pay_page(request, checkout, {}, {"expiry": "", "name": ""})
    if checkout.status == "authenticating":
        return to_page(request, checkout, "/challenge")
    return ended_page(request, checkout)


@routes.post("")
def pay(
    request: Request, bank: AtBank, checkout_id: str, typed: Annotated[CardTyped, Form()]
) -> Response:
    """A second click finds the checkout no longer pending and is shown what the first one did."""
    checkout = bank.find(checkout_id)
    if checkout.status != "pending":
        return to_page(request, checkout)
    today = datetime.now(UTC).date()
    card = read_card(typed.number, typed.expiry, typed.name, typed.cvc, today)
    if isinstance(card, Mistyped):
        kept = {"expiry": typed.expiry, "name": typed.name}
        return pay_page(request, checkout, card.fields, kept)
    paid = bank.present(checkout_id, card)
    if paid.status == "authenticating":
        return to_page(request, paid, "/challenge")
    return to_merchant(paid)


@routes.get("/challenge")
def challenge(request: Request, bank: AtBank, checkout_id: str) -> Response:
    checkout = bank.find(checkout_id)
    if checkout.status != "authenticating":
        return to_page(request, checkout)
    return challenge_page(request, checkout, wrong=False)


@routes.post("/challenge")
def answer(
    request: Request, bank: AtBank, checkout_id: str, typed: Annotated[CodeTyped, Form()]
) -> Response:
    checkout = bank.find(checkout_id)
    if checkout.status != "authenticating":
        return to_page(request, checkout)
    accepted = typed.answer != "refuse"
    if accepted and not re.fullmatch(r"[0-9]{6}", re.sub(r"\s", "", typed.code)):
        return challenge_page(request, checkout, wrong=True)
    return to_merchant(bank.answer(checkout_id, accepted=accepted))


@routes.post("/cancel")
def cancel(request: Request, bank: AtBank, checkout_id: str) -> Response:
    before = bank.find(checkout_id)
    if before.status not in ("pending", "authenticating"):
        return to_page(request, before)
    return to_merchant(bank.cancel(checkout_id))
