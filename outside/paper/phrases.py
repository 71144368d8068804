"""The fixed words of the papers, in French and in English."""

from __future__ import annotations

from typing import Final

from domain.words import Language

Phrases = dict[str, str]

_FRENCH: Final[Phrases] = {
    "quittance": "Quittance de loyer",
    "part_receipt": "Reçu de loyer",
    "ticket": "Ticket de paiement",
    "invoice": "Avis d’échéance",
    "number": "N° {}",
    "issued_on": "Établi le {}",
    "issued_on_f": "Établie le {}",
    "lease": "Bail {}",
    "client": "Référence client {}",
    "span": "Du {} au {}",
    "landlord": "Bailleur",
    "tenant": "Locataire",
    "tenants": "Locataires",
    "dwelling": "Logement loué",
    "paid_full": "Payé en entier",
    "paid_part": "Payé en partie",
    "paid": "Confirmé",
    "received": "Reçu pour cette période",
    "received_part": "Reçu à valoir sur cette période",
    "what": "Ce qui est payé",
    "total": "Total",
    "total_paid": "Total payé",
    "how": "Comment c’est payé",
    "date": "Date",
    "means": "Moyen de paiement",
    "amount": "Montant",
    "label": "Libellé",
    "still_due": "Il reste {} à payer pour cette période avant la quittance.",
    "earlier_due": "La somme de {} reste due sur les échéances précédentes.",
    "reserve": "Sous réserve d’encaissement.",
    "annuls": "Cette quittance annule et remplace : {}.",
    "quittance_law": (
        "Délivrée gratuitement (article 21 de la loi n° 89-462 du 6 juillet 1989). Cette quittance "
        "annule tous les reçus qui auraient pu être donnés pour acompte sur la même période. "
        "Elle ne fait pas présumer le paiement des périodes antérieures."
    ),
    "part_law": (
        "Délivré gratuitement (article 21 de la loi n° 89-462 du 6 juillet 1989). Ce reçu n’est "
        "pas une quittance : il prouve le paiement d’une partie du loyer et des charges de la "
        "période, sans les distinguer. Il sera annulé par la quittance."
    ),
    "done_at": "Fait à {}, le {}",
    "for_landlord": "Le bailleur, {}",
    "for_agent": "Pour le bailleur, {}",
    "ticket_amount": "Votre paiement de",
    "confirmed": "Confirmé par votre banque le {} à {}",
    "ticket_law": (
        "Ce ticket prouve votre paiement. Ce n’est pas une quittance : elle est donnée, "
        "gratuitement, quand toute la période est payée."
    ),
    "expected": "L’argent est attendu sur notre compte le {}.",
    "paid_for": "Pour",
    "invoice_of": "Avis d’échéance",
    "paid_at": "Payé le",
    "at_time": "{}, {}",
    "provider_reference": "Référence de la banque",
    "fee": "Frais",
    "no_fee": "aucun",
    "left": "Reste à payer après ce paiement",
    "nothing_left": "rien à payer",
    "in_advance": "vous avez {} d’avance",
    "payment": "Paiement",
    "detail": "Détail",
    "debit": "Débit",
    "credit": "Crédit",
    "previous": "Solde antérieur",
    "previous_credit": "Solde antérieur en votre faveur",
    "month_total": "Total du mois",
    "net": "Net à payer",
    "net_credit": "En votre faveur",
    "nothing_due": "Rien à payer",
    "due_on": "à payer au plus tard le {}",
    "debited_on": "sera prélevé le {} sur votre compte",
    "carried": "sera déduit de votre prochaine échéance",
    "benefit_left": "L’aide au logement dépasse votre loyer : {} vous seront reversés.",
    "pay_by": "Vous pouvez payer par {}.",
    "pay_online": "En ligne : {}",
    "iban": "IBAN : {}",
    "quote": "Référence à rappeler : {}",
    "invoice_law": (
        "Cet avis est gratuit : aucuns frais d’avis ni de quittance ne sont dus (article 21 de la "
        "loi n° 89-462 du 6 juillet 1989). Il ne vaut pas quittance."
    ),
    "fingerprint": "Empreinte du contenu (SHA-256)",
    "page": "Page {} sur {}",
    "or": "ou",
}

