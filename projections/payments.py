"""Where does each payment stand, and which must be asked about again?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, get_args
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from domain.payment import (
    AuthenticationRequired,
    PaymentChecked,
    PaymentConfirmed,
    PaymentEvent,
    PaymentFailed,
    PaymentInitiated,
    PaymentOutcomeUnknown,
    PaymentSettled,
    PaymentState,
    PaymentTicketIssued,
)
from journal import Recorded
from projections import Key, Projection, Row, Rows

FIRST_LOOK_AFTER = timedelta(minutes=15)
"""A payer who was sent to the provider and of whom nothing was heard."""
LOOKS_AFTER = (timedelta(minutes=5), timedelta(hours=1), timedelta(days=1))
"""When an unknown payment is asked about again, from the moment it became unknown."""


PENDING = (PaymentState.AUTHENTICATING, PaymentState.UNKNOWN)
"""On its way and not certain."""


@dataclass(frozen=True, slots=True)
class PaymentRow(Row):
    table: ClassVar = "payments"
    key: ClassVar = ("payment_id",)
    indexes: ClassVar = (
        "(agency, lease_id, payment_id)",
        "(next_check_at) WHERE next_check_at IS NOT NULL",
    )

    payment_id: UUID
    lease_id: UUID
    amount_cents: int
    state: str
    method: str
    provider: str
    provider_reference: str | None
    initiated_at: datetime
    confirmed_at: datetime | None
    unknown_since_at: datetime | None
    checks: int
    next_check_at: datetime | None
    ticket_number: str | None
    failure_code: str | None
    language: str


class Payments(Projection):
    name = "payments"
    rows = (PaymentRow,)
    reads = (*get_args(PaymentEvent),)

    def touches(self, entry: Recorded) -> Iterable[tuple[type[Row], Key]]:
        if isinstance(entry.event, PaymentEvent) and not isinstance(entry.event, PaymentInitiated):
            yield PaymentRow, (entry.event.payment_id,)

    def fold(self, rows: Rows, entry: Recorded) -> None:
        event = entry.event
        if isinstance(event, PaymentInitiated):
            rows.put(
                PaymentRow(
                    event.payment_id, event.lease_id, event.amount_cents,
                    PaymentState.INITIATED, event.method, event.provider, None,
                    entry.recorded_at, None, None, 0, None, None, None, event.language,
                )
            )  # fmt: skip
        elif isinstance(event, PaymentEvent):
            payment = rows.get(PaymentRow, event.payment_id)
            if payment is not None:
                rows.put(_moved_on(payment, event))


def _moved_on(payment: PaymentRow, event: PaymentEvent) -> PaymentRow:
    match event:
        case AuthenticationRequired() as e:
            return replace(
                payment,
                state=PaymentState.AUTHENTICATING,
                provider_reference=e.provider_reference,
                next_check_at=e.opened_at + FIRST_LOOK_AFTER,
            )
        case PaymentConfirmed() as e:
            return replace(
                payment,
                state=PaymentState.CONFIRMED,
                amount_cents=e.amount_cents,
                provider_reference=e.provider_reference,
                confirmed_at=e.confirmed_at,
                next_check_at=None,
                failure_code=None,
            )
        case PaymentTicketIssued() as e:
            return replace(payment, ticket_number=e.ticket_number)
        case PaymentFailed() as e:
            return replace(
                payment, state=PaymentState.FAILED, failure_code=e.code, next_check_at=None
            )
        case PaymentOutcomeUnknown() as e:
            return replace(
                payment,
                state=PaymentState.UNKNOWN,
                unknown_since_at=e.since_at,
                next_check_at=e.since_at + LOOKS_AFTER[0],
            )
        case PaymentChecked() as e:
            since = payment.unknown_since_at
            more = since is not None and e.check < len(LOOKS_AFTER)
            next_at = since + LOOKS_AFTER[e.check] if more and since else None
            return replace(payment, checks=e.check, next_check_at=next_at)
        case PaymentSettled():
            return replace(payment, state=PaymentState.SETTLED)
        case _:
            return payment


_COLUMNS = PaymentRow.columns()


def payment(connection: Connection, agency: UUID, payment_id: UUID) -> PaymentRow | None:
    """One payment."""
    cursor = connection.cursor(row_factory=class_row(PaymentRow))
    return cursor.execute(
        f"SELECT {_COLUMNS} FROM read.payments WHERE agency = %s AND payment_id = %s",
        [agency, payment_id],
    ).fetchone()


def payments_of_lease(
    connection: Connection, agency: UUID, lease_id: UUID, after: UUID, limit: int
) -> list[PaymentRow]:
    """The payments of a lease in the order in which they were initiated."""
    cursor = connection.cursor(row_factory=class_row(PaymentRow))
    return cursor.execute(
        f"SELECT {_COLUMNS} FROM read.payments WHERE agency = %s AND lease_id = %s"
        " AND payment_id > %s ORDER BY payment_id LIMIT %s",
        [agency, lease_id, after, limit],
    ).fetchall()


def pending_cents(connection: Connection, agency: UUID, lease_id: UUID) -> int:
    """What is on its way and not certain: shown apart, it counts in no balance."""
    row = connection.execute(
        "SELECT coalesce(sum(amount_cents), 0)::bigint FROM read.payments"
        " WHERE agency = %s AND lease_id = %s AND state IN ('authenticating', 'unknown')",
        [agency, lease_id],
    ).fetchone()
    assert row is not None
    return int(row[0])


def to_ask_about(connection: Connection, now: datetime) -> list[tuple[UUID, PaymentRow]]:
    """(agency, payment) of those whose provider is to be asked by now."""
    rows = connection.execute(
        f"SELECT agency, {_COLUMNS} FROM read.payments WHERE next_check_at <= %s"
        " ORDER BY next_check_at LIMIT 200",
        [now],
    ).fetchall()
    return [(row[0], PaymentRow(*row[1:])) for row in rows]
