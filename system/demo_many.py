"""Many agencies with years of history: patterns told again and again, loaded by COPY.

The same seed makes the same demo, save for what is sealed, whose keys and nonces are drawn anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from random import Random
from struct import Struct
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from commands.invoice import AT_ONCE as BILLED_AT_ONCE
from domain import Event
from domain.lot import LotDescribed
from domain.numbers import NumbersTaken, SeriesKind, written
from domain.party import PartyRegistered
from domain.period import Period
from journal import agency_id
from journal.keys import Keyring
from journal.loading import Head, Told, chained, load
from journal.mapper import FactMapper
from system.demo_leases import FIRST_NAMES, LAST_NAMES, STREETS, TOWNS
from system.demo_patterns import (
    LOT_ID,
    PARTY_ID,
    Act,
    Pattern,
    References,
    derived,
    identities,
    month_of,
    patterns,
    series_stream,
    texts,
)
from system.demo_patterns import Told as Framed
from workers.reaction_positions import start_at_head

LIVES = 40
"""Kinds of tenancies; each agency lets its leases by the same kinds, in another order."""
MOST_LEASES, MOST_MONTHS = 5_000, 240
_MINUTE_US = 60_000_000
_UUID7 = Struct(">IHHQ")


class Plan(NamedTuple):
    """What the demo is to be."""

    agencies: int
    leases: int
    """In each agency."""
    periods: tuple[Period, ...]
    seed: int
    prefix: str

    def slug(self, number: int) -> str:
        return f"{self.prefix}-{number:03d}"

    def slugs(self) -> list[str]:
        return [self.slug(number) for number in range(1, self.agencies + 1)]


def months_until(last: Period, months: int) -> tuple[Period, ...]:
    """So many months, the last of them this one."""
    periods = [last]
    while len(periods) < months:
        periods.insert(0, periods[0].previous())
    return tuple(periods)


@dataclass(slots=True)
class _Lease:
    """One lease of one agency: the pattern that it follows, and what fills its gaps."""

    number: int
    pattern: Pattern
    shift_us: int
    """Not everybody pays at the same minute."""
    ids: list[bytes]
    texts: list[bytes]
    person: dict[str, Any]
    subjects: tuple[UUID, UUID]
    told: int = 0
    """How many of the pattern's commands."""


class _Asked(NamedTuple):
    """One command of one lease, in its place among those of others."""

    at_us: int
    act: Act
    lease: _Lease


@dataclass(slots=True)
class _Series:
    """One number series of an agency, as far as it was given out."""

    stream: bytes
    last: int = 0
    version: int = 0


