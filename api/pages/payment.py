"""The pages of one payment, for whoever holds its unguessable address: check, pay, be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from api import Parts
from api.answers import found
from api.doors import parts_of
from api.limits import BIGGEST
from api.logging import log, trail_of
from api.pages import chosen, guards, page, spoken, to
from api.pages.paid import facts_of
from api.pages.problems import PageRoute, missing
from api.pages.standing import Case, told
from api.payment import go_to_provider, take_in, ticket
from api.problems import Problem
from api.receipt import pdf_answer
from commands import Answer, Asked, execute
from commands.payment import MarkUnknown
from domain.payment import NotPayable, PaymentState
from domain.principal import WEBHOOK
from domain.words import Language, euros
from journal import agency_id
from outside.payment_provider import ProviderRefused, ProviderUnreachable
from projections.agencies import agency_named
from projections.payments import PaymentRow, payment

router = APIRouter(prefix="/payer", include_in_schema=False, route_class=PageRoute)

PROVIDER_PAGES = {"demo": "http://127.0.0.1:*", "stripe": "https://checkout.stripe.com"}
"""Where each provider awaits the payer: browsers hold the redirect after a form to this."""


@dataclass(frozen=True, slots=True)
class Payer:
    """Somebody who holds the address of a payment; nobody asks who they are."""

    parts: Parts
    slug: str
    agency: UUID
    payment_id: UUID

    @property
    def address(self) -> str:
        return f"/payer/{self.slug}/{self.payment_id}"

    def row(self) -> PaymentRow:
        with self.parts.pool.connection() as connection:
            return found(payment(connection, self.agency, self.payment_id))


async def enter(
    request: Request,
    slug: str,
    payment_id: UUID,
    position: Annotated[int | None, Query(ge=0, le=BIGGEST)] = None,
) -> Payer:
    """Let the payer in once the read models show what the journal holds by now.

    When they take too long, what they show is shown with its age; never what is older than
    `?position=`, the payer's own last step (Problem `not_yet`).
    """
    trail_of(request).enter(slug)
    parts, agency = parts_of(request), agency_id(slug)
    head, _ = await run_in_threadpool(parts.office.journal.head, agency)
    wanted = head if position is None else min(position, head)
    reached = await parts.waiter.reached(
        agency, wanted, ("payments", "balances"), parts.wait_seconds
    )
    if not reached and position is not None:
        raise Problem("not_yet")
    return Payer(parts, slug, agency, payment_id)


Entered = Annotated[Payer, Depends(enter)]


@router.api_route("/{slug}/{payment_id}", methods=["GET", "HEAD"])
def show(request: Request, payer: Entered) -> Response:
    """Where the payment stands: to be checked, to be finished, confirmed, failed or not known."""
    parts = payer.parts
    with parts.pool.connection() as connection:
        row = found(payment(connection, payer.agency, payer.payment_id))
        house = found(agency_named(connection, payer.agency))
        journal = parts.office.journal
        facts = facts_of(journal, payer.agency, row.payment_id)
        language = spoken(request, _agreed(row))
        now = parts.office.clock()
        template, shown = told(Case(payer.agency, row, facts, language, now, journal, connection))
    shown |= {
        "address": payer.address,
        "agency": house.legal_name,
        "amount": euros(row.amount_cents, language),
    }
    form_action = PROVIDER_PAGES.get(row.provider, "https:")
    return page(request, template, language, shown, form_action=form_action)


@router.post("/{slug}/{payment_id}/partir")
def leave(request: Request, payer: Entered) -> Response:
    """Send the payer to the provider's page; once the payment is past that, to where it stands."""
    try:
        redirect_url, _ = go_to_provider(payer.parts, payer.slug, payer.row())
    except NotPayable:
        return to(payer.address + chosen(request))
    return to(redirect_url)


@router.get("/{slug}/{payment_id}/partir")
def leave_later(request: Request, payer: Entered) -> Response:
    """Nobody leaves by opening an address: the form is on the payment's page."""
    return to(payer.address + chosen(request))


@router.get("/{slug}/{payment_id}/retour")
def come_back(request: Request, payer: Entered) -> Response:
    """Ask the provider what became of the payment and record it, then show where it stands.

    That somebody comes back proves nothing; only the provider's word does.
    """
    answer = _ask(payer, payer.row())
    address = payer.address + chosen(request)
    if answer is not None:
        address += f"{'&' if chosen(request) else '?'}position={answer.position}"
    return to(address)


@router.get("/{slug}/{payment_id}/ticket.pdf")
def ticket_pdf(request: Request, payer: Entered) -> Response:
    """The ticket as PDF; there is none before the bank said yes."""
    row = payer.row()
    language = spoken(request, _agreed(row))
    answer = pdf_answer(*ticket(payer.parts, payer.agency, row, language))
    answer.headers.update(guards())
    return answer


@router.api_route("/{rest:path}", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def elsewhere(request: Request) -> Response:
    """Every other address and way of asking, so that a person never meets JSON."""
    return missing(request)


def _ask(payer: Payer, row: PaymentRow) -> Answer | None:
    """What the provider says, recorded; None while it says nothing, or all is said."""
    if row.provider_reference is None or row.state in (
        PaymentState.CONFIRMED,
        PaymentState.SETTLED,
    ):
        return None
    provider = found(payer.parts.provider(row.provider, payer.slug))
    try:
        outcome = provider.look_up(row.provider_reference)
    except (ProviderUnreachable, ProviderRefused) as silent:
        log.info("payment.provider_silent", reason=type(silent).__name__)
        if row.state != PaymentState.AUTHENTICATING:
            return None
        lost = MarkUnknown(payment_id=row.payment_id)
        return execute(payer.parts.office, lost, Asked(WEBHOOK, payer.agency))
    return take_in(payer.parts, payer.slug, provider, outcome)


def _agreed(row: PaymentRow) -> Language:
    """The language in which the payment was begun."""
    return "en" if row.language == "en" else "fr"
