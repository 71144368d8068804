"""An agency: opened once, in the log that all agencies share."""

from __future__ import annotations

from uuid import UUID

from aggregates import Aggregate
from domain.agency import AgencyCreated, AgencyExists


class Agency(Aggregate):
    kind = "agency"

    known: AgencyCreated | None = None

    def create(
        self, *, agency_id: UUID, slug: str, legal_name: str, siren: str, department: str
    ) -> None:
        asked = AgencyCreated(
            agency_id=agency_id,
            slug=slug,
            legal_name=legal_name,
            siren=siren,
            department=department,
        )
        if self.known == asked:
            return
        if self.known is not None:
            raise AgencyExists(
                f"Une agence « {slug} » existe déjà, avec d'autres indications.",
                f"An agency “{slug}” exists already, described otherwise.",
            )
        self.trigger_event(AgencyCreated, **asked.__dict__)

    def evolve(self, event: AgencyCreated) -> None:
        self.known = event
