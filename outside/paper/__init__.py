"""The papers that tenants are given: what each says, as typed content, and the port that prints.

Content is canonical: its hash is stored with the event that issues the paper and never changes,
while the PDF may be printed again by a later template. It holds facts and amounts, in no
language; the renderer finds the words.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Annotated, Literal, Protocol, Self

from pydantic import AwareDatetime, Field, model_validator

from domain import Value
from domain.money import Cents, PositiveCents
from domain.period import Period
from domain.words import Language

Text = Annotated[str, Field(min_length=1, max_length=500)]
"""What a person wrote: printed as it is, never read as markup."""

Address = Annotated[tuple[Text, ...], Field(max_length=8)]
"""A postal address, line by line as on an envelope."""

Means = Literal[
    "card",
    "transfer",
    "direct_debit",
    "cheque",
    "cash",
    "housing_benefit",
    "credit",
    "other",
]
"""How money came in; `credit` is money that the tenant had in advance."""

LineKind = Literal[
    "rent",
    "charges",
    "parking",
    "insurance",
    "regularisation",
    "sls",
    "repair",
    "apl",
    "apl_recall",
    "rls",
    "goodwill",
    "correction",
    "other",
]
"""What a line is for; a line without a label of its own is named by its kind."""


class Issuer(Value):
    """Who gives the paper: a landlord, or the agency that acts for one."""

    name: Text
    address: Address = ()
    registration: Text | None = None
    """Such as "SIREN 123 456 782" or the number of a professional card."""
    contact: Text | None = None


class Tenancy(Value):
    """Who rents what from whom: the part that all papers of a lease share."""

    landlord: Issuer
    agent: Issuer | None = None
    """The agency, when it is not the landlord itself."""
    tenants: Annotated[tuple[Text, ...], Field(min_length=1, max_length=12)]
    mailing_address: Address = ()
    """Where the paper goes; the dwelling when empty."""
    dwelling: Annotated[Address, Field(min_length=1)]
    lease_reference: Text
    client_reference: Text | None = None


class Line(Value):
    """One amount of a receipt, with what it is for."""

    kind: LineKind
    amount_cents: Cents
    label: Text | None = None


class Paid(Value):
    """A payment, or the part of one, that counts for the period of a receipt."""

    paid_on: date
    amount_cents: PositiveCents
    means: Means
    detail: Text | None = None
    """Cheque number and bank, debited account, transfer reference."""


class ReceiptContent(Value):
    """A quittance when `full`, else a reçu (art. 21, loi n° 89-462; rules C2).

    A quittance tells rent and charges apart and its lines sum to the total; a reçu has a total
    alone. In both the payments sum to the total.
    """

    kind: Literal["receipt"] = "receipt"
    number: Text
    full: bool
    tenancy: Tenancy
    from_on: date
    until_on: date
    rent_cents: Cents | None = None
    charges_cents: Cents | None = None
    other_lines: Annotated[tuple[Line, ...], Field(max_length=60)] = ()
    total_cents: Annotated[Cents, Field(ge=0)]
    payments: Annotated[tuple[Paid, ...], Field(max_length=60)]
    still_due_cents: PositiveCents | None = None
    """On a reçu: what is missing for this period to have its quittance."""
    earlier_due_cents: PositiveCents | None = None
    """What is owed for earlier periods: « reste due sur les échéances précédentes »."""
    subject_to_collection: bool = False
    """Given « sous réserve d'encaissement »: a cheque or debit may still come back."""
    annuls: Annotated[tuple[Text, ...], Field(max_length=60)] = ()
    """Numbers of the reçus that this quittance replaces."""
    issued_on: date
    issued_in: Text
    signed_by: Text | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.until_on < self.from_on:
            raise ValueError("a receipt's period ends after it begins")
        apart = (self.rent_cents, self.charges_cents)
        if self.full:
            if None in apart or self.still_due_cents is not None:
                raise ValueError("a quittance tells rent and charges apart and leaves nothing due")
            lines = sum(cents or 0 for cents in apart)
            lines += sum(line.amount_cents for line in self.other_lines)
            if lines != self.total_cents:
                raise ValueError("the lines of a quittance sum to its total")
        elif apart != (None, None) or self.other_lines or self.annuls:
            raise ValueError("a reçu does not tell rent and charges apart, and annuls nothing")
        elif self.total_cents == 0:
            raise ValueError("a reçu is for money received")
        if sum(payment.amount_cents for payment in self.payments) != self.total_cents:
            raise ValueError("the payments of a receipt sum to its total")
        return self


