"""How each fact is told to a person, in French and English, without naming anybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from domain import Event
from domain.agency import AgencyCreated
from domain.document import DocumentStored
from domain.invoice import InvoiceIssued
from domain.key_export import KeysExported
from domain.lease import LeaseAmended, LeaseEnded, LeaseSigned
from domain.lot import LotDescribed, LotRegistered
from domain.numbers import NumbersTaken, written
from domain.party import (
    BankDetailsDeclared,
    ContactChanged,
    IdentityCorrected,
    PartyErased,
    PartyRegistered,
)
from domain.payment import (
    AuthenticationRequired,
    PaymentChecked,
    PaymentConfirmed,
    PaymentFailed,
    PaymentInitiated,
    PaymentOutcomeUnknown,
    PaymentSettled,
    PaymentTicketIssued,
    ProviderReferenceRecorded,
)
from domain.receipt import PartialReceiptIssued, RentReceiptIssued
from domain.rent_account import (
    AllocationReversed,
    ChargePosted,
    CreditAllocated,
    CreditPosted,
    PaymentAllocated,
    PaymentBooked,
    PaymentUnbooked,
)
from domain.task import TaskDone, TaskRaised
from domain.words import Language, euros, month_name, short_date

KINDS = {
    "opening_balance": ("solde repris", "balance taken over"),
    "rent": ("loyer", "rent"),
    "charges": ("charges", "charges"),
    "correction": ("correction de reprise", "correction of the balance taken over"),
    "benefit": ("APL", "housing benefit"),
    "benefit_surplus": ("APL au-delà du loyer, due au locataire", "benefit due to the tenant"),
    "designated": ("sur la facture désignée", "on the designated invoice"),
    "oldest": ("sur la dette la plus ancienne", "on the oldest debt"),
    "pro_rata": ("au prorata des dettes de même échéance", "pro rata over debts due together"),
    "returned": ("retour de la banque", "returned by the bank"),
    "refunded": ("remboursement", "refund"),
    "chargeback": ("contestation par carte", "card chargeback"),
    "request": ("à sa demande", "on request"),
    "term": ("au terme des durées de conservation", "at the end of the retention terms"),
    "payment_unknown": ("issue d'un paiement inconnue", "outcome of a payment unknown"),
    "payment_amount_differs": (
        "montant confirmé différent du montant demandé",
        "another amount confirmed than asked for",
    ),
}


def tell(event: Event, language: Language) -> str:
    """One sentence for one fact; every event has one."""
    return _SENTENCES[type(event)](event, _Teller(language))


class _Teller:
    """Says values in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def pick(self, fr: str, en: str) -> str:
        return en if self.language == "en" else fr

    def kind(self, code: str) -> str:
        return self.pick(*KINDS.get(code, (code, code)))

    def eur(self, cents: int) -> str:
        return euros(cents, self.language)

    def day(self, day: Any) -> str:
        return short_date(day)

    def month(self, period: Any) -> str:
        return month_name(period, self.language) if period is not None else ""

    def of_month(self, period: Any) -> str:
        return f", {self.month(period)}" if period is not None else ""

    def parts(self, event: PaymentAllocated | CreditAllocated) -> str:
        return self.eur(sum(part.amount_cents for part in event.parts))


def _issued(e: InvoiceIssued, t: _Teller) -> str:
    return t.pick(
        f"Facture {e.number} de {t.month(e.period)} : {t.eur(e.total_cents)}, à payer"
        f" {t.eur(e.net_due_cents)} le {t.day(e.due_on)}",
        f"Invoice {e.number} for {t.month(e.period)}: {t.eur(e.total_cents)},"
        f" {t.eur(e.net_due_cents)} to pay by {t.day(e.due_on)}",
    )


