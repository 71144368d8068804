"""The words of the demo bank's pages, French first, and how it writes amounts."""

from __future__ import annotations

from typing import Literal

Language = Literal["fr", "en"]

_FR = {
    "bank": "Banque de démonstration",
    "demo_title": "Démonstration",
    "demo": "Aucune carte réelle, aucun argent : rien n’est débité ici.",
    "other_language": "English",
    "error_prefix": "À corriger : ",
    "amount": "Montant",
    "reference": "Référence",
    "pay_title": "Payer par carte",
    "card_legend": "Une carte d’essai",
    "number": "Numéro de carte",
    "number_hint": "Un numéro d’essai de la liste ci-dessous. Jamais une vraie carte.",
    "expiry": "Expire fin",
    "expiry_hint": "MM/AA, à venir",
    "cvc": "Code au dos",
    "cvc_hint": "3 chiffres au choix",
    "name": "Nom sur la carte",
    "name_hint": "Un nom au choix. Il n’est pas conservé.",
    "pay": "Payer {amount}",
    "cancel": "Annuler et revenir",
    "kept": "Seuls le réseau et les quatre derniers chiffres sont conservés.",
    "cards_title": "Les cartes d’essai",
    "card_confirm": "acceptée",
    "card_challenge": "demande de vous identifier (3-D Secure)",
    "card_card_declined": "refusée par la banque",
    "card_insufficient_funds": "refusée, provision insuffisante",
    "card_time_out": "la banque ne répond pas, le résultat reste inconnu",
    "fix": "Quelque chose est à corriger avant de payer. Rien n’a été débité.",
    "number_wrong": "Ce numéro n’est pas complet, ou un chiffre est faux.",
    "number_real": "Ce n’est pas une carte d’essai. N’écrivez jamais une vraie carte ici.",
    "expiry_wrong": "Écrivez le mois et l’année, par exemple 12/34.",
    "expiry_past": "Cette date est passée. Choisissez-en une à venir.",
    "name_missing": "Écrivez un nom, 80 caractères au plus.",
    "cvc_wrong": "Écrivez trois chiffres, par exemple 123.",
    "challenge_title": "Votre banque veut s’assurer que c’est vous",
    "challenge_why": "3-D Secure : avant d’autoriser ce paiement, elle vous envoie un code.",
    "challenge_card": "Carte qui se termine par {last4}",
    "challenge_message": "Message de démonstration",
    "challenge_code_is": "Votre code est",
    "code": "Code reçu",
    "code_hint": "Six chiffres : celui du message, ou six autres.",
    "code_wrong": "Écrivez six chiffres, par exemple 123456.",
    "accept": "C’est bien moi, payer {amount}",
    "refuse": "Ce n’est pas moi, refuser",
    "back": "Revenir au site",
    "confirmed_title": "Ce paiement est déjà fait",
    "confirmed": "La banque l’a accepté une seule fois : un second clic ne paie pas deux fois.",
    "failed_title": "Ce paiement n’a pas abouti",
    "failed": "Rien n’a été débité. Pour essayer de nouveau, revenez au site.",
    "cancelled_title": "Ce paiement a été annulé",
    "unknown_title": "La banque n’a pas encore répondu",
    "unknown": "Nous ne savons pas si ce paiement est passé. Ne payez pas une seconde fois :"
    " il pourrait être débité en double. Le site saura dès que la banque aura répondu.",
    "missing_title": "Cette page de paiement n’existe pas",
    "missing": "Le lien est incomplet ou trop ancien. Rien n’a été débité. Revenez au site d’où"
    " vous venez et recommencez.",
    "footer": "Page d’essai fournie avec Quittance. Elle ne mène à aucune banque.",
}

_EN = {
    "bank": "Demonstration bank",
    "demo_title": "Demonstration",
    "demo": "No real card, no money: nothing is debited here.",
    "other_language": "Français",
    "error_prefix": "To correct: ",
    "amount": "Amount",
    "reference": "Reference",
    "pay_title": "Pay by card",
    "card_legend": "A test card",
    "number": "Card number",
    "number_hint": "A test number from the list below. Never a real card.",
    "expiry": "Expires end of",
    "expiry_hint": "MM/YY, to come",
    "cvc": "Code on the back",
    "cvc_hint": "any 3 digits",
    "name": "Name on card",
    "name_hint": "Any name. It is not kept.",
    "pay": "Pay {amount}",
    "cancel": "Cancel and go back",
    "kept": "Only the network and the last four digits are kept.",
    "cards_title": "The test cards",
    "card_confirm": "accepted",
    "card_challenge": "asks you to identify yourself (3-D Secure)",
    "card_card_declined": "declined by the bank",
    "card_insufficient_funds": "declined, insufficient funds",
    "card_time_out": "the bank does not answer, the outcome stays unknown",
    "fix": "Something is to be corrected before paying. Nothing was debited.",
    "number_wrong": "This number is not complete, or a digit is wrong.",
    "number_real": "This is not a test card. Never type a real card here.",
    "expiry_wrong": "Write month and year, for example 12/34.",
    "expiry_past": "This date is past. Choose one to come.",
    "name_missing": "Write a name, of 80 characters at most.",
    "cvc_wrong": "Write three digits, for example 123.",
    "challenge_title": "Your bank wants to be sure that it is you",
    "challenge_why": "3-D Secure: before it authorises this payment, it sends you a code.",
    "challenge_card": "Card ending in {last4}",
    "challenge_message": "Demonstration message",
    "challenge_code_is": "Your code is",
    "code": "Code received",
    "code_hint": "Six digits: those of the message, or six others.",
    "code_wrong": "Write six digits, for example 123456.",
    "accept": "It is me, pay {amount}",
    "refuse": "It is not me, refuse",
    "back": "Back to the site",
    "confirmed_title": "This payment is already made",
    "confirmed": "The bank accepted it once, and once only: a second click does not pay twice.",
    "failed_title": "This payment did not go through",
    "failed": "Nothing was debited. To try again, go back to the site.",
    "cancelled_title": "This payment was cancelled",
    "unknown_title": "The bank has not answered yet",
    "unknown": "We do not know whether this payment went through. Do not pay a second time: it"
    " could be debited twice. The site will know as soon as the bank has answered.",
    "missing_title": "This payment page does not exist",
    "missing": "The link is incomplete or too old. Nothing was debited. Go back to the site you"
    " came from and start again.",
    "footer": "A test page shipped with Quittance. No bank is behind it.",
}

WORDS: dict[Language, dict[str, str]] = {"fr": _FR, "en": _EN}


def amount(cents: int, language: Language) -> str:
    """`1 234,50 €` with U+202F and U+00A0, or `€1,234.50`."""
    written = f"{cents // 100:,}.{cents % 100:02d}"
    if language == "en":
        return f"€{written}"
    return written.replace(",", "\u202f").replace(".", ",") + "\u00a0€"


def language_of(accept_language: str, otherwise: Language) -> Language:
    """French or English by `Accept-Language`, the heavier first; else the merchant's choice."""
    weights: dict[Language, float] = {"fr": 0.0, "en": 0.0}
    for part in accept_language.split(","):
        tag, _, parameter = part.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        for known, before in weights.items():
            if tag.strip().lower().split("-")[0] == known:
                weights[known] = max(before, weight)
    if weights["fr"] == weights["en"]:
        return otherwise
    return "fr" if weights["fr"] > weights["en"] else "en"
