"""What is wrong with a request's fields, said in French or English and without quoting it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from domain.words import Language

MOST_ERRORS = 50

_SAID: dict[str, tuple[str, str]] = {
    "missing": ("Ce champ est requis.", "This field is required."),
    "extra_forbidden": ("Un champ inconnu est présent.", "There is an unknown field."),
    "json_invalid": ("Le contenu n'est pas du JSON lisible.", "The content is not readable JSON."),
    "several": ("Cet en-tête ne vient qu'une fois.", "This header comes once."),
    "string_nul": ("Ce texte contient un caractère nul.", "This text holds a NUL character."),
    "string_unicode": ("Ce texte n'est pas de l'Unicode.", "This text is not Unicode."),
    "string_too_short": (
        "Au moins {min_length} caractère(s).",
        "At least {min_length} characters.",
    ),
    "string_too_long": ("Au plus {max_length} caractères.", "At most {max_length} characters."),
    "string_pattern_mismatch": (
        "Ce texte n'a pas la forme attendue.",
        "This text does not have the expected form.",
    ),
    "string_type": ("Un texte est attendu.", "A text is expected."),
    "int_type": ("Un nombre entier est attendu.", "A whole number is expected."),
    "int_parsing": ("Un nombre entier est attendu.", "A whole number is expected."),
    "int_from_float": ("Un nombre entier est attendu.", "A whole number is expected."),
    "int_too_big": ("Ce nombre est trop grand.", "This number is too large."),
    "int_parsing_size": ("Ce nombre est trop grand.", "This number is too large."),
    "finite_number": ("Un nombre fini est attendu.", "A finite number is expected."),
    "bool_type": ("Vrai ou faux est attendu.", "True or false is expected."),
    "bool_parsing": ("Vrai ou faux est attendu.", "True or false is expected."),
    "greater_than": ("Plus de {gt}.", "More than {gt}."),
    "greater_than_equal": ("Au moins {ge}.", "At least {ge}."),
    "less_than": ("Moins de {lt}.", "Less than {lt}."),
    "less_than_equal": ("Au plus {le}.", "At most {le}."),
    "too_short": ("Au moins {min_length} élément(s).", "At least {min_length} items."),
    "too_long": ("Au plus {max_length} éléments.", "At most {max_length} items."),
    "enum": ("Valeurs admises : {expected}.", "Accepted values: {expected}."),
    "literal_error": ("Valeurs admises : {expected}.", "Accepted values: {expected}."),
    "date_out_of_range": (
        "Une date entre 1900 et 2199 est attendue.",
        "A date between 1900 and 2199 is expected.",
    ),
    "date": ("Une date comme 2026-11-30 est attendue.", "A date like 2026-11-30 is expected."),
    "datetime": ("Un instant ISO 8601 est attendu.", "An ISO 8601 instant is expected."),
    "uuid": ("Un UUID est attendu.", "A UUID is expected."),
    "": ("Cette valeur n'est pas admise.", "This value is not accepted."),
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


class Wrong(NamedTuple):
    """One fault: where, its stable code, and the limits that the message names."""

    location: tuple[str | int, ...]
    code: str
    limits: Mapping[str, object] = {}

    def told(self, language: Language) -> dict[str, object]:
        """The fault as it stands in the answer."""
        said = _SAID.get(self.code) or _SAID.get(self.code.split("_", 1)[0]) or _SAID[""]
        message = said[1 if language == "en" else 0]
        try:
            message = message.format_map(self.limits)
        except KeyError:
            message = _SAID[""][1 if language == "en" else 0]
        return {"location": list(self.location), "code": self.code, "message": message}


def wrongs(
    errors: Iterable[Any], inside: tuple[str, ...] = (), known: frozenset[str] | None = None
) -> list[Wrong]:
    """Pydantic's errors without what was entered, unknown names of fields included.

    `known` holds the names that a location may show; None for all that look like names.
    """
    return [
        Wrong(
            (*inside, *_shown(error["loc"], error["type"], known)),
            error["type"],
            {name: limit for name, limit in error.get("ctx", {}).items() if name != "error"},
        )
        for error in list(errors)[:MOST_ERRORS]
    ]


def _shown(
    location: Iterable[str | int], code: str, known: frozenset[str] | None
) -> list[str | int]:
    """A location whose parts all come from us: what a person made up is a star."""
    parts: list[str | int] = []
    for part in location:
        if isinstance(part, int):
            # A position in unreadable JSON says nothing that matters; an index in a list does.
            if code != "json_invalid":
                parts.append(part)
        elif part in known if known is not None else _NAME.fullmatch(part):
            parts.append(part)
        else:
            parts.append("*")
    if code == "extra_forbidden" and parts:
        parts[-1] = "*"
    return parts
