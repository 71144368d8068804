"""A journal of many agencies, filled by COPY: what a rebuild reads, without the years it takes.

Each lease is charged and pays month by month, as billing and payments leave it: two charges, an
invoice's worth of payment confirmed, booked, allocated and settled. The hashes are those of the
real chain.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5

import psycopg
from pydantic_core import to_json

from benchmarks.ours import slugs
from domain.lease import LeaseSigned, Tenant, Terms
from domain.payment import PaymentConfirmed, PaymentSettled
from domain.rent_account import ChargePosted, Part, PaymentAllocated, PaymentBooked
from journal import agency_id
from journal.chain import GENESIS, header, link, tail

PER_MONTH = 6
"""Events of each lease in each month."""
BEGAN_AT = datetime(2020, 1, 1, tzinfo=UTC)
_COLUMNS = (
    "agency, position, stream, event_id, command_id, correlation_id, causation_id, recorded_at,"
    " version, schema_version, effective_on, name, actor, on_behalf_of, subjects, hash, state"
)


def fill(url: str, agencies: int, leases: int, months: int) -> int:
    """Fill the empty journal of a database; how many events it holds then."""
    with psycopg.connect(url) as connection:
        for slug in slugs(agencies):
            agency = agency_id(slug)
            rows = list(_log(agency, leases, months))
            with connection.cursor() as cursor:
                copying = f"COPY events ({_COLUMNS}) FROM STDIN"
                with cursor.copy(copying) as copy:
                    for row in rows:
                        copy.write_row(row)
            connection.execute(
                "INSERT INTO heads (agency, position, hash, recorded_at) VALUES (%s, %s, %s, %s)",
                [agency, len(rows), rows[-1][15], rows[-1][7]],
            )
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE) events")
    return agencies * leases * (1 + months * PER_MONTH)


def _log(agency: UUID, leases: int, months: int) -> Iterator[tuple[object, ...]]:
    """The rows of one agency's log."""
    position, previous = 0, GENESIS
    for month in range(-1, months):
        day = date(2020 + month // 12, 1 + month % 12, 1)
        for number in range(leases):
            lease_id = uuid5(agency, f"lease {number}")
            told = _signed(lease_id, number) if month < 0 else _month(lease_id, month, day)
            for version, (name, state) in enumerate(told, max(1, month * PER_MONTH + 2)):
                position += 1
                at = BEGAN_AT + timedelta(seconds=position)
                event_id = UUID(int=agency.int ^ (position << 8) ^ (7 << 120))
                rest = tail(
                    lease_id.bytes, version.to_bytes(8, "big"), name.encode(),
                    (1).to_bytes(4, "big"), event_id.bytes, day.isoformat().encode(), b"operator",
                    b"", event_id.bytes, event_id.bytes, b"", b"",
                )  # fmt: skip
                previous = link(
                    previous, header(agency.bytes, position, int(at.timestamp() * 1e6), rest), state
                )
                yield (
                    agency, position, lease_id, event_id, event_id, event_id, None, at, version, 1,
                    day, name, "operator", None, [], previous, state,
                )  # fmt: skip


def _signed(lease_id: UUID, number: int) -> Iterator[tuple[str, bytes]]:
    """How a lease begins."""
    signed = LeaseSigned(
        lease_id=lease_id, reference=f"B-{number:05d}", lot_ids=(uuid5(lease_id, "lot"),),
        tenants=(Tenant(party_id=uuid5(lease_id, "tenant")),), start_on=date(2020, 1, 1),
        terms=Terms(kind="unfurnished", rent_cents=61_240, payment_term="advance", due_day=5),
    )  # fmt: skip
    yield "LeaseSigned", to_json(signed)


def _month(lease_id: UUID, month: int, day: date) -> Iterator[tuple[str, bytes]]:
    """What happens to one lease in one month, as it is stored."""
    payment_id = uuid5(lease_id, f"payment {month}")
    charge, cents = 2 * month + 1, 71_100
    for event in (
        ChargePosted(
            lease_id=lease_id, charge=charge, kind="rent", amount_cents=61_240, due_on=day,
            effective_on=day, invoice_id=uuid5(lease_id, f"invoice {month}"),
        ),
        ChargePosted(
            lease_id=lease_id, charge=charge + 1, kind="charges", amount_cents=9_860, due_on=day,
            effective_on=day, invoice_id=uuid5(lease_id, f"invoice {month}"),
        ),
        PaymentConfirmed(
            payment_id=payment_id, lease_id=lease_id, amount_cents=cents,
            provider_reference=f"cs_{payment_id.hex[:16]}", authorisation_code="A1B2C3",
            confirmed_at=datetime(day.year, day.month, 5, 9, tzinfo=UTC), brand="visa",
        ),
        PaymentBooked(
            lease_id=lease_id, payment_id=payment_id, amount_cents=cents, effective_on=day
        ),
        PaymentAllocated(
            lease_id=lease_id, payment_id=payment_id, rule="oldest",
            parts=(
                Part(charge=charge, amount_cents=61_240),
                Part(charge=charge + 1, amount_cents=9_860),
            ),
        ),
        PaymentSettled(
            payment_id=payment_id, lease_id=lease_id, amount_cents=cents, value_on=day,
            statement_line_id=f"line {month}",
        ),
    ):  # fmt: skip
        yield type(event).__name__, to_json(event)
