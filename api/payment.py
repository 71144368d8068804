"""Payments: where one stands, its way to the provider's page, its ticket; and the webhooks."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from api import Parts
from api.answers import Fresh, as_of, found
from api.doors import Visit, fresh, parts_of
from api.logging import log
from api.problems import Problem, documented
from api.receipt import PDF, PaperLanguage, pdf_answer
from commands import Answer, Asked, execute
from commands.payment import StartAuthentication, told_by
from domain.payment import NotPayable, PaymentState
from domain.principal import WEBHOOK, Role
from domain.words import Language
from journal import agency_id
from outside.payment_provider import (
    BadSignature,
    Outcome,
    PaymentProvider,
    ProviderRefused,
    ProviderUnreachable,
)
from projections.papers import ticket_paper
from projections.payments import PaymentRow, payment

router = APIRouter(
    prefix="/v1/agencies/{agency}", tags=["payments"], responses=documented(401, 404, 422, 503)
)
Reader = Annotated[Visit, Depends(fresh("payments", "leases", "agencies"))]
PAYERS = frozenset({Role.SERVICE, Role.AGENT, Role.ADMIN})


class PaymentAnswer(BaseModel):
    payment: PaymentRow
    pay_url: str
    """Where to send the payer's browser: it goes on to the provider's page."""
    freshness: Fresh


class Checkout(BaseModel):
    redirect_url: str
    position: int


class Heard(BaseModel):
    """How many outcomes a notification told, and how many of them were news."""

    outcomes: int
    news: int


@router.get("/payments/{payment_id}", response_model=PaymentAnswer)
def get_payment(visit: Reader, request: Request, payment_id: UUID) -> object:
    """Where a payment stands."""
    with visit.parts.pool.connection() as connection:
        fresh_as = as_of(connection, visit.agency, "payments")
        row = found(payment(connection, visit.agency, payment_id))
    slug = request.path_params["agency"]
    url = pay_url(visit.parts, slug, payment_id)
    return {"payment": row, "pay_url": url, "freshness": fresh_as}


@router.post(
    "/payments/{payment_id}/checkout",
    response_model=Checkout,
    responses=documented(401, 403, 404, 409, 422, 503),
)
def open_checkout(
    request: Request,
    visit: Annotated[Visit, Depends(fresh("payments", allowed=PAYERS))],
    payment_id: UUID,
) -> object:
    """Open the provider's page for a payment, once; the answer says where it is."""
    with visit.parts.pool.connection() as connection:
        row = found(payment(connection, visit.agency, payment_id))
    slug = request.path_params["agency"]
    redirect_url, position = go_to_provider(visit.parts, slug, row)
    return {"redirect_url": redirect_url, "position": position}


@router.get("/payments/{payment_id}/ticket", response_class=Response, responses={**PDF})
def get_ticket_pdf(visit: Reader, payment_id: UUID, language: PaperLanguage = "fr") -> Response:
    """The ticket of a confirmed payment, as PDF; 404 before the bank said yes."""
    with visit.parts.pool.connection() as connection:
        row = found(payment(connection, visit.agency, payment_id))
    return pdf_answer(*ticket(visit.parts, visit.agency, row, language))


def ticket(parts: Parts, agency: UUID, row: PaymentRow, language: Language) -> tuple[bytes, str]:
    """The PDF and number of a ticket; Problem 404 before the bank said yes."""
    with parts.pool.connection() as connection:
        paper = found(ticket_paper(connection, parts.office.journal, agency, row))
    pdf = found(parts.shelf).take(agency, row.payment_id, paper, language)
    return pdf, paper.content.number


@router.post(
    "/webhooks/{provider}", response_model=Heard, responses=documented(400, 404, 409, 413, 503)
)
async def hear_webhook(request: Request, agency: str, provider: str) -> object:
    """What a provider tells us, signed with the secret of this agency's address."""
    body = await request.body()
    return await run_in_threadpool(_hear, request, agency, provider, body)


def _hear(request: Request, agency: str, provider: str, body: bytes) -> dict[str, int]:
    parts = parts_of(request)
    teller = found(parts.provider(provider, agency))
    try:
        outcomes = teller.read_webhook(body, request.headers, parts.office.clock())
    except BadSignature as forged:
        log.warning("webhook.refused", provider=provider, agency=agency, reason=str(forged))
        raise Problem("bad_signature") from forged
    except ProviderUnreachable as silent:
        raise Problem("provider_unreachable") from silent
    except ProviderRefused as refused:
        raise Problem("bad_signature") from refused
    news = [take_in(parts, agency, teller, outcome) for outcome in outcomes]
    return {"outcomes": len(outcomes), "news": sum(bool(n and n.events) for n in news)}


def take_in(parts: Parts, slug: str, provider: PaymentProvider, outcome: Outcome) -> Answer | None:
    """Record what a provider says of a payment; once, however often it is said."""
    if outcome.status == "confirmed" and outcome.brand is None:
        outcome = _with_card(provider, outcome)
    command = told_by(outcome)
    if command is None:
        return None
    answer = execute(parts.office, command, Asked(WEBHOOK, agency_id(slug)))
    if not answer.events:
        log.info("payment.told_again", payment=str(outcome.payment_id), status=outcome.status)
    return answer


def _with_card(provider: PaymentProvider, outcome: Outcome) -> Outcome:
    """A notification may leave out the card, and the yes does not wait for it."""
    try:
        known = provider.look_up(outcome.provider_reference)
    except (ProviderUnreachable, ProviderRefused):
        log.info("payment.card_unknown", payment=str(outcome.payment_id))
        return outcome
    return known if known.status == "confirmed" else outcome


def go_to_provider(parts: Parts, slug: str, row: PaymentRow) -> tuple[str, int]:
    """Open the provider's page, and record that the payer was sent there; the same page twice.

    Raises NotPayable once the payment is past that, and Problem when the provider is silent.
    """
    provider = found(parts.provider(row.provider, slug))
    if row.state not in (PaymentState.INITIATED, PaymentState.AUTHENTICATING):
        raise NotPayable(
            "Ce paiement est déjà engagé ou terminé ; rien ne sera débité une seconde fois.",
            "This payment is under way or over; nothing will be taken twice.",
        )
    try:
        checkout = provider.open_checkout(
            payment_id=row.payment_id,
            amount_cents=row.amount_cents,
            label=_label(row),
            return_url=pay_url(parts, slug, row.payment_id) + "/retour",
            email=None,
            language=row.language,
            idempotency_key=str(row.payment_id),
        )
    except (ProviderUnreachable, ProviderRefused) as silent:
        # Nobody was sent anywhere, so nothing can have been taken: asking again is safe.
        raise Problem("provider_unreachable") from silent
    command = StartAuthentication(
        payment_id=row.payment_id, provider_reference=checkout.provider_reference
    )
    answer = execute(parts.office, command, Asked(WEBHOOK, agency_id(slug)))
    return checkout.redirect_url, answer.position


def pay_url(parts: Parts, slug: str, payment_id: UUID) -> str:
    """The page from which a payer goes on to the provider."""
    return f"{parts.public_url}/payer/{slug}/{payment_id}"


def _label(row: PaymentRow) -> str:
    return "Loyer" if row.language == "fr" else "Rent"