class TicketContent(Value):
    """The slip that proves one confirmed payment; it is no quittance."""

    kind: Literal["ticket"] = "ticket"
    number: Text
    tenancy: Tenancy
    confirmed_at: AwareDatetime
    amount_cents: PositiveCents
    fee_cents: Annotated[Cents, Field(ge=0)] = 0
    means: Means
    detail: Text | None = None
    """Such as the card's last four digits."""
    provider_reference: Text
    paid_for: Period | None = None
    invoice_number: Text | None = None
    balance_after_cents: Cents | None = None
    """The confirmed balance after the payment; positive is still owed."""
    expected_on: date | None = None
    """When the money should reach the account."""


class InvoiceLine(Value):
    """One line of an invoice, in the DÉBIT or in the CRÉDIT column."""

    kind: LineKind
    side: Literal["debit", "credit"]
    amount_cents: Annotated[Cents, Field(ge=0)]
    label: Text | None = None


class InvoiceContent(Value):
    """An avis d'échéance: what is called for a period, and what is then to be paid (rules C1).

    `total_cents` is debits less credits of this period alone; `net_cents` adds the balance from
    before, and is a credit in the tenant's favour below zero.
    """

    kind: Literal["invoice"] = "invoice"
    number: Text
    tenancy: Tenancy
    from_on: date
    until_on: date
    lines: Annotated[tuple[InvoiceLine, ...], Field(min_length=1, max_length=100)]
    previous_balance_cents: Cents
    total_cents: Cents
    net_cents: Cents
    benefit_to_tenant_cents: PositiveCents | None = None
    """The part of the housing benefit above the rent, which is paid over to the tenant."""
    issued_on: date
    due_on: date
    means: Annotated[tuple[Means, ...], Field(max_length=8)] = ()
    """How it can be paid; empty when a mandate is active and `debited_on` says when."""
    debited_on: date | None = None
    iban: Text | None = None
    pay_online: Text | None = None
    """The address of the tenant's pages."""

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.until_on < self.from_on:
            raise ValueError("an invoice's period ends after it begins")
        signed = (
            line.amount_cents if line.side == "debit" else -line.amount_cents for line in self.lines
        )
        if sum(signed) != self.total_cents:
            raise ValueError("an invoice's total is its debits less its credits")
        if self.previous_balance_cents + self.total_cents != self.net_cents:
            raise ValueError("the net is the previous balance and the total of the month")
        return self


Content = ReceiptContent | TicketContent | InvoiceContent


def content_hash(content: Content) -> str:
    """SHA-256, in hex, of the canonical JSON: sorted keys, no spaces, UTF-8, no nulls.

    Fields that are added later are optional and None by default, so that what was hashed
    before keeps its hash.
    """
    fields = content.model_dump(mode="json", exclude_none=True)
    written = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(written.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Rendered:
    """A printed paper and what it was printed with; the same four give the same bytes."""

    pdf: bytes
    content_hash: str
    template_version: str
    renderer_version: str


class Printer(Protocol):
    """Turns content into a PDF; the same content, language and versions give the same bytes."""

    def render(self, content: Content, language: Language) -> Rendered:
        """Print one paper; PaperFailed when it cannot be done."""


class PaperFailed(Exception):
    """A paper could not be printed: a fault of ours, since content prints whatever it says."""
