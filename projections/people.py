"""Who are they, and where do they live? The one read model that holds personal data in clear."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import class_row

from domain import Erased
from domain.lot import LotDescribed, LotRegistered
from domain.party import (
    BankDetailsDeclared,
    ContactChanged,
    IdentityCorrected,
    PartyErased,
    PartyRegistered,
)
from journal import Recorded
from projections import Key, Projection, Row, Rows

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PersonRow(Row):
    """A person; what was erased is None."""

    table: ClassVar = "people"
    key: ClassVar = ("party_id",)
    indexes: ClassVar = ("(agency, client_reference)",)

    party_id: UUID
    client_reference: str
    title: str | None
    last_name: str | None
    first_name: str | None
    born_on: date | None
    email: str | None
    phone: str | None
    iban: str | None

    @property
    def name(self) -> str:
        """As it is printed: Mme Anaïs Schmitt."""
        parts = (self.title, self.first_name, self.last_name)
        return " ".join(part for part in parts if part) or "[effacé]"


@dataclass(frozen=True, slots=True)
class AddressRow(Row):
    """A lot, and where it is."""

    table: ClassVar = "addresses"
    key: ClassVar = ("lot_id",)

    lot_id: UUID
    reference: str
    kind: str | None
    street: str | None
    postcode: str | None
    city: str | None
    energy_class: str | None


_CLEAR = tuple(f.name for f in fields(PersonRow) if f.name not in ("party_id", "client_reference"))
"""The columns that name somebody."""
_NOTHING: tuple[None, ...] = (None,) * len(_CLEAR)


class People(Projection):
    name = "people"
    rows = (PersonRow, AddressRow)
    reads = (
        PartyRegistered,
        IdentityCorrected,
        ContactChanged,
        BankDetailsDeclared,
        LotRegistered,
        LotDescribed,
        PartyErased,
    )

    def touches(self, entry: Recorded) -> Iterable[tuple[type[Row], Key]]:
        match entry.event:
            case (
                IdentityCorrected() | ContactChanged() | BankDetailsDeclared() | PartyErased() as e
            ):
                yield PersonRow, (e.party_id,)
            case LotDescribed() as e:
                yield AddressRow, (e.lot_id,)
            case _:
                pass

    def fold(self, rows: Rows, entry: Recorded) -> None:
        match entry.event:
            case PartyRegistered() as e:
                rows.put(
                    PersonRow(
                        e.party_id, e.client_reference, seen(e.title), seen(e.last_name),
                        seen(e.first_name), seen(e.born_on), seen(e.email), seen(e.phone), None,
                    )
                )  # fmt: skip
            case IdentityCorrected() as e if person := rows.get(PersonRow, e.party_id):
                rows.put(
                    replace(
                        person, title=seen(e.title), last_name=seen(e.last_name),
                        first_name=seen(e.first_name), born_on=seen(e.born_on),
                    )
                )  # fmt: skip
            case ContactChanged() as e if person := rows.get(PersonRow, e.party_id):
                rows.put(replace(person, email=seen(e.email), phone=seen(e.phone)))
            case BankDetailsDeclared() as e if person := rows.get(PersonRow, e.party_id):
                rows.put(replace(person, iban=seen(e.iban)))
            case PartyErased() as e if person := rows.get(PersonRow, e.party_id):
                rows.put(PersonRow(person.party_id, person.client_reference, *_NOTHING))
            case LotRegistered() as e:
                rows.put(AddressRow(e.lot_id, e.reference, None, None, None, None, None))
            case LotDescribed() as e if lot := rows.get(AddressRow, e.lot_id):
                rows.put(
                    replace(
                        lot, kind=e.kind, street=seen(e.street), postcode=seen(e.postcode),
                        city=seen(e.city), energy_class=e.energy_class,
                    )
                )  # fmt: skip
            case _:
                pass


def seen(value: T | Erased) -> T | None:
    """The value, or None once it is erased."""
    return None if isinstance(value, Erased) else value


def people(connection: Connection, agency: UUID, ids: Sequence[UUID]) -> list[PersonRow]:
    """Some people, in the order asked for; unknown ids are left out."""
    cursor = connection.cursor(row_factory=class_row(PersonRow))
    found = {
        row.party_id: row
        for row in cursor.execute(
            "SELECT party_id, client_reference, title, last_name, first_name, born_on, email,"
            " phone, iban FROM read.people WHERE agency = %s AND party_id = ANY(%s)",
            [agency, list(ids)],
        )
    }
    return [found[party_id] for party_id in ids if party_id in found]


def forget_erased(connection: Connection[Any]) -> int:
    """Clear what a table of people still says of somebody whose key is destroyed; how many rows.

    In every generation, those that are no longer folded and those that have stopped included.
    """
    schemas = connection.execute(
        "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relname = %s AND c.relkind = 'r'",
        [PersonRow.table],
    ).fetchall()
    return sum(connection.execute(_forget(schema)).rowcount for (schema,) in schemas)


def _forget(schema: str) -> sql.Composed:
    columns = [sql.Identifier(name) for name in _CLEAR]
    return sql.SQL(
        "UPDATE {table} p SET {nothing} FROM data_keys k WHERE k.erased_at IS NOT NULL"
        " AND p.agency = k.agency AND p.party_id = k.subject AND num_nonnulls({columns}) > 0"
    ).format(
        table=sql.Identifier(schema, PersonRow.table),
        nothing=sql.SQL(", ").join(sql.SQL("{} = NULL").format(column) for column in columns),
        columns=sql.SQL(", ").join(columns),
    )
