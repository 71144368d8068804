"""Agencies: each one legal entity with one journal, one ledger and one set of number series."""

from __future__ import annotations

from uuid import UUID

from domain import Event, Refused


class AgencyCreated(Event):
    """An agency opened its books. Kept in the log that all agencies share."""

    agency_id: UUID
    slug: str
    legal_name: str
    siren: str
    department: str
    """INSEE code of the department (57, 2A, 971): it decides the local public holidays."""


class AgencyExists(Refused):
    """This slug belongs to an agency that was created otherwise."""


class BadSiren(Refused):
    """Nine digits whose check digit (Luhn) is right."""
