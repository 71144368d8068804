"""Who asks: a principal with a role, in one agency or several."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What a principal is here for."""

    SERVICE = "service"
    """A program of the agency's own: the portal, the importer, the bank connector."""
    AGENT = "agent"
    ACCOUNTANT = "accountant"
    AUDITOR = "auditor"
    """Reads everything of its agency, asks for nothing."""
    ADMIN = "admin"
    SYSTEM = "system"
    """The product itself: clock, reactions, webhooks. No token carries this role."""


@dataclass(frozen=True, slots=True)
class Principal:
    """One who may ask. `name` is what the journal shows: `token:<id>`, `clock`, `reaction`."""

    name: str
    role: Role
    agencies: frozenset[UUID] | None = frozenset()
    """The agencies it may act in; None for all (the system only)."""

    def may_enter(self, agency: UUID) -> bool:
        return self.agencies is None or agency in self.agencies


CLOCK = Principal("clock", Role.SYSTEM, None)
REACTION = Principal("reaction", Role.SYSTEM, None)
WEBHOOK = Principal("webhook", Role.SYSTEM, None)
OPERATOR = Principal("operator", Role.SYSTEM, None)
"""Somebody at the machine's own command line."""
