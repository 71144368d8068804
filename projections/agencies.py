"""Which agencies are there?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from domain.agency import AgencyCreated
from journal import HOUSE, Recorded
from projections import Projection, Row, Rows


@dataclass(frozen=True, slots=True)
class AgencyRow(Row):
    table: ClassVar = "agencies"
    key: ClassVar = ("agency_id",)

    agency_id: UUID
    slug: str
    legal_name: str
    siren: str
    department: str


class Agencies(Projection):
    name = "agencies"
    rows = (AgencyRow,)
    reads = (AgencyCreated,)

    def fold(self, rows: Rows, entry: Recorded) -> None:
        match entry.event:
            case AgencyCreated() as e:
                rows.put(AgencyRow(e.agency_id, e.slug, e.legal_name, e.siren, e.department))
            case _:
                pass


def all_agencies(connection: Connection) -> list[AgencyRow]:
    """Every agency, by slug."""
    cursor = connection.cursor(row_factory=class_row(AgencyRow))
    return cursor.execute(
        "SELECT agency_id, slug, legal_name, siren, department FROM read.agencies"
        " WHERE agency = %s ORDER BY slug",
        [HOUSE],
    ).fetchall()


def agency_named(connection: Connection, agency_id: UUID) -> AgencyRow | None:
    """One agency."""
    cursor = connection.cursor(row_factory=class_row(AgencyRow))
    return cursor.execute(
        "SELECT agency_id, slug, legal_name, siren, department FROM read.agencies"
        " WHERE agency = %s AND agency_id = %s",
        [HOUSE, agency_id],
    ).fetchone()
