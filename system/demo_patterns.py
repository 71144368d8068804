"""A life that was lived once, as a pattern to be told again: bytes, with gaps for what differs.

What differs between two leases of one pattern are ids, numbers, names and what is sealed. Every
event was decided and encoded by the product itself; here only text is put into its place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from hashlib import sha1
from operator import itemgetter
from typing import Any, NamedTuple, cast
from uuid import UUID

from aggregates.invoice import RENT, Invoice
from aggregates.lease import Lease
from aggregates.lot import Lot
from aggregates.numbers import NumberSeries
from aggregates.party import Party
from aggregates.payment import Payment, ProviderReference
from aggregates.receipt import Receipts
from aggregates.rent_account import RentAccount
from commands.payment import InitiatePayment
from domain import Event, stream_id
from domain.numbers import NumbersTaken, SeriesKind, written
from domain.payment import PaymentInitiated
from domain.period import Period
from domain.receipt import PartialReceiptIssued, RentReceiptIssued
from domain.rent_account import CreditPosted
from journal import EPOCH
from journal.keys import Keyring
from journal.mapper import FactMapper
from system.demo_lives import (
    AGENCY,
    CLIENT_MARK,
    LEASE_MARK,
    LOT_MARK,
    Lived,
    live,
    reference_mark,
)

_NUMBER = b"@number@"
_MARKS = re.compile(b"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|@[^@]+@)")
"""Whatever looks like an id or a mark must have a place among the lease's texts."""


class Told(NamedTuple):
    """One event of a pattern."""

    name: bytes
    schema_version: int
    stream: int
    """Which of the lease's ids; so too for subjects."""
    version: int
    effective_on: int
    subjects: tuple[int, ...]
    frame: bytes
    """The stored bytes, with `%b` in each gap."""
    gaps: itemgetter[Any] | None
    """What goes into the gaps, of the lease's texts."""
    sealed: Event | None
    """What cannot be told by text: it is encoded anew, sealed under its own person's key."""


class Act(NamedTuple):
    """One command of a pattern."""

    at_us: int
    month: int
    """Counted from year 0, in Paris."""
    on: int
    """The Paris date, as its proleptic ordinal."""
    actor: bytes
    for_the_tenant: bool
    billing: bool
    series: tuple[SeriesKind, int] | None
    """The series that it takes a number of."""
    numbered: int
    """Before which of the events that is told; behind them all if there is none."""
    events: tuple[Told, ...]


def month_of(day: date | Period) -> int:
    """A month as a number."""
    return day.year * 12 + day.month


class Shape(NamedTuple):
    """What a life has to give ids to."""

    periods: tuple[Period, ...]
    receipts: tuple[tuple[Period, int], ...]
    payments: int
    credits: tuple[int, ...]
    """The versions of the account at which a credit was posted."""


class Pattern(NamedTuple):
    """A whole life, ready to be told again."""

    shape: Shape
    acts: tuple[Act, ...]

    @property
    def size(self) -> int:
        """Events, those of number series included."""
        return sum(len(act.events) + (act.series is not None) for act in self.acts)


class References(NamedTuple):
    """How a lease, its tenant and its lot are called."""

    lease: str
    client: str
    lot: str

    def of_payment(self, number: int) -> str:
        return f"demo_{self.lease}_{number:04d}"


class Id(NamedTuple):
    """An id as the journal wants it, and as facts say it."""

    bytes: bytes
    text: str


