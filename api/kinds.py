"""The kinds of problems that the edge knows, with their status and their words."""

from __future__ import annotations

from typing import NamedTuple

from starlette.requests import HTTPConnection

from domain.words import Language

LONGEST_WISH = 200
"""Characters of Accept-Language that are read; no browser sends more."""


class Kind(NamedTuple):
    """One kind of problem."""

    status: int
    title: dict[Language, str]
    detail: dict[Language, str]


def _kind(status: int, title: tuple[str, str], detail: tuple[str, str]) -> Kind:
    return Kind(status, {"fr": title[0], "en": title[1]}, {"fr": detail[0], "en": detail[1]})


REFUSED = _kind(
    409,
    ("Refusé par les règles de gestion", "Refused by the rules of the business"),
    ("Cette demande est refusée.", "This request is refused."),
)
"""What the business says no to; its code and detail are the refusal's own."""

KINDS: dict[str, Kind] = {
    "unreadable": _kind(
        400,
        ("Demande illisible", "Unreadable request"),
        ("Le contenu de la demande ne peut être lu.", "The request's content cannot be read."),
    ),
    "unauthenticated": _kind(
        401,
        ("Authentification requise", "Authentication required"),
        (
            "Un jeton valide est attendu : Authorization: Bearer qt_…",
            "A valid token is expected: Authorization: Bearer qt_…",
        ),
    ),
    "not_allowed": _kind(
        403,
        ("Opération non permise", "Operation not allowed"),
        (
            "Votre accès ne permet pas cette opération.",
            "Your access does not allow this operation.",
        ),
    ),
    "not_found": _kind(
        404,
        ("Introuvable", "Not found"),
        ("Il n'y a rien à cette adresse.", "There is nothing at this address."),
    ),
    "no_such_agency": _kind(
        404,
        ("Agence inconnue", "Unknown agency"),
        ("Cette agence n'existe pas.", "This agency does not exist."),
    ),
    "method_not_allowed": _kind(
        405,
        ("Méthode non admise", "Method not allowed"),
        ("Cette adresse n'admet pas cette méthode.", "This address does not take this method."),
    ),
    "conflict": _kind(
        409,
        ("Demandes simultanées", "Simultaneous requests"),
        (
            "D'autres demandes ont modifié la même chose en même temps ; recommencez.",
            "Other requests changed the same thing at the same time; try again.",
        ),
    ),
    "person_erased": _kind(
        409,
        ("Personne effacée", "Person erased"),
        (
            "Les données de cette personne ont été effacées ; rien ne peut y être ajouté.",
            "This person's data was erased; nothing can be added to it.",
        ),
    ),
    "too_large": _kind(
        413,
        ("Contenu trop volumineux", "Content too large"),
        ("Le contenu de la demande est trop long.", "The request's content is too long."),
    ),
    "unsupported_media_type": _kind(
        415,
        ("Type de contenu non admis", "Unsupported media type"),
        (
            "Le contenu attendu est du JSON : Content-Type: application/json",
            "JSON content is expected: Content-Type: application/json",
        ),
    ),
    "invalid": _kind(
        422,
        ("Demande invalide", "Invalid request"),
        (
            "Des champs manquent ou ne sont pas admis ; voir « errors ».",
            'Fields are missing or not accepted; see "errors".',
        ),
    ),
    "key_reused": _kind(
        422,
        ("Clé d'idempotence déjà utilisée", "Idempotency key already used"),
        (
            "Cette clé d'idempotence a déjà servi pour une autre demande.",
            "This idempotency key was used for another request.",
        ),
    ),
    "internal_error": _kind(
        500,
        ("Erreur interne", "Internal error"),
        (
            "Une erreur est survenue ; son numéro permet de la retrouver.",
            "An error occurred; it can be found by its number.",
        ),
    ),
    "bad_signature": _kind(
        400,
        ("Signature refusée", "Signature refused"),
        (
            "Cette notification n'est pas signée par ce prestataire pour cette agence.",
            "This notification is not signed by this provider for this agency.",
        ),
    ),
    "provider_unreachable": _kind(
        503,
        ("Prestataire de paiement injoignable", "Payment provider unreachable"),
        (
            "Rien n'a été débité. Recommencez dans un instant.",
            "Nothing was taken. Try again in a moment.",
        ),
    ),
    "stopped": _kind(
        503,
        ("Lecture suspendue", "Reading suspended"),
        (
            "Nous vérifions les données de cette agence ; rien n'est perdu.",
            "We are checking this agency's data; nothing is lost.",
        ),
    ),
    "newer_program": _kind(
        503,
        ("Programme à mettre à jour", "Program to be updated"),
        (
            "Une version plus récente du programme a écrit dans ce journal ; celle-ci ne le"
            " devine pas et s'arrête. Rien n'est perdu.",
            "A newer version of the program has written to this journal; this one does not"
            " guess, and stops. Nothing is lost.",
        ),
    ),
    "busy": _kind(
        503,
        ("Service momentanément indisponible", "Temporarily unavailable"),
        ("Recommencez dans un instant.", "Try again in a moment."),
    ),
    "outcome_unknown": _kind(
        503,
        ("Issue inconnue", "Outcome unknown"),
        (
            "La demande a peut-être abouti ; répétez-la avec la même clé d'idempotence.",
            "The request may have succeeded; repeat it with the same idempotency key.",
        ),
    ),
    "not_yet": _kind(
        503,
        ("Pas encore à jour", "Not up to date yet"),
        (
            "La position demandée n'est pas encore lisible ; recommencez dans un instant.",
            "The position asked for cannot be read yet; try again in a moment.",
        ),
    ),
}


def language_of(request: HTTPConnection) -> Language:
    """French, unless English is preferred to it by Accept-Language."""
    wish = request.headers.get("accept-language")
    if not wish:
        return "fr"
    weights: dict[str, float] = {}
    for part in wish[:LONGEST_WISH].lower().split(","):
        tag, _, parameters = part.partition(";")
        weight = 1.0
        name, _, number = parameters.strip().partition("=")
        if name.strip() == "q":
            try:
                weight = float(number)
            except ValueError:
                weight = 0.0
        language = tag.strip().split("-")[0]
        weights[language] = max(weight, weights.get(language, 0.0))
    anything = weights.get("*", 0.0)
    english = weights.get("en", anything)
    return "en" if english > weights.get("fr", anything) else "fr"