def _signed(e: LeaseSigned, t: _Teller) -> str:
    taken = e.taken_over_on
    after_fr = f", repris des livres arrêtés au {t.day(taken)}" if taken else ""
    after_en = f", taken over from the books of {t.day(taken)}" if taken else ""
    return t.pick(
        f"Bail {e.reference} à partir du {t.day(e.start_on)} : loyer {t.eur(e.terms.rent_cents)},"
        f" charges {t.eur(e.terms.charges_cents)}{after_fr}",
        f"Lease {e.reference} from {t.day(e.start_on)}: rent {t.eur(e.terms.rent_cents)},"
        f" charges {t.eur(e.terms.charges_cents)}{after_en}",
    )


def _numbers(e: NumbersTaken, t: _Teller) -> str:
    first, last = written(e.series, e.year, e.first), written(e.series, e.year, e.last)
    one = e.first == e.last
    return t.pick(
        f"Numéro {first} attribué" if one else f"Numéros {first} à {last} attribués",
        f"Number {first} given" if one else f"Numbers {first} to {last} given",
    )


def _partial(e: PartialReceiptIssued, t: _Teller) -> str:
    return t.pick(
        f"Reçu {e.number} de {t.eur(e.paid_cents)} pour {t.month(e.period)} ; il reste"
        f" {t.eur(e.shortfall_cents)} avant la quittance",
        f"Part receipt {e.number} of {t.eur(e.paid_cents)} for {t.month(e.period)};"
        f" {t.eur(e.shortfall_cents)} is missing for a quittance",
    )


