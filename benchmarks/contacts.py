"""Contacts and keys like no other, of equal length, for whoever asks for a change of contact."""

from __future__ import annotations


def contact(number: int) -> tuple[str, str]:
    """An e-mail address and a telephone number."""
    return f"locataire.{number:09d}@exemple.fr", f"+33{number:09d}"


def key(number: int) -> str:
    """An idempotency key."""
    return f"key-{number:012d}"