def derived(namespace: bytes, name: str) -> Id:
    """uuid5, without making an object of it that nobody needs."""
    digest = bytearray(sha1(namespace + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    hexed = digest.hex()
    text = f"{hexed[:8]}-{hexed[8:12]}-{hexed[12:16]}-{hexed[16:20]}-{hexed[20:]}"
    return Id(bytes(digest), text)


def identities(
    agency: UUID, named: References, shape: Shape, payments: Sequence[tuple[Id, str]]
) -> list[Id]:
    """All ids of a lease in one order, derived as the product derives them (`stream_id`)."""

    def stream(*key: object) -> Id:
        return derived(books, "\x1f".join(map(str, key)))

    books = agency.bytes
    lease = stream(Lease.kind, named.lease)
    account = stream(RentAccount.kind, lease.text)
    ids = [lease, stream(Party.kind, named.client), stream(Lot.kind, named.lot), account]
    ids += [derived(account.bytes, f"credit {version}") for version in shape.credits]
    ids += [stream(Invoice.kind, lease.text, period, *RENT) for period in shape.periods]
    for period, issued in shape.receipts:
        receipts = stream(Receipts.kind, lease.text, period)
        ids.append(receipts)
        ids += [derived(receipts.bytes, str(number)) for number in range(1, issued + 1)]
    for payment, reference in payments:
        ids += [
            payment,
            stream(Payment.kind, payment.text),
            stream(ProviderReference.kind, InitiatePayment.provider, reference),
        ]
    return ids


LEASE_ID, PARTY_ID, LOT_ID = 1, 2, 3
"""Where these stand: the first place is the number's."""


def texts(named: References, ids: Sequence[Id], references: Sequence[str]) -> list[bytes]:
    """What goes into gaps, each in its place: a number, ids, names, references of payments."""
    told = ["", *(each.text for each in ids), *named, *references]
    return [text.encode() for text in told]


def patterns(count: int, periods: Sequence[Period], seed: int) -> list[Pattern]:
    """So many lives, lived and made ready."""
    return [_pattern(live(number, periods, seed)) for number in range(count)]


def _pattern(life: Sequence[Lived]) -> Pattern:
    facts = [fact for lived in life for fact in lived.facts]
    events = [fact.event for fact in facts]
    payments = [
        (Id(event.payment_id.bytes, str(event.payment_id)), reference_mark(count))
        for count, event in enumerate((e for e in events if isinstance(e, PaymentInitiated)), 1)
    ]
    named = References(LEASE_MARK, CLIENT_MARK, LOT_MARK)
    shape = _shape(life, len(payments))
    ids = identities(AGENCY, named, shape, payments)
    marks = texts(named, ids, [reference for _, reference in payments])
    marks[0] = _NUMBER
    places = {UUID(bytes=each.bytes): place for place, each in enumerate(ids, 1)}
    teller = _Teller(marks, places)
    return Pattern(shape, tuple(teller.act(lived) for lived in life))


def _shape(life: Sequence[Lived], payments: int) -> Shape:
    facts = [fact for lived in life for fact in lived.facts]
    periods: dict[Period, None] = {}
    receipts: dict[Period, int] = {}
    posted = []
    for fact in facts:
        event = fact.event
        if isinstance(event, RentReceiptIssued | PartialReceiptIssued):
            receipts[event.period] = receipts.get(event.period, 0) + 1
        elif isinstance(event, CreditPosted):
            posted.append(fact.originator_version)
        # A wish may name an invoice, so every period that was billed has one.
        if (period := getattr(event, "period", None)) is not None:
            periods[period] = None
    return Shape(tuple(periods), tuple(receipts.items()), payments, tuple(posted))


class _Teller:
    """Cuts the bytes of one life at everything that another lease would say otherwise."""

    def __init__(self, marks: Sequence[bytes], places: dict[UUID, int]) -> None:
        self._place = {mark: place for place, mark in enumerate(marks)}
        self._ids = places
        # Nobody's key: what is sealed here is thrown away and sealed anew for each lease.
        nobody = Keyring(cast("Any", None), bytes(32))
        self._mapper = FactMapper(AGENCY, nobody)

    def act(self, lived: Lived) -> Act:
        series: tuple[SeriesKind, int] | None = None
        number, numbered, events = b"", 0, []
        for place, (stream, version, event) in enumerate(lived.facts):
            if isinstance(event, NumbersTaken):
                series, numbered = (event.series, event.year), place
                number = written(event.series, event.year, event.first).encode()
                continue
            events.append((stream, version, event))
        at_us = (lived.at - EPOCH) // timedelta(microseconds=1)
        return Act(
            at_us, month_of(lived.at), lived.at.toordinal(), lived.principal.name.encode(),
            lived.for_the_tenant, lived.billing, series, numbered,
            tuple(
                self._told(stream, version, event, number, lived.at.toordinal())
                for stream, version, event in events
            ),
        )  # fmt: skip

    def _told(self, stream: UUID, version: int, event: Event, number: bytes, today: int) -> Told:
        kind = type(event)
        effective_on = event.takes_effect_on()
        secret = any(getattr(event, name) is not None for name in kind.personal)
        frame, gaps = b"", None
        if not secret:
            frame, gaps = self._framed(self._mapper.encode(stream, version, event), number)
        return Told(
            kind.__name__.encode(), kind.schema_version, self._ids[stream], version,
            today if effective_on is None else effective_on.toordinal(),
            tuple(self._ids[subject] for subject in event.subjects()),
            frame, gaps, event if secret else None,
        )  # fmt: skip

    def _framed(self, state: bytes, number: bytes) -> tuple[bytes, itemgetter[Any] | None]:
        if number:
            state = state.replace(b'"' + number + b'"', b'"' + _NUMBER + b'"')
        pieces = _MARKS.split(state)
        places = [self._place[piece] for piece in pieces[1::2]]
        pieces[::2] = [piece.replace(b"%", b"%%") for piece in pieces[::2]]
        pieces[1::2] = [b"%b"] * len(places)
        return b"".join(pieces), itemgetter(*places) if places else None


def series_stream(agency: UUID, series: SeriesKind, year: int) -> bytes:
    """The stream of a number series."""
    return stream_id(agency, NumberSeries.kind, series, year).bytes
