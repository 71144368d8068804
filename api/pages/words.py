"""What the pages say, in French and in English; delicate messages never blame and never guess."""

from __future__ import annotations

import re
from typing import Final

from markupsafe import Markup

from api.pages import audit_words
from domain.words import NARROW_SPACE, NO_BREAK_SPACE, Language

_FR: Final = {
    "other_language": "English",
    "skip": "Aller au contenu",
    "step": "Étape 2 sur 3 : la vérification",
    "for": "Pour",
    "to": "À",
    "means": "Moyen",
    "card": "carte bancaire",
    "card_named": "carte {brand} se terminant par {last4}",
    "card_ending": "carte se terminant par {last4}",
    "fees": "Frais pour vous",
    "no_fees": "aucun",
    "invoice": "facture {number}",
    "opening": "solde repris de l'ancien compte",
    "ahead": "avance de {amount} sur ce qui viendra",
    "oldest_first": "ce que vous devez, le plus ancien d'abord",
    "summary_title": "Vérifiez avant de payer",
    "to_take": "À débiter",
    "nothing_yet": "Rien n'est débité à cette étape.",
    "confirm": "Confirmer le paiement de {amount}",
    "then": "Vous passez ensuite sur la page de notre prestataire de paiement. Votre banque peut"
    " vous demander de vous identifier, une ou plusieurs fois. Votre numéro de carte ne passe"
    " jamais par nous.",
    "unfinished_seal": "Commencé, pas terminé",
    "unfinished_title": "Vous n'avez pas terminé ce paiement",
    "unfinished": "Nous n'avons pas de réponse de votre banque pour ce paiement de"
    " <b>{amount}</b> à {agency}.",
    "resume_why": "Reprendre, c'est continuer ce même paiement : il ne peut pas être débité"
    " deux fois.",
    "resume": "Reprendre le paiement de {amount}",
    "already_title": "Vous avez déjà validé chez votre banque ?",
    "already": "Alors ne payez pas une seconde fois : demandez-nous où ça en est.",
    "ask": "Demander où ça en est",
    "failed_seal": "Paiement non abouti",
    "failed_title": "Ce paiement n'a pas abouti",
    "nothing_taken": "Rien n'a été débité",
    "nothing_taken_why": "Une ligne « en attente » peut apparaître sur votre compte bancaire,"
    " puis disparaître.",
    "failed_card_declined": "Votre banque a refusé cette carte, sans nous dire pourquoi. Elle"
    " seule peut vous l'expliquer.",
    "failed_insufficient_funds": "Votre banque n'a pas permis ce montant : la provision ou le"
    " plafond de la carte n'y suffit pas.",
    "failed_authentication_failed": "Votre banque n'a pas pu vérifier que c'était bien vous.",
    "failed_cancelled": "Vous avez annulé ce paiement avant la fin.",
    "failed_expired": "La page de paiement est restée ouverte trop longtemps, elle s'est fermée.",
    "failed_otherwise": "Votre banque n'a pas accepté ce paiement.",
    "not_paid": "Non payé",
    "again_title": "Pour payer de nouveau",
    "again": "Repartez de votre espace locataire, ou du message de votre agence : un nouveau"
    " paiement y commence. Celui-ci est clos.",
    "unknown_seal": "Résultat pas encore connu",
    "unknown_title": "Nous ne savons pas encore si votre paiement est passé",
    "unknown": "Vous avez demandé un paiement de <b>{amount}</b> à {agency}. Votre banque ne nous"
    " a pas encore répondu ; nous attendons depuis le {since}.",
    "not_twice": "Ne payez pas une seconde fois",
    "not_twice_why": "Tant que nous n'avons pas la réponse, un nouveau paiement pourrait vous être"
    " débité en double.",
    "asking": "<b>Nous redemandons nous-mêmes à la banque.</b> Prochaine demande le {next}.",
    "asking_soon": "<b>Nous redemandons nous-mêmes à la banque</b>, en ce moment.",
    "deadline": "<b>Une personne de l'agence prend le relais</b> si la banque n'a toujours pas"
    " répondu : au plus tard le {deadline}.",
    "in_hand": "<b>Une personne de l'agence s'en occupe</b> depuis le {deadline} : la banque ne"
    " nous a toujours pas répondu.",
    "shown_here": "<b>La réponse s'affichera ici</b> dès que nous l'aurons. Gardez l'adresse de"
    " cette page.",
    "seen_title": "Vous voyez déjà le débit ?",
    "seen": "Gardez-en une copie et écrivez à votre agence avec la référence ci-dessous. Un débit"
    " « en attente » peut aussi apparaître puis disparaître. Si la banque répond non, rien n'est"
    " débité et vous pourrez payer de nouveau.",
    "reference": "Référence du paiement",
    "ticket_seal": "Paiement confirmé par votre banque",
    "ticket_title": "Merci, votre paiement est confirmé",
    "ticket_title_clear": "Merci, vous ne devez plus rien",
    "ticket": "Ticket de paiement",
    "paid_at": "Payé le",
    "paid": "Payé",
    "not_a_receipt": "Ce ticket prouve votre paiement. <b>Ce n'est pas une quittance</b> : elle est"
    " donnée, gratuitement, quand toute la période est payée.",
    "download": "Télécharger le ticket (PDF)",
    "now": "Et maintenant",
    "done": "fait",
    "to_come": "à venir",
    "confirmed": "Confirmé",
    "confirmed_by": "par votre banque",
    "counted": "Compté",
    "counted_in": "dans votre solde",
    "received": "Reçu",
    "received_on": "sur notre compte",
    "not_seen": "pas encore vu sur notre relevé",
    "balance": "Votre solde",
    "balance_confirmed": "Avec ce que votre banque a confirmé",
    "balance_booked": "Compté dans nos livres",
    "confirmed_and_counted": "Confirmé et compté",
    "left": "il vous reste {amount} à payer",
    "nothing_left": "rien à payer",
    "advance": "vous avez {amount} d'avance",
    "up_to_date": "À jour le {at}.",
    "all_counted": "À jour le {at} : tout ce que votre banque nous a confirmé est compté.",
    "stale": "Ce solde date du {at}. Un paiement fait depuis n'y est peut-être pas encore. Il n'est"
    " pas perdu.",
    "checking_title": "Nous vérifions votre compte",
    "checking": "Une opération n'a pas pu être inscrite, et nous préférons ne rien afficher de"
    " peut-être faux. Rien n'est perdu. Si vous venez de payer, ne payez pas une seconde fois.",
    "checking_balance": "Une opération n'a pas pu être inscrite, et nous préférons ne pas afficher"
    " un solde peut-être faux. Rien n'est perdu ; votre ticket reste valable.",
    "missing_title": "Cette page n'existe pas",
    "missing": "Le lien est incomplet ou trop ancien. L'ouvrir n'a rien débité. Revenez au message"
    " ou à l'espace d'où vous venez, et suivez le lien en entier.",
    "late_title": "Cette page a un peu de retard",
    "late": "Ce que vous venez de faire n'y est pas encore. Rien n'est perdu. Ne payez pas une"
    " seconde fois : actualisez dans un instant.",
    "silent_title": "La page de paiement ne répond pas",
    "silent": "Notre prestataire de paiement est injoignable pour l'instant. Rien n'a été débité."
    " Réessayez dans un instant.",
    "busy_title": "Cette page ne répond pas",
    "busy": "Vos données sont intactes. Réessayez dans un instant. Si vous venez de payer, ne payez"
    " pas une seconde fois.",
    "broken_title": "Cette page a un défaut, et il vient de nous",
    "broken": "Vos données sont intactes. Si vous venez de payer, ne payez pas une seconde fois."
    " Donnez ce numéro à votre agence, il permet de retrouver ce qui s'est passé.",
    "refused_title": "Ce paiement ne peut pas continuer",
    "retry": "Réessayer",
    "footer": "Paiement de loyer avec Quittance",
}

