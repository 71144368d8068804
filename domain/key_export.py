"""The keys of an agency's persons were handed out: whoever has them reads what was sealed."""

from __future__ import annotations

from domain import Event


class KeysExported(Event):
    """So many keys left the house. Which, and to whom, is not for the journal to say."""

    keys: int
    destroyed: int
    """Persons who were erased, of whom only that is told."""
