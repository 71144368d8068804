"""What does a paper say? Its content as of the moment it was issued, whatever changed since."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal, NamedTuple, TypeVar
from uuid import UUID

from psycopg import Connection

from domain import stream_id
from domain.payment import PaymentConfirmed
from domain.period import Period
from journal.journal import Journal
from outside.paper import Content, Issuer, Paid, ReceiptContent, Tenancy, TicketContent
from projections import Projection, Row, projected
from projections.agencies import agency_named
from projections.leases import LeaseRow, Leases
from projections.payments import PaymentRow
from projections.people import AddressRow, People, PersonRow
from projections.receipts import ReceiptRow

R = TypeVar("R", bound=Row)

ERASED = "[effacé]"
MEANS: dict[str, Literal["card", "housing_benefit", "credit"]] = {
    "card": "card",
    "benefit": "housing_benefit",
    "credit": "credit",
}


class Paper(NamedTuple):
    """The content of a paper, and the person whose key it is kept under."""

    content: Content
    subject: UUID


class _Scene(NamedTuple):
    """Who rents what from whom, as it was known at a position of the journal."""

    tenancy: Tenancy
    let: LeaseRow
    city: str


def receipt_paper(
    connection: Connection[Any], journal: Journal, agency: UUID, row: ReceiptRow
) -> Paper:
    """A quittance or reçu, with the names and the address known when it was issued."""
    scene = _scene(connection, journal, agency, row.lease_id, row.position)
    period = Period.parse(row.period)
    content = ReceiptContent(
        number=row.number,
        full=row.kind == "quittance",
        tenancy=scene.tenancy,
        from_on=max(period.first_on, scene.let.start_on),
        until_on=min(period.last_on, scene.let.ended_on or period.last_on),
        rent_cents=row.rent_cents,
        charges_cents=row.charges_cents,
        total_cents=row.paid_cents,
        payments=tuple(
            Paid(
                paid_on=date.fromisoformat(part["paid_on"]),
                amount_cents=part["amount_cents"],
                means=MEANS[part["by"]],
            )
            for part in row.parts
        ),
        still_due_cents=row.shortfall_cents or None,
        earlier_due_cents=row.older_debt_cents if row.older_debt_cents > 0 else None,
        issued_on=row.issued_on,
        issued_in=scene.city,
    )
    return Paper(content, scene.let.tenant_ids[0])


def ticket_paper(
    connection: Connection[Any], journal: Journal, agency: UUID, row: PaymentRow
) -> Paper | None:
    """The ticket of a confirmed payment; None before the bank said yes."""
    confirmed = _confirmation(journal, agency, row.payment_id)
    if confirmed is None or row.ticket_number is None:
        return None
    position, event = confirmed
    scene = _scene(connection, journal, agency, row.lease_id, position)
    content = TicketContent(
        number=row.ticket_number,
        tenancy=scene.tenancy,
        confirmed_at=event.confirmed_at,
        amount_cents=event.amount_cents,
        means="card",
        detail=f"•••• {event.last4}" if event.last4 else None,
        provider_reference=event.provider_reference,
    )
    return Paper(content, scene.let.tenant_ids[0])


def _scene(
    connection: Connection[Any], journal: Journal, agency: UUID, lease_id: UUID, position: int
) -> _Scene:
    def as_of(projection: Projection, kind: type[R], stream: UUID) -> R:
        """The row that the read model showed then: the same fold, over one stream."""
        entries = journal.stream(agency, stream, up_to=position)
        (row,) = projected(projection, entries).all(kind)
        return row

    house = agency_named(connection, agency)
    assert house is not None, "an agency's name is projected before its first receipt"
    let = as_of(Leases(), LeaseRow, lease_id)
    lot = as_of(People(), AddressRow, let.lot_ids[0])
    people = [as_of(People(), PersonRow, party_id) for party_id in let.tenant_ids]
    tenancy = Tenancy(
        landlord=Issuer(name=house.legal_name, registration=f"SIREN {_grouped(house.siren)}"),
        tenants=tuple(person.name for person in people),
        dwelling=(lot.street or ERASED, f"{lot.postcode or ERASED} {lot.city or ERASED}"),
        lease_reference=let.reference,
        client_reference=people[0].client_reference,
    )
    return _Scene(tenancy, let, lot.city or ERASED)


def _confirmation(
    journal: Journal, agency: UUID, payment_id: UUID
) -> tuple[int, PaymentConfirmed] | None:
    # A payment's stream follows from its id, like every stream from its natural key.
    for entry in journal.stream(agency, stream_id(agency, "payment", payment_id)):
        if isinstance(entry.event, PaymentConfirmed):
            return entry.position, entry.event
    return None


def _grouped(siren: str) -> str:
    return f"{siren[:3]} {siren[3:6]} {siren[6:]}"
