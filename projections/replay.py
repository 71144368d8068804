"""How did a lease stand on one date, by what was known at another, and what was learnt since?

Always told from the entries of the journal, never from stored rows: a replay is what the read
models are held to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple
from uuid import UUID

from psycopg import Connection

from domain.invoice import InvoiceIssued
from domain.payment import PaymentConfirmed
from domain.receipt import PartialReceiptIssued, RentReceiptIssued
from domain.words import PARIS
from journal import Recorded
from journal.journal import READ_AHEAD, Journal
from projections import projected
from projections.account_then import AccountThen, account_then
from projections.invoices import InvoiceRow, Invoices
from projections.lease_then import LeaseThen, lease_then
from projections.payments import PaymentRow, Payments
from projections.people import People, PersonRow
from projections.receipts import ReceiptRow, Receipts
from projections.two_dates import TwoDates

Value = int | str | date | None
Part = Literal[
    "status", "start_on", "ended_on", "rent", "charges", "benefit", "deposit", "payment_term",
    "due_day", "tenants", "lots", "posting", "debt", "payment", "invoice", "receipt",
    "booked", "confirmed", "settled", "credit",
]  # fmt: skip
"""What a state says, part by part; `debt` is what is open of one charge."""


@dataclass(frozen=True, slots=True)
class TenantThen:
    """A tenant, under the name that was known; `[effacé]` once it was erased."""

    party_id: UUID
    client_reference: str
    name: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """A lease on one date, as it was known at a position of the journal."""

    dates: TwoDates
    lease: LeaseThen | None
    """None when nothing was known of it by then."""
    tenants: tuple[TenantThen, ...]
    account: AccountThen
    payments: tuple[PaymentRow, ...]
    invoices: tuple[InvoiceRow, ...]
    receipts: tuple[ReceiptRow, ...]
    positions: tuple[int, ...]
    """All entries that were known, whether they count by the date or not."""


class Item(NamedTuple):
    """One part of a state, and the entries that made it so."""

    part: Part
    value: Value
    positions: tuple[int, ...]
    key: str = ""
    """Which one, where there are several."""
    kind: str | None = None
    period: str | None = None
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """What later knowledge made of one part of a state, and the entries that brought it."""

    part: Part
    kind: str | None
    period: str | None
    number: str | None
    before: Value
    after: Value
    positions: tuple[int, ...]
    same: bool = False
    """It is no difference after all."""


def entries_of_lease(
    connection: Connection[Any], journal: Journal, agency: UUID, lease_id: UUID, up_to: int
) -> list[Recorded]:
    """All entries that mention a lease or one of its tenants, in order, up to a position."""
    entries = _mentioning(connection, journal, agency, lease_id, up_to)
    tenants = {t.party_id for entry in entries for t in getattr(entry.event, "tenants", ())}
    for party_id in tenants:
        entries += journal.stream(agency, party_id, up_to=up_to)
    by_position = {entry.position: entry for entry in entries}
    return [by_position[position] for position in sorted(by_position)]


def _mentioning(
    connection: Connection[Any], journal: Journal, agency: UUID, about: UUID, up_to: int
) -> list[Recorded]:
    positions = [
        position
        for (position,) in connection.execute(
            "SELECT position FROM read.mentions WHERE agency = %s AND about_id = %s"
            " AND position <= %s ORDER BY position",
            [agency, about, up_to],
        ).fetchall()
    ]
    return [
        entry
        for start in range(0, len(positions), READ_AHEAD)
        for entry in journal.at(agency, positions[start : start + READ_AHEAD])
    ]


def replayed(entries: Sequence[Recorded], lease_id: UUID, dates: TwoDates) -> Replayed:
    """The state of a lease by those of its entries that were known; a pure fold."""
    on = dates.as_of_on
    known = [entry for entry in entries if entry.position <= dates.position]
    ours = [entry for entry in known if getattr(entry.event, "lease_id", None) == lease_id]
    by_date = [entry for entry in ours if _counts_on(entry) <= on]
    lease = lease_then(ours, lease_id, on)
    return Replayed(
        dates,
        lease,
        _tenants(known, lease),
        account_then(ours, lease_id, on),
        tuple(projected(Payments(), by_date).all(PaymentRow)),
        tuple(sorted(projected(Invoices(), by_date).all(InvoiceRow), key=lambda i: i.number)),
        tuple(sorted(projected(Receipts(), by_date).all(ReceiptRow), key=lambda r: r.number)),
        tuple(entry.position for entry in ours),
    )


def _counts_on(entry: Recorded) -> date:
    match entry.event:
        case PaymentConfirmed() as e:
            return e.confirmed_at.astimezone(PARIS).date()
        case InvoiceIssued() | RentReceiptIssued() | PartialReceiptIssued() as e:
            return e.issued_on
        case _:
            return entry.effective_on


def _tenants(known: Iterable[Recorded], lease: LeaseThen | None) -> tuple[TenantThen, ...]:
    if lease is None:
        return ()
    people = {row.party_id: row for row in projected(People(), known).all(PersonRow)}
    rows = [people.get(tenant.party_id) for tenant in lease.tenants]
    return tuple(
        TenantThen(row.party_id, row.client_reference, row.name) for row in rows if row is not None
    )


def compared(entries: Sequence[Recorded], before: Replayed, after: Replayed) -> list[Difference]:
    """Every part of the later of two states of one date, beside what the earlier one said."""
    then = {(item.part, item.key): item for item in items(entries, before)}
    lines = []
    for item in items(entries, after):
        known = then.get((item.part, item.key))
        same = known is not None and known.value == item.value
        since = tuple(p for p in item.positions if p > before.dates.position)
        lines.append(
            Difference(
                item.part, item.kind, item.period, item.number,
                None if known is None else known.value, item.value,
                () if same else since, same,
            )
        )  # fmt: skip
    return lines


def learnt(entries: Sequence[Recorded], before: Replayed, after: Replayed) -> list[Difference]:
    """What the later of two states of one date says otherwise, and which entries did it."""
    return [line for line in compared(entries, before, after) if not line.same]


def items(entries: Sequence[Recorded], state: Replayed) -> Iterator[Item]:
    """All that a state says, part by part, each with the entries that made it so."""
    if state.lease is None:
        return
    account = state.account
    yield from _balance_items(account)
    yield from _lease_items(state, state.lease)
    for p in account.postings:
        cents, key = p.debit_cents - p.credit_cents, str(p.position)
        yield Item("posting", cents, (p.position,), key, p.kind, p.period)
    for c in account.charges:
        yield Item("debt", c.open_cents, c.positions, str(c.charge), c.kind, c.period)
    yield from _paper_items(entries, state)


def _balance_items(account: AccountThen) -> Iterator[Item]:
    moved = account.moved_by
    yield Item("booked", account.booked_cents, moved.get("booked", ()))
    yield Item("confirmed", account.confirmed_cents, moved.get("confirmed", ()))
    yield Item("settled", account.settled_cents, moved.get("settled", ()))
    paying = {*moved.get("booked", ()), *(p for c in account.charges for p in c.positions)}
    yield Item("credit", account.credit_cents, tuple(sorted(paying)))


def _lease_items(state: Replayed, lease: LeaseThen) -> Iterator[Item]:
    made, terms = lease.made_by, lease.terms
    ended = (made["ended_on"],) if "ended_on" in made else ()
    yield Item("status", lease.status, (made["start_on"], *ended))
    yield Item("start_on", lease.start_on, (made["start_on"],))
    yield Item("ended_on", lease.ended_on, ended)
    values: tuple[tuple[Part, Value], ...] = (
        ("rent", terms.rent_cents), ("charges", terms.charges_cents),
        ("benefit", terms.benefit_cents), ("deposit", terms.deposit_cents),
        ("payment_term", terms.payment_term), ("due_day", terms.due_day),
    )  # fmt: skip
    for part, value in values:
        yield Item(part, value, (made["terms"],))
    tenants = ", ".join(tenant.client_reference for tenant in state.tenants)
    yield Item("tenants", tenants, (made["tenants"],))
    yield Item("lots", ", ".join(map(str, lease.lot_ids)), (made["lots"],))


def _paper_items(entries: Sequence[Recorded], state: Replayed) -> Iterator[Item]:
    """Payments, invoices and receipts; each was made by the entries that carry its id."""
    on, known = state.dates.as_of_on, state.dates.position
    by_id: dict[UUID, list[int]] = defaultdict(list)
    for entry in entries:
        if entry.position <= known and _counts_on(entry) <= on:
            for name in ("payment_id", "invoice_id", "receipt_id"):
                if (its_id := getattr(entry.event, name, None)) is not None:
                    by_id[its_id].append(entry.position)
    for pay in state.payments:
        made = tuple(by_id[pay.payment_id])
        yield Item("payment", pay.state, made, str(pay.payment_id), number=pay.ticket_number)
    for bill in state.invoices:
        made = tuple(by_id[bill.invoice_id])
        yield Item("invoice", bill.total_cents, made, bill.number, None, bill.period, bill.number)
    for paper in state.receipts:
        made = tuple(by_id[paper.receipt_id])
        kind, number = paper.kind, paper.number
        yield Item("receipt", paper.paid_cents, made, number, kind, paper.period, number)
