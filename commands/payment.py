"""Pay by card: from the wish to pay to what the bank says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from aggregates.invoice import Invoice
from aggregates.lease import Lease
from aggregates.numbers import take_numbers
from aggregates.payment import Payment, ProviderReference
from aggregates.rent_account import RentAccount
from aggregates.store import Store
from aggregates.task import Task
from commands import PARIS, Command
from domain.invoice import NoSuchInvoice
from domain.lease import NoSuchLease
from domain.money import PositiveCents
from domain.payment import AboveCeiling, Designation, Language, NoSuchPayment
from domain.principal import Role
from domain.words import euros
from outside.payment_provider import Outcome

Email = Annotated[
    str, Field(pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f]+$", max_length=254)
]
Reference = Annotated[str, Field(min_length=1, max_length=200)]
SYSTEM_ONLY: frozenset[Role] = frozenset()


class InitiatePayment(Command):
    """Pay any amount up to the ceiling, not only what is due. Nothing is taken at this step."""

    ceiling_cents: ClassVar[int] = 500_000
    """The most that one payment may move; set by the running program."""
    provider: ClassVar[str] = "demo"
    """The provider in use; set by the running program."""

    lease_id: UUID
    amount_cents: PositiveCents
    terms_accepted_version: Annotated[str, Field(min_length=1, max_length=40)]
    designation: Designation = Designation()
    receipt_email: Email | None = None
    language: Language = "fr"

    def handle(self, store: Store) -> Mapping[str, object]:
        if self.amount_cents > self.ceiling_cents:
            raise AboveCeiling(
                f"Un paiement ne peut pas dépasser {euros(self.ceiling_cents)}.",
                f"A payment cannot exceed {euros(self.ceiling_cents, 'en')}.",
            )
        lease = store.by_id(Lease, self.lease_id)
        if not lease.exists:
            raise NoSuchLease("Ce bail n'existe pas.", "This lease does not exist.")
        for invoice in store.many(Invoice, self.designation.invoice_ids):
            if invoice.lease_id != self.lease_id:
                raise NoSuchInvoice(
                    "Cette facture n'existe pas pour ce bail.",
                    "This invoice does not exist for this lease.",
                )
        payment_id = store.new_id()
        store.get(Payment, payment_id).initiate(
            payment_id=payment_id,
            lease_id=self.lease_id,
            party_id=lease.reading.tenants[0].party_id,
            amount_cents=self.amount_cents,
            provider=self.provider,
            receipt_email=self.receipt_email,
            designation=self.designation,
            terms_accepted_version=self.terms_accepted_version,
            language=self.language,
        )
        return {"payment_id": payment_id}


class StartAuthentication(Command):
    """The provider opened its page for this payment, under a reference of its own."""

    internal: ClassVar[bool] = True
    allowed: ClassVar[frozenset[Role]] = SYSTEM_ONLY

    payment_id: UUID
    provider_reference: Reference

    def handle(self, store: Store) -> Mapping[str, object]:
        payment = existing_payment(store, self.payment_id)
        reference = store.get(ProviderReference, payment.provider, self.provider_reference)
        reference.record(payment.provider, self.provider_reference, self.payment_id)
        payment.start_authentication(self.payment_id, self.provider_reference, store.now)
        return {"payment_id": self.payment_id}


class ConfirmPayment(Command):
    """The bank said yes: confirmed, ticket, booked and allocated, in one append."""

    internal: ClassVar[bool] = True
    allowed: ClassVar[frozenset[Role]] = SYSTEM_ONLY

    payment_id: UUID
    provider_reference: Reference
    amount_cents: PositiveCents
    confirmed_at: AwareDatetime
    authorisation_code: str | None = None
    brand: str | None = None
    last4: str | None = None

    def handle(self, store: Store) -> Mapping[str, object]:
        payment = existing_payment(store, self.payment_id)
        reference = store.get(ProviderReference, payment.provider, self.provider_reference)
        reference.record(payment.provider, self.provider_reference, self.payment_id)
        asked_cents = payment.amount_cents
        if payment.confirm(
            payment_id=self.payment_id,
            amount_cents=self.amount_cents,
            reference=self.provider_reference,
            authorisation_code=self.authorisation_code,
            confirmed_at=self.confirmed_at,
            brand=self.brand,
            last4=self.last4,
        ):
            self._book(store, payment)
            if asked_cents != self.amount_cents:
                store.get(Task, "payment_amount_differs", self.payment_id).raise_about(
                    "payment_amount_differs", self.payment_id, payment.lease_id, store.now
                )
        return {"payment_id": self.payment_id, "ticket_number": payment.ticket_number}

    def _book(self, store: Store, payment: Payment) -> None:
        payment.issue_ticket(self.payment_id, take_numbers(store, "ticket")[0])
        store.get(RentAccount, payment.lease_id).book(
            payment.lease_id,
            self.payment_id,
            self.amount_cents,
            payment.designation.invoice_ids,
            store.today,
            # The bank's yes counts from its own day, also when we hear of it after midnight.
            paid_on=min(self.confirmed_at.astimezone(PARIS).date(), store.today),
        )
        _answered(store, self.payment_id)


class FailPayment(Command):
    """The bank said no, or the payer gave up."""

    internal: ClassVar[bool] = True
    allowed: ClassVar[frozenset[Role]] = SYSTEM_ONLY

    payment_id: UUID
    code: Annotated[str, Field(min_length=1, max_length=100)]

    def handle(self, store: Store) -> Mapping[str, object]:
        told = existing_payment(store, self.payment_id).fail(self.payment_id, self.code)
        if told:
            _answered(store, self.payment_id)
        return {"payment_id": self.payment_id, "ignored": not told}


class MarkUnknown(Command):
    """Nobody can tell whether the money was taken."""

    internal: ClassVar[bool] = True
    allowed: ClassVar[frozenset[Role]] = SYSTEM_ONLY

    payment_id: UUID

    def handle(self, store: Store) -> Mapping[str, object]:
        existing_payment(store, self.payment_id).lose_sight(self.payment_id, store.now)
        return {"payment_id": self.payment_id}


class CheckPayment(Command):
    """The provider was asked again and could not tell; the last time, a person is asked."""

    internal: ClassVar[bool] = True
    allowed: ClassVar[frozenset[Role]] = SYSTEM_ONLY

    payment_id: UUID

    def handle(self, store: Store) -> Mapping[str, object]:
        payment = existing_payment(store, self.payment_id)
        if payment.check(self.payment_id, store.now):
            store.get(Task, "payment_unknown", self.payment_id).raise_about(
                "payment_unknown", self.payment_id, payment.lease_id, store.now
            )
        return {"payment_id": self.payment_id}


class SettlePayment(Command):
    """The money was seen on the bank statement."""

    allowed: ClassVar[frozenset[Role]] = frozenset({Role.ACCOUNTANT, Role.ADMIN, Role.SERVICE})

    payment_id: UUID
    value_on: date
    fee_cents: Annotated[int, Field(strict=True, ge=0, le=10**9)] = 0
    statement_line_id: Reference

    def handle(self, store: Store) -> Mapping[str, object]:
        payment = existing_payment(store, self.payment_id)
        payment.settle(self.payment_id, self.value_on, self.fee_cents, self.statement_line_id)
        return {"payment_id": self.payment_id}


def told_by(outcome: Outcome) -> Command | None:
    """What a provider's word asks for; None while it says nothing final."""
    match outcome.status:
        case "confirmed":
            return ConfirmPayment(
                payment_id=outcome.payment_id,
                provider_reference=outcome.provider_reference,
                amount_cents=outcome.amount_cents,
                confirmed_at=outcome.occurred_at,
                authorisation_code=outcome.authorisation_code,
                brand=outcome.brand,
                last4=outcome.last4,
            )
        case "failed":
            return FailPayment(
                payment_id=outcome.payment_id, code=(outcome.failure_code or "declined")[:100]
            )
        case "unknown":
            return MarkUnknown(payment_id=outcome.payment_id)
        case _:
            return None


def _answered(store: Store, payment_id: UUID) -> None:
    """The bank has spoken: nobody needs to be asked about this payment any more."""
    task = store.get(Task, "payment_unknown", payment_id)
    if task.exists:
        task.complete("bank_answered")


def existing_payment(store: Store, payment_id: UUID) -> Payment:
    """The payment of this id, or a refusal."""
    payment = store.get(Payment, payment_id)
    if not payment.exists:
        raise NoSuchPayment("Ce paiement n'existe pas.", "This payment does not exist.")
    return payment