_EN: Final = {
    "other_language": "Français",
    "skip": "Skip to content",
    "step": "Step 2 of 3: checking",
    "for": "For",
    "to": "To",
    "means": "By",
    "card": "bank card",
    "card_named": "{brand} card ending in {last4}",
    "card_ending": "card ending in {last4}",
    "fees": "Fees for you",
    "no_fees": "none",
    "invoice": "invoice {number}",
    "opening": "balance taken over from the former account",
    "ahead": "{amount} ahead, for what comes next",
    "oldest_first": "what you owe, the oldest first",
    "summary_title": "Check before you pay",
    "to_take": "To be taken",
    "nothing_yet": "Nothing is taken at this step.",
    "confirm": "Confirm the payment of {amount}",
    "then": "Next comes our payment provider's page. Your bank may ask you to identify yourself,"
    " once or several times. Your card number never passes through us.",
    "unfinished_seal": "Begun, not finished",
    "unfinished_title": "You have not finished this payment",
    "unfinished": "We have no answer from your bank about this payment of <b>{amount}</b> to"
    " {agency}.",
    "resume_why": "Resuming continues this same payment: it cannot be taken twice.",
    "resume": "Resume the payment of {amount}",
    "already_title": "Have you approved it with your bank already?",
    "already": "Then do not pay a second time: ask us where it stands.",
    "ask": "Ask where it stands",
    "failed_seal": "Payment not made",
    "failed_title": "This payment did not go through",
    "nothing_taken": "Nothing was taken",
    "nothing_taken_why": "A “pending” line may show on your bank account, then disappear.",
    "failed_card_declined": "Your bank declined this card and did not tell us why. Only your bank"
    " can explain it.",
    "failed_insufficient_funds": "Your bank did not allow this amount: the funds or the card's"
    " limit are too low for it.",
    "failed_authentication_failed": "Your bank could not make sure that it was you.",
    "failed_cancelled": "You cancelled this payment before the end.",
    "failed_expired": "The payment page was left open for too long and has closed.",
    "failed_otherwise": "Your bank did not accept this payment.",
    "not_paid": "Not paid",
    "again_title": "To pay again",
    "again": "Start from your tenant portal, or from your agency's message: a new payment begins"
    " there. This one is closed.",
    "unknown_seal": "Result not known yet",
    "unknown_title": "We do not know yet whether your payment went through",
    "unknown": "You asked for a payment of <b>{amount}</b> to {agency}. Your bank has not answered"
    " us yet; we have been waiting since {since}.",
    "not_twice": "Do not pay a second time",
    "not_twice_why": "Until we have the answer, a new payment could be taken from you as well as"
    " this one.",
    "asking": "<b>We ask the bank again ourselves.</b> Next time on {next}.",
    "asking_soon": "<b>We ask the bank again ourselves</b>, right now.",
    "deadline": "<b>Somebody at the agency takes over</b> if the bank still has not answered: on"
    " {deadline} at the latest.",
    "in_hand": "<b>Somebody at the agency has been on it</b> since {deadline}: the bank still has"
    " not answered us.",
    "shown_here": "<b>The answer will show here</b> as soon as we have it. Keep the address of this"
    " page.",
    "seen_title": "Do you see the money taken already?",
    "seen": "Keep a copy and write to your agency with the reference below. A “pending” line may"
    " also show, then disappear. If the bank says no, nothing is taken and you can pay again.",
    "reference": "Payment reference",
    "ticket_seal": "Payment confirmed by your bank",
    "ticket_title": "Thank you, your payment is confirmed",
    "ticket_title_clear": "Thank you, you owe nothing more",
    "ticket": "Payment slip",
    "paid_at": "Paid on",
    "paid": "Paid",
    "not_a_receipt": "This slip proves your payment. <b>It is not a rent receipt</b> (quittance),"
    " which is given free of charge once the whole period is paid.",
    "download": "Download the slip (PDF)",
    "now": "What comes next",
    "done": "done",
    "to_come": "to come",
    "confirmed": "Confirmed",
    "confirmed_by": "by your bank",
    "counted": "Counted",
    "counted_in": "in your balance",
    "received": "Received",
    "received_on": "in our account",
    "not_seen": "not seen on our statement yet",
    "balance": "Your balance",
    "balance_confirmed": "With what your bank has confirmed",
    "balance_booked": "Counted in our books",
    "confirmed_and_counted": "Confirmed and counted",
    "left": "{amount} is left to pay",
    "nothing_left": "nothing to pay",
    "advance": "you are {amount} ahead",
    "up_to_date": "Up to date on {at}.",
    "all_counted": "Up to date on {at}: all that your bank has confirmed to us is counted.",
    "stale": "This balance is from {at}. A payment made since may not show yet. It is not lost.",
    "checking_title": "We are checking your account",
    "checking": "Something could not be recorded, and we would rather show nothing than something"
    " wrong. Nothing is lost. If you have just paid, do not pay a second time.",
    "checking_balance": "Something could not be recorded, and we would rather show no balance than"
    " a wrong one. Nothing is lost; your slip stays valid.",
    "missing_title": "This page does not exist",
    "missing": "The link is incomplete or too old. Opening it took no money. Go back to the message"
    " or portal you came from, and follow the whole link.",
    "late_title": "This page is a little behind",
    "late": "What you have just done does not show yet. Nothing is lost. Do not pay a second time:"
    " try again in a moment.",
    "silent_title": "The payment page does not answer",
    "silent": "Our payment provider cannot be reached right now. Nothing was taken. Try again in a"
    " moment.",
    "busy_title": "This page does not answer",
    "busy": "What we keep is safe. Try again in a moment. If you have just paid, do not pay a"
    " second time.",
    "broken_title": "This page is broken, and that is our fault",
    "broken": "What we keep is safe. If you have just paid, do not pay a second time. Give this"
    " number to your agency: it lets us find what happened.",
    "refused_title": "This payment cannot go on",
    "retry": "Try again",
    "footer": "Rent paid with Quittance",
}

OTHER: Final[dict[Language, Language]] = {"fr": "en", "en": "fr"}


def _french(text: str) -> str:
    """French typography: apostrophes, and spaces that do not break before signs."""
    text = re.sub(r" ([;!?»])", rf"{NARROW_SPACE}\1", text.replace("'", "’"))
    return text.replace(" :", f"{NO_BREAK_SPACE}:").replace("« ", f"«{NARROW_SPACE}")


WORDS: Final[dict[Language, dict[str, Markup]]] = {
    "fr": {name: Markup(_french(text)) for name, text in (_FR | audit_words.FR).items()},  # noqa: S704
    "en": {name: Markup(text.replace("'", "’")) for name, text in (_EN | audit_words.EN).items()},  # noqa: S704
}
"""By language and name. Some hold markup of our own; `format` escapes what is put into them."""