_ENGLISH: Final[Phrases] = {
    "quittance": "Rent receipt",
    "part_receipt": "Part receipt",
    "ticket": "Payment slip",
    "invoice": "Rent invoice",
    "number": "No. {}",
    "issued_on": "Issued on {}",
    "issued_on_f": "Issued on {}",
    "lease": "Lease {}",
    "client": "Client reference {}",
    "span": "{} to {}",
    "landlord": "Landlord",
    "tenant": "Tenant",
    "tenants": "Tenants",
    "dwelling": "Dwelling",
    "paid_full": "Paid in full",
    "paid_part": "Paid in part",
    "paid": "Confirmed",
    "received": "Received for this period",
    "received_part": "Received towards this period",
    "what": "What is paid",
    "total": "Total",
    "total_paid": "Total paid",
    "how": "How it was paid",
    "date": "Date",
    "means": "Means of payment",
    "amount": "Amount",
    "label": "Item",
    "still_due": "{} is still to be paid for this period before a full receipt.",
    "earlier_due": "The sum of {} is still owed for earlier periods.",
    "reserve": "Subject to collection.",
    "annuls": "This receipt annuls and replaces: {}.",
    "quittance_law": (
        "Given free of charge (article 21 of French law no. 89-462 of 6 July 1989). This receipt "
        "annuls any part receipt given for the same period. It does not imply that earlier "
        "periods have been paid."
    ),
    "part_law": (
        "Given free of charge (article 21 of French law no. 89-462 of 6 July 1989). This is not a "
        "full receipt (quittance): it proves that part of the rent and charges of the period was "
        "paid, without telling them apart. The full receipt will annul it."
    ),
    "done_at": "Done at {}, on {}",
    "for_landlord": "The landlord, {}",
    "for_agent": "For the landlord, {}",
    "ticket_amount": "Your payment of",
    "confirmed": "Confirmed by your bank on {} at {}",
    "ticket_law": (
        "This slip proves your payment. It is not a rent receipt (quittance), which is given free "
        "of charge once the whole period is paid."
    ),
    "expected": "The money should reach our account on {}.",
    "paid_for": "For",
    "invoice_of": "Invoice",
    "paid_at": "Paid on",
    "at_time": "{}, {}",
    "provider_reference": "Bank reference",
    "fee": "Fees",
    "no_fee": "none",
    "left": "Left to pay after this payment",
    "nothing_left": "nothing to pay",
    "in_advance": "you are {} in advance",
    "payment": "Payment",
    "detail": "Detail",
    "debit": "Debit",
    "credit": "Credit",
    "previous": "Previous balance",
    "previous_credit": "Previous balance in your favour",
    "month_total": "Total for the month",
    "net": "Net to pay",
    "net_credit": "In your favour",
    "nothing_due": "Nothing to pay",
    "due_on": "to be paid by {}",
    "debited_on": "will be debited from your account on {}",
    "carried": "will be taken off your next invoice",
    "benefit_left": "The housing benefit is above your rent: {} will be paid over to you.",
    "pay_by": "You can pay by {}.",
    "pay_online": "Online: {}",
    "iban": "IBAN: {}",
    "quote": "Reference to quote: {}",
    "invoice_law": (
        "This invoice is free: no fee is due for an invoice or a receipt (article 21 of French "
        "law no. 89-462 of 6 July 1989). It is not a receipt."
    ),
    "fingerprint": "Fingerprint of the content (SHA-256)",
    "page": "Page {} of {}",
    "or": "or",
}

PHRASES: Final[dict[Language, Phrases]] = {"fr": _FRENCH, "en": _ENGLISH}

MEANS: Final[dict[Language, Phrases]] = {
    "fr": {
        "card": "carte bancaire",
        "transfer": "virement",
        "direct_debit": "prélèvement",
        "cheque": "chèque",
        "cash": "espèces",
        "housing_benefit": "aide au logement",
        "credit": "avance déjà reçue",
        "other": "autre moyen",
    },
    "en": {
        "card": "card",
        "transfer": "bank transfer",
        "direct_debit": "direct debit",
        "cheque": "cheque",
        "cash": "cash",
        "housing_benefit": "housing benefit",
        "credit": "credit already held",
        "other": "other means",
    },
}

LINES: Final[dict[Language, Phrases]] = {
    "fr": {
        "rent": "Loyer hors charges",
        "charges": "Provision pour charges",
        "parking": "Stationnement",
        "insurance": "Assurance souscrite par le bailleur",
        "regularisation": "Régularisation des charges",
        "sls": "Supplément de loyer de solidarité",
        "repair": "Réparations locatives",
        "apl": "Aide au logement (APL)",
        "apl_recall": "Indu d’aide au logement",
        "rls": "Réduction de loyer de solidarité",
        "goodwill": "Geste commercial",
        "correction": "Correction",
        "other": "Autre",
    },
    "en": {
        "rent": "Rent without charges",
        "charges": "Provision for charges",
        "parking": "Parking",
        "insurance": "Insurance taken out by the landlord",
        "regularisation": "Yearly settlement of charges",
        "sls": "Solidarity rent supplement",
        "repair": "Repairs owed by the tenant",
        "apl": "Housing benefit (APL)",
        "apl_recall": "Housing benefit recalled",
        "rls": "Solidarity rent reduction",
        "goodwill": "Goodwill",
        "correction": "Correction",
        "other": "Other",
    },
}
