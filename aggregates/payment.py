"""A payment: initiated, authenticating, confirmed or failed, or unknown until the bank speaks."""

from __future__ import annotations

from datetime import date, datetime
from typing import assert_never
from uuid import UUID

from aggregates import Aggregate
from domain.payment import (
    AuthenticationRequired,
    Designation,
    Language,
    NotPayable,
    PaymentChecked,
    PaymentConfirmed,
    PaymentEvent,
    PaymentFailed,
    PaymentInitiated,
    PaymentOutcomeUnknown,
    PaymentSettled,
    PaymentState,
    PaymentTicketIssued,
    ProviderReferenceRecorded,
    ReferenceTaken,
)

CHECKS = 3
"""How often a provider is asked again before a person is."""

PAID = (PaymentState.CONFIRMED, PaymentState.SETTLED)


class ProviderReference(Aggregate):
    """A provider's reference: belongs to one payment, for ever. Key: provider and reference."""

    kind = "provider_reference"

    payment_id: UUID | None = None

    def record(self, provider: str, reference: str, payment_id: UUID) -> None:
        if self.payment_id == payment_id:
            return
        if self.payment_id is not None:
            raise ReferenceTaken(
                "Cette référence appartient déjà à un autre paiement.",
                "This reference belongs to another payment already.",
            )
        self.trigger_event(
            ProviderReferenceRecorded,
            provider=provider,
            provider_reference=reference,
            payment_id=payment_id,
        )

    def evolve(self, event: ProviderReferenceRecorded) -> None:
        self.payment_id = event.payment_id


class Payment(Aggregate):
    """Its natural key is its id, which is given when it is initiated."""

    kind = "payment"

    state: PaymentState
    lease_id: UUID
    party_id: UUID
    amount_cents: int
    provider: str
    provider_reference: str | None = None
    designation: Designation
    language: Language
    checks: int = 0
    ticket_number: str | None = None

    def initiate(
        self,
        *,
        payment_id: UUID,
        lease_id: UUID,
        party_id: UUID,
        amount_cents: int,
        provider: str,
        receipt_email: str | None,
        designation: Designation,
        terms_accepted_version: str,
        language: Language,
    ) -> None:
        self.trigger_event(
            PaymentInitiated,
            payment_id=payment_id,
            lease_id=lease_id,
            party_id=party_id,
            amount_cents=amount_cents,
            provider=provider,
            receipt_email=receipt_email,
            designation=designation,
            terms_accepted_version=terms_accepted_version,
            language=language,
        )

    def start_authentication(self, payment_id: UUID, reference: str, opened_at: datetime) -> None:
        if self.provider_reference == reference:
            return
        if self.state is not PaymentState.INITIATED:
            raise NotPayable(
                "Ce paiement est déjà engagé ; n'en faites pas un second avant de savoir.",
                "This payment is under way; do not make a second one before you know.",
            )
        self.trigger_event(
            AuthenticationRequired,
            payment_id=payment_id,
            lease_id=self.lease_id,
            provider_reference=reference,
            opened_at=opened_at,
        )

    def confirm(
        self,
        *,
        payment_id: UUID,
        amount_cents: int,
        reference: str,
        authorisation_code: str | None,
        confirmed_at: datetime,
        brand: str | None,
        last4: str | None,
    ) -> bool:
        """The bank's yes; whether it was news. It also overrides an earlier no: money moved."""
        if self.state in PAID:
            return False
        self.trigger_event(
            PaymentConfirmed,
            payment_id=payment_id,
            lease_id=self.lease_id,
            amount_cents=amount_cents,
            provider_reference=reference,
            authorisation_code=authorisation_code,
            confirmed_at=confirmed_at,
            brand=brand,
            last4=last4,
        )
        return True

    def issue_ticket(self, payment_id: UUID, number: str) -> None:
        """The proof of the confirmation, issued with it."""
        self.trigger_event(
            PaymentTicketIssued,
            payment_id=payment_id,
            lease_id=self.lease_id,
            ticket_number=number,
        )

    def fail(self, payment_id: UUID, code: str) -> bool:
        """The bank's no; whether it was news. A no that comes after the yes is not believed."""
        if self.state in (*PAID, PaymentState.FAILED):
            return False
        self.trigger_event(PaymentFailed, payment_id=payment_id, lease_id=self.lease_id, code=code)
        return True

    def lose_sight(self, payment_id: UUID, since_at: datetime) -> None:
        """Nobody can tell; only of a payment that is under way."""
        if self.state in (PaymentState.INITIATED, PaymentState.AUTHENTICATING):
            self.trigger_event(
                PaymentOutcomeUnknown,
                payment_id=payment_id,
                lease_id=self.lease_id,
                since_at=since_at,
            )

    def check(self, payment_id: UUID, checked_at: datetime) -> bool:
        """The provider was asked again in vain; whether it is time to ask a person."""
        if self.state is not PaymentState.UNKNOWN or self.checks >= CHECKS:
            return False
        self.trigger_event(
            PaymentChecked,
            payment_id=payment_id,
            lease_id=self.lease_id,
            check=self.checks + 1,
            checked_at=checked_at,
        )
        return self.checks == CHECKS

    def settle(
        self, payment_id: UUID, value_on: date, fee_cents: int, statement_line_id: str
    ) -> None:
        """The money is on the bank statement."""
        if self.state is PaymentState.SETTLED:
            return
        if self.state is not PaymentState.CONFIRMED:
            raise NotPayable(
                "Seul un paiement confirmé peut être constaté sur le relevé.",
                "Only a confirmed payment can be seen on the statement.",
            )
        self.trigger_event(
            PaymentSettled,
            payment_id=payment_id,
            lease_id=self.lease_id,
            amount_cents=self.amount_cents,
            value_on=value_on,
            fee_cents=fee_cents,
            statement_line_id=statement_line_id,
        )

    def evolve(self, event: PaymentEvent) -> None:
        match event:
            case PaymentInitiated():
                self.state = PaymentState.INITIATED
                self.lease_id, self.party_id = event.lease_id, event.party_id
                self.amount_cents, self.provider = event.amount_cents, event.provider
                self.designation, self.language = event.designation, event.language
            case AuthenticationRequired():
                self.state = PaymentState.AUTHENTICATING
                self.provider_reference = event.provider_reference
            case PaymentConfirmed():
                self.state = PaymentState.CONFIRMED
                self.amount_cents = event.amount_cents
                # The bank's yes may come before the provider's answer that its page is open.
                self.provider_reference = event.provider_reference
            case PaymentTicketIssued():
                self.ticket_number = event.ticket_number
            case PaymentFailed():
                self.state = PaymentState.FAILED
            case PaymentOutcomeUnknown():
                self.state = PaymentState.UNKNOWN
            case PaymentChecked():
                self.checks = event.check
            case PaymentSettled():
                self.state = PaymentState.SETTLED
            case _:
                assert_never(event)