@dataclass
class Agency:
    """One agency of the demo, told month by month so that memory does not grow with its years."""

    plan: Plan
    number: int
    patterns: Sequence[Pattern]
    _series: dict[tuple[SeriesKind, int], _Series] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.id = agency_id(self.plan.slug(self.number))
        self._chance = Random(f"{self.plan.seed} agency {self.number}")  # noqa: S311
        # The variant, then what tells this agency's ids from all others of the same millisecond.
        self._ids_from = 0b10 << 62 | self._chance.getrandbits(30) << 32
        self._counted = 0
        self._leases = [self._lease(number) for number in range(1, self.plan.leases + 1)]

    @property
    def size(self) -> int:
        """Events, save that one of billing numbers many."""
        return sum(lease.pattern.size for lease in self._leases)

    def load(
        self, connection: Connection[Any], keys: Keyring, report: Callable[[int], None]
    ) -> Head:
        """Write the whole log, or nothing. Raises LogNotEmpty."""
        keys.ensure(self.id, [subject for lease in self._leases for subject in lease.subjects])
        with connection.transaction():
            told = self.told(FactMapper(self.id, keys))
            head = load(connection, self.id, chained(self.id, told), report=report)
            # What has happened long ago sends no mail and prints no paper.
            start_at_head(connection, self.id)
        return head

    def told(self, mapper: FactMapper) -> Iterator[Told]:
        """All events of the agency, in the order in which they would have been recorded."""
        month = month_of(self.plan.periods[0])
        waiting = self._leases
        while waiting:
            yield from self._month(list(_asked(waiting, month)), mapper)
            waiting = [lease for lease in waiting if lease.told < len(lease.pattern.acts)]
            month += 1

    def _month(self, asked: list[_Asked], mapper: FactMapper) -> Iterator[Told]:
        asked.sort(key=lambda one: (one.at_us, one.lease.number))
        # What is billed at one time is billed by one command, as the product does it.
        for at_us, together in groupby(asked, key=lambda one: one.act.billing and one.at_us):
            at_once = BILLED_AT_ONCE if at_us else 1
            every = list(together)
            for start in range(0, len(every), at_once):
                yield from self._command(every[start : start + at_once], mapper)

    def _command(self, asked: Sequence[_Asked], mapper: FactMapper) -> Iterator[Told]:
        """One append: of one lease, or a month's invoices of all of them."""
        at_us, act, lease = asked[0]
        command_id, actor = self._id(at_us), act.actor
        behalf = lease.texts[PARTY_ID] if act.for_the_tenant else b""
        numbers = None
        if act.series is not None:
            series, first = self._of(act.series), self._of(act.series).last + 1
            numbers = self._numbers(series, len(asked), asked[0], command_id, behalf)
            for number, one in enumerate(asked, first):
                one.lease.texts[0] = written(*act.series, number).encode()
        next_id = self._id
        for _, act, lease in asked:
            ids, fill = lease.ids, lease.texts
            for place, told in enumerate(act.events):
                if place == act.numbered and numbers is not None:
                    yield numbers
                name, schema_version, stream, version, on, subjects, frame, gaps, _ = told
                state = frame % gaps(fill) if gaps is not None else _state(told, lease, mapper)
                yield Told._make((
                    at_us, ids[stream], version, name, schema_version, next_id(at_us), on, actor,
                    behalf, command_id, command_id, b"",
                    b"".join([ids[subject] for subject in subjects]) if subjects else b"", state,
                ))  # fmt: skip
        if numbers is not None and act.numbered >= len(act.events):
            yield numbers

    def _numbers(
        self, series: _Series, count: int, asked: _Asked, command_id: bytes, behalf: bytes
    ) -> Told:
        at_us, act, _ = asked
        assert act.series is not None
        kind, year = act.series
        series.version += 1
        taken = NumbersTaken(
            series=kind, year=year, first=series.last + 1, last=series.last + count
        )
        series.last += count
        return Told(
            at_us, series.stream, series.version, b"NumbersTaken", NumbersTaken.schema_version,
            self._id(at_us), act.on, act.actor, behalf, command_id, command_id, b"", b"",
            NumbersTaken.__pydantic_serializer__.to_json(taken),
        )  # fmt: skip

    def _of(self, named: tuple[SeriesKind, int]) -> _Series:
        series = self._series.get(named)
        if series is None:
            series = self._series[named] = _Series(series_stream(self.id, *named))
        return series

    def _id(self, at_us: int) -> bytes:
        """An id that is ordered by time (UUIDv7), of this agency's own and counted."""
        self._counted += 1
        ms = at_us // 1000
        return _UUID7.pack(ms >> 16, ms & 0xFFFF, 0x7000, self._ids_from + self._counted)

    def _lease(self, number: int) -> _Lease:
        chance = self._chance
        pattern = self.patterns[(number + self.number) % len(self.patterns)]
        named = References(f"B-{number:05d}", f"P-{number:06d}", f"LOT-{number:05d}")
        references = [named.of_payment(count + 1) for count in range(pattern.shape.payments)]
        made_from = self.id.bytes + named.lease.encode()
        payments = [(derived(made_from, reference), reference) for reference in references]
        ids = identities(self.id, named, pattern.shape, payments)
        subjects = (UUID(ids[PARTY_ID - 1].text), UUID(ids[LOT_ID - 1].text))
        return _Lease(
            number, pattern, chance.randrange(4 * 60) * _MINUTE_US // 5,
            [b"", *(each.bytes for each in ids)], texts(named, ids, references),
            _person(chance, number, named, subjects), subjects,
        )  # fmt: skip


def _asked(leases: Sequence[_Lease], month: int) -> Iterator[_Asked]:
    """What all leases ask for up to the end of a month."""
    for lease in leases:
        acts = lease.pattern.acts
        while lease.told < len(acts) and acts[lease.told].month <= month:
            act = acts[lease.told]
            yield _Asked(act.at_us + (0 if act.billing else lease.shift_us), act, lease)
            lease.told += 1


def _state(told: Framed, lease: _Lease, mapper: FactMapper) -> bytes:
    """The bytes of an event that is sealed for each person, or says the same of everybody."""
    if told.sealed is None:
        return told.frame
    event = _said_of(told.sealed, lease.person)
    return mapper.encode(UUID(bytes=lease.ids[told.stream]), told.version, event)


def _said_of(event: Event, person: dict[str, Any]) -> Event:
    """A fact about somebody as a fact about this person, or this person's home."""
    whole = isinstance(event, PartyRegistered | LotDescribed)
    names = type(event).model_fields if whole else type(event).owners
    return event.model_copy(update={name: person[name] for name in names if name in person})


def _person(
    chance: Random, number: int, named: References, subjects: tuple[UUID, UUID]
) -> dict[str, Any]:
    title, first_name = chance.choice(FIRST_NAMES)
    postcode, city = chance.choice(TOWNS)
    party_id, lot_id = subjects
    return {
        "party_id": party_id,
        "lot_id": lot_id,
        "client_reference": named.client,
        "title": title,
        "first_name": first_name,
        "last_name": chance.choice(LAST_NAMES),
        "born_on": date.fromordinal(date(1955, 1, 1).toordinal() + chance.randrange(18_000)),
        "email": f"locataire{number:05d}@demo.example",
        # Numbers that the regulator keeps for fiction.
        "phone": f"06 39 98 {number // 100 % 100:02d} {number % 100:02d}",
        "street": f"{chance.randrange(1, 90)} {chance.choice(STREETS)}",
        "postcode": postcode,
        "city": city,
    }


def lives(plan: Plan) -> list[Pattern]:
    """The patterns that all agencies of a plan tell."""
    return patterns(LIVES, plan.periods, plan.seed)
