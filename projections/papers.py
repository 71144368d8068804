"""What does a paper say? Its content as of the moment it was issued, whatever changed since."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal, TypeVar
from uuid import UUID

from psycopg import Connection

from domain import Event, stream_id
from domain.lot import LotDescribed
from domain.party import IdentityCorrected, PartyRegistered
from domain.payment import PaymentConfirmed
from domain.period import Period
from journal.journal import Journal
from outside.paper import Issuer, Paid, ReceiptContent, Tenancy, TicketContent
from projections.agencies import agency_named
from projections.leases import LeaseRow, lease
from projections.payments import PaymentRow
from projections.people import PersonRow, seen
from projections.receipts import ReceiptRow

E = TypeVar("E", bound=Event)

ERASED_WORD = "[effacé]"
MEANS: dict[str, Literal["card", "housing_benefit", "credit"]] = {
    "card": "card",
    "benefit": "housing_benefit",
    "credit": "credit",
}


def receipt_content(
    connection: Connection[Any], journal: Journal, agency: UUID, row: ReceiptRow
) -> ReceiptContent:
    """A quittance or reçu, with the names and the address known when it was issued."""
    let = lease(connection, agency, row.lease_id)
    assert let is not None
    period = Period.parse(row.period)
    full = row.kind == "quittance"
    return ReceiptContent(
        number=row.number,
        full=full,
        tenancy=tenancy(connection, journal, agency, let, row.position),
        from_on=max(period.first_on, let.start_on),
        until_on=min(period.last_on, let.ended_on or period.last_on),
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
        issued_in=_city(journal, agency, let, row.position),
    )


def ticket_content(
    connection: Connection[Any], journal: Journal, agency: UUID, row: PaymentRow
) -> TicketContent | None:
    """The ticket of a confirmed payment; None before the bank said yes."""
    let = lease(connection, agency, row.lease_id)
    confirmed = _confirmation(journal, agency, row.payment_id)
    if let is None or confirmed is None or row.ticket_number is None:
        return None
    position, event = confirmed
    return TicketContent(
        number=row.ticket_number,
        tenancy=tenancy(connection, journal, agency, let, position),
        confirmed_at=event.confirmed_at,
        amount_cents=event.amount_cents,
        means="card",
        detail=f"•••• {event.last4}" if event.last4 else None,
        provider_reference=event.provider_reference,
    )


def tenancy(
    connection: Connection[Any], journal: Journal, agency: UUID, let: LeaseRow, position: int
) -> Tenancy:
    """Who rents what from whom, as it was known at a position of the journal."""
    house = agency_named(connection, agency)
    assert house is not None
    names = [_name(journal, agency, party_id, position) for party_id in let.tenant_ids]
    lot = _newest(journal, agency, let.lot_ids[0], LotDescribed, position)
    assert lot is not None
    return Tenancy(
        landlord=Issuer(name=house.legal_name, registration=f"SIREN {_siren(house.siren)}"),
        tenants=tuple(names),
        dwelling=(
            str(lot.street),
            f"{lot.postcode} {lot.city}",
        ),
        lease_reference=let.reference,
    )


def _name(journal: Journal, agency: UUID, party_id: UUID, position: int) -> str:
    who = _newest(journal, agency, party_id, (PartyRegistered, IdentityCorrected), position)
    assert isinstance(who, PartyRegistered | IdentityCorrected)
    person = PersonRow(
        party_id, "", seen(who.title), seen(who.last_name), seen(who.first_name),
        None, None, None, None,
    )  # fmt: skip
    return person.name


def _city(journal: Journal, agency: UUID, let: LeaseRow, position: int) -> str:
    lot = _newest(journal, agency, let.lot_ids[0], LotDescribed, position)
    return ERASED_WORD if lot is None else str(lot.city)


def _newest(
    journal: Journal,
    agency: UUID,
    stream: UUID,
    kind: type[E] | tuple[type[E], ...],
    position: int,
) -> E | None:
    """The newest fact of some kind in a stream, of those recorded up to a position."""
    newest: E | None = None
    for entry in journal.stream(agency, stream, up_to=position):
        if isinstance(entry.event, kind):
            newest = entry.event
    return newest


def _confirmation(
    journal: Journal, agency: UUID, payment_id: UUID
) -> tuple[int, PaymentConfirmed] | None:
    for entry in journal.stream(agency, payment_stream(agency, payment_id)):
        if isinstance(entry.event, PaymentConfirmed):
            return entry.position, entry.event
    return None


def payment_stream(agency: UUID, payment_id: UUID) -> UUID:
    """A payment's stream: its natural key is its id."""
    return stream_id(agency, "payment", payment_id)


def _siren(siren: str) -> str:
    return f"{siren[:3]} {siren[3:6]} {siren[6:]}"