_SENTENCES: dict[type[Event], Callable[[Any, _Teller], str]] = {
    AgencyCreated: lambda e, t: t.pick(
        f"Agence {e.legal_name} ouverte", f"Agency {e.legal_name} opened"
    ),
    PartyRegistered: lambda e, t: t.pick(
        f"Personne enregistrée, référence {e.client_reference}",
        f"Person registered, reference {e.client_reference}",
    ),
    IdentityCorrected: lambda _, t: t.pick("Identité corrigée", "Identity corrected"),
    ContactChanged: lambda _, t: t.pick("Coordonnées modifiées", "Contact details changed"),
    BankDetailsDeclared: lambda _, t: t.pick("Compte bancaire déclaré", "Bank account declared"),
    PartyErased: lambda e, t: t.pick(
        f"Personne effacée : {t.kind(e.ground)}", f"Person erased: {t.kind(e.ground)}"
    ),
    LotRegistered: lambda e, t: t.pick(
        f"Lot {e.reference} enregistré", f"Lot {e.reference} registered"
    ),
    LotDescribed: lambda _, t: t.pick("Lot décrit", "Lot described"),
    LeaseSigned: _signed,
    LeaseAmended: lambda e, t: t.pick(
        f"Avenant à partir du {t.day(e.effective_on)} : loyer {t.eur(e.terms.rent_cents)},"
        f" charges {t.eur(e.terms.charges_cents)}",
        f"Amended from {t.day(e.effective_on)}: rent {t.eur(e.terms.rent_cents)},"
        f" charges {t.eur(e.terms.charges_cents)}",
    ),
    LeaseEnded: lambda e, t: t.pick(
        f"Bail terminé le {t.day(e.ended_on)}", f"Lease ended on {t.day(e.ended_on)}"
    ),
    ChargePosted: lambda e, t: t.pick(
        f"Débit {t.eur(e.amount_cents)} : {t.kind(e.kind)}{t.of_month(e.period)},"
        f" échéance {t.day(e.due_on)}",
        f"Debit {t.eur(e.amount_cents)}: {t.kind(e.kind)}{t.of_month(e.period)},"
        f" due {t.day(e.due_on)}",
    ),
    CreditPosted: lambda e, t: t.pick(
        f"Crédit {t.eur(e.amount_cents)} : {t.kind(e.kind)}{t.of_month(e.period)}",
        f"Credit {t.eur(e.amount_cents)}: {t.kind(e.kind)}{t.of_month(e.period)}",
    ),
    PaymentBooked: lambda e, t: t.pick(
        f"Paiement de {t.eur(e.amount_cents)} inscrit au compte",
        f"Payment of {t.eur(e.amount_cents)} booked",
    ),
    PaymentAllocated: lambda e, t: t.pick(
        f"{t.parts(e)} du paiement imputés {t.kind(e.rule)}",
        f"{t.parts(e)} of the payment allocated {t.kind(e.rule)}",
    ),
    CreditAllocated: lambda e, t: t.pick(
        f"{t.parts(e)} de crédit imputés {t.kind(e.rule)}",
        f"{t.parts(e)} of credit allocated {t.kind(e.rule)}",
    ),
    AllocationReversed: lambda _, t: t.pick(
        "Imputation du paiement annulée", "Allocation of the payment reversed"
    ),
    PaymentUnbooked: lambda e, t: t.pick(
        f"Paiement de {t.eur(e.amount_cents)} retiré du compte : {t.kind(e.reason)}",
        f"Payment of {t.eur(e.amount_cents)} taken out of the account: {t.kind(e.reason)}",
    ),
    InvoiceIssued: _issued,
    NumbersTaken: _numbers,
    PaymentInitiated: lambda e, t: t.pick(
        f"Paiement de {t.eur(e.amount_cents)} par carte demandé",
        f"Card payment of {t.eur(e.amount_cents)} asked for",
    ),
    AuthenticationRequired: lambda _, t: t.pick(
        "Page de paiement ouverte chez le prestataire", "Payment page opened at the provider"
    ),
    ProviderReferenceRecorded: lambda e, t: t.pick(
        f"Référence {e.provider_reference} du prestataire enregistrée",
        f"Provider's reference {e.provider_reference} recorded",
    ),
    PaymentConfirmed: lambda e, t: t.pick(
        f"Paiement de {t.eur(e.amount_cents)} confirmé par la banque",
        f"Payment of {t.eur(e.amount_cents)} confirmed by the bank",
    ),
    PaymentTicketIssued: lambda e, t: t.pick(
        f"Ticket {e.ticket_number} remis", f"Ticket {e.ticket_number} issued"
    ),
    PaymentFailed: lambda e, t: t.pick(
        f"Paiement refusé ({e.code}), rien n'a été débité",
        f"Payment refused ({e.code}), nothing was taken",
    ),
    PaymentOutcomeUnknown: lambda _, t: t.pick(
        "Issue du paiement inconnue, la banque sera interrogée",
        "Outcome of the payment unknown, the bank will be asked",
    ),
    PaymentChecked: lambda e, t: t.pick(
        f"Banque interrogée ({e.check}), sans réponse certaine",
        f"Bank asked again ({e.check}), no certain answer",
    ),
    PaymentSettled: lambda e, t: t.pick(
        f"{t.eur(e.amount_cents)} vus sur le relevé, valeur {t.day(e.value_on)}",
        f"{t.eur(e.amount_cents)} seen on the statement, value {t.day(e.value_on)}",
    ),
    RentReceiptIssued: lambda e, t: t.pick(
        f"Quittance {e.number} pour {t.month(e.period)} : loyer {t.eur(e.rent_cents)},"
        f" charges {t.eur(e.charges_cents)}",
        f"Quittance {e.number} for {t.month(e.period)}: rent {t.eur(e.rent_cents)},"
        f" charges {t.eur(e.charges_cents)}",
    ),
    PartialReceiptIssued: _partial,
    DocumentStored: lambda _, t: t.pick("Document conservé", "Document kept"),
    TaskRaised: lambda e, t: t.pick(
        f"Tâche pour l'agence : {t.kind(e.kind)}", f"Task for the agency: {t.kind(e.kind)}"
    ),
    KeysExported: lambda e, t: t.pick(
        f"Clés des personnes exportées : {e.keys}, et {e.destroyed} détruites",
        f"Keys of persons exported: {e.keys}, and {e.destroyed} destroyed",
    ),
    TaskDone: lambda e, t: t.pick(f"Tâche faite : {e.outcome}", f"Task done: {e.outcome}"),
}
