"""Open an agency's books."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field
from stdnum.fr import siren as siren_number

from aggregates.agency import Agency
from aggregates.store import Store
from commands import Command
from domain.agency import BadSiren
from domain.principal import Role
from journal import agency_id

DEPARTMENT = r"^(0[1-9]|1[0-9]|2[1-9AB]|[3-8][0-9]|9[0-5]|97[1-8])$"
"""INSEE codes; 20 has been 2A and 2B since 1976."""


class CreateAgency(Command):
    """One legal entity with one journal. Asked in the log that all agencies share."""

    internal: ClassVar[bool] = True
    allowed: ClassVar[frozenset[Role]] = frozenset()

    slug: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", min_length=2, max_length=60)]
    legal_name: Annotated[str, Field(min_length=1, max_length=200)]
    siren: Annotated[str, Field(max_length=20)]
    department: Annotated[str, Field(pattern=DEPARTMENT)]

    def handle(self, store: Store) -> Mapping[str, object]:
        if not siren_number.is_valid(self.siren):
            raise BadSiren(
                "Ce SIREN n'est pas valable : neuf chiffres, dont le dernier est une clé.",
                "This SIREN is not valid: nine digits, the last of which is a check digit.",
            )
        agency = store.get(Agency, self.slug)
        agency.create(
            agency_id=agency_id(self.slug),
            slug=self.slug,
            legal_name=self.legal_name,
            siren=siren_number.compact(self.siren),
            department=self.department,
        )
        return {"agency_id": agency_id(self.slug), "slug": self.slug}
