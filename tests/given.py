"""Given, when, then: the words in which the tests of decisions are told, without a database.

`given(Payment, initiated).when(Payment.fail, …).then(PaymentFailed(…))` is about one aggregate;
`Books` is one agency's journal in memory, on which commands are asked one after the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Generic, TypeVar, cast
from uuid import UUID, uuid4, uuid5
from zoneinfo import ZoneInfo

from aggregates import Aggregate
from aggregates.cells import Cells
from aggregates.store import Store
from commands import Command
from commands.rent_roll import TakeOverLease
from domain import Event, Refused
from domain.lease import Terms
from domain.period import Period
from journal import Fact, Recorded, agency_id
from journal.journal import Journal

A = TypeVar("A", bound=Aggregate)
E = TypeVar("E", bound=Event)
PARIS = ZoneInfo("Europe/Paris")
LEASE, PARTY, LOT = (uuid5(UUID(int=0), name) for name in ("lease", "party", "lot"))
PAYMENT, OTHER_PAYMENT, INVOICE, OTHER_INVOICE = (
    uuid5(UUID(int=0), name) for name in ("payment", "other payment", "invoice", "other invoice")
)


def day(written: str) -> date:
    """A date as it is written in a scenario: 05/05/2026."""
    return datetime.strptime(written, "%d/%m/%Y").replace(tzinfo=UTC).date()


def month(written: str) -> Period:
    return Period.parse(written)


def kept_and_read(event: E) -> E:
    """The event as it comes back from its stored form; it must be the same."""
    again = type(event).model_validate_json(event.model_dump_json())
    assert again == event
    return again


@dataclass
class Told:
    """What came of asking: facts and an answer, or a refusal."""

    events: list[Event]
    answer: Any = None
    refusal: Refused | None = None

    def then(self, *expected: Event) -> Told:
        """Exactly these facts; none says that nothing happened."""
        self.accepted()
        assert self.events == list(expected)
        return self

    def accepted(self) -> Told:
        if self.refusal is not None:
            raise AssertionError(f"refused: {self.refusal!r}") from self.refusal
        return self

    def refused(self, kind: type[Refused]) -> Told:
        """Refused for this state of affairs, in two languages, and nothing kept."""
        assert type(self.refusal) is kind, self.refusal or self.events
        assert self.refusal.told("fr")
        assert self.refusal.told("en") != self.refusal.told("fr")
        assert self.events == []
        return self

    def all(self, kind: type[E]) -> list[E]:
        self.accepted()
        return [event for event in self.events if isinstance(event, kind)]

    def one(self, kind: type[E]) -> E:
        found = self.all(kind)
        assert len(found) == 1, found
        return found[0]


class Given(Generic[A]):
    """An aggregate with a past."""

    def __init__(self, kind: type[A], history: Iterable[Event], stream: UUID) -> None:
        self.aggregate = kind.replay(stream, enumerate(map(kept_and_read, history), 1))

    def when(self, decide: Callable[..., Any], *what: Any, **fields: Any) -> Told:
        """Ask the aggregate; what is replayed afterwards must be what is remembered."""
        before = self.aggregate.copy()
        try:
            answer = decide(self.aggregate, *what, **fields)
        except Refused as refusal:
            return Told([fact.event for fact in self.aggregate.collect_events()], None, refusal)
        facts = self.aggregate.collect_events()
        for version, fact in enumerate(facts, before.version + 1):
            assert (fact.originator_id, fact.originator_version) == (before.id, version)
            before.evolve(kept_and_read(fact.event))
            before.version = version
        assert vars(before) == vars(self.aggregate)
        return Told([fact.event for fact in facts], answer)


def given(kind: type[A], *history: Event, stream: UUID = LEASE) -> Given[A]:
    return Given(kind, history, stream)


class MemoryLog:
    """What a journal holds, in memory: loads streams as the real one does."""

    def __init__(self) -> None:
        self.position = 0
        self.streams: dict[UUID, list[tuple[int, Event]]] = defaultdict(list)
        self.moved: list[Any] = []

    def load(
        self, _agency: UUID, streams: Sequence[UUID], *, newest_only: bool = False
    ) -> tuple[int, dict[UUID, list[tuple[int, Event]]]]:
        found = {s: list(self.streams[s]) for s in streams if s in self.streams}
        if newest_only:
            found = {stream: facts[-1:] for stream, facts in found.items()}
        return self.position, found

    def naming(self, _agency: UUID, named: UUID, events: Sequence[str]) -> tuple[int, list[UUID]]:
        found = [
            stream
            for stream, facts in self.streams.items()
            if any(
                type(event).__name__ in events and str(named) in event.model_dump_json()
                for _, event in facts
            )
        ]
        return self.position, found

    def append(self, facts: Iterable[Fact]) -> list[Event]:
        kept = []
        for stream, version, event in facts:
            assert version == len(self.streams[stream]) + 1, "a version was left out"
            self.streams[stream].append((version, kept_and_read(event)))
            kept.append(event)
        self.position += len(kept)
        return kept


@dataclass
class Books:
    """One agency's journal in memory, and a clock that the test turns.

    Commands decide on the real `Store`, over a log that is not kept.
    """

    today: str = "25/11/2026"
    slug: str = "lilas"
    entries: list[Recorded] = field(default_factory=list)
    log: MemoryLog = field(default_factory=MemoryLog)

    def __post_init__(self) -> None:
        self.agency = agency_id(self.slug)
        self.on(self.today)

    def on(self, written: str, hour: int = 10) -> Books:
        """Turn the clock to an hour of a day in Paris."""
        self.now = datetime.combine(day(written), time(hour), PARIS).astimezone(UTC)
        return self

    def later(self, **how_long: float) -> Books:
        self.now += timedelta(**how_long)
        return self

    def store(self) -> Store:
        journal = cast("Journal", self.log)
        today = self.now.astimezone(PARIS).date()
        room = Cells(journal).room(self.agency)
        return Store(room, journal, now=self.now, today=today)

    def when(self, command: Command) -> Told:
        """Ask, and keep what is decided; of a refusal nothing is kept."""
        return self.decide(command.handle)

    def decide(self, handle: Callable[[Store], Any]) -> Told:
        store = self.store()
        try:
            answer = handle(store)
        except Refused as refusal:
            return Told([], None, refusal)
        facts, _ = store.collect()
        events = self.log.append(facts)
        self._record(facts, store)
        return Told(events, answer)

    def do(self, command: Command) -> Mapping[str, Any]:
        """Ask what must succeed; the ids that it answers."""
        answer: Mapping[str, Any] = self.when(command).accepted().answer
        return answer

    def get(self, kind: type[A], *natural_key: object) -> A:
        return self.store().get(kind, *natural_key)

    def told(self, kind: type[E]) -> list[E]:
        """All facts of a kind, in the order of the log."""
        return [entry.event for entry in self.entries if isinstance(entry.event, kind)]

    def _record(self, facts: Iterable[Fact], store: Store) -> None:
        command_id = uuid4()
        for stream, version, event in facts:
            position = len(self.entries) + 1
            self.entries.append(
                Recorded(
                    self.agency, position, stream, version, type(event).__name__,
                    uuid5(self.agency, str(position)), store.now,
                    event.takes_effect_on() or store.today, "token:test", None, command_id,
                    command_id, None, event.subjects(), event,
                )
            )  # fmt: skip


def recorded(*events: Event, agency: UUID | None = None, on: str = "25/11/2026") -> list[Recorded]:
    """Events as a projection reads them, one position each."""
    at = datetime.combine(day(on), time(10), PARIS).astimezone(UTC)
    agency = agency or agency_id("lilas")
    return [
        Recorded(
            agency, position, uuid5(agency, f"stream {position}"), 1, type(event).__name__,
            uuid5(agency, str(position)), at, event.takes_effect_on() or day(on), "token:test",
            None, uuid5(agency, "command"), uuid5(agency, "command"), None, event.subjects(),
            event,
        )
        for position, event in enumerate(events, 1)
    ]  # fmt: skip


def terms(**other: Any) -> Terms:
    """The terms of the flat in Metz: 612,40 and 98,60, in advance, due on the 5th."""
    flat = {
        "kind": "unfurnished",
        "rent_cents": 61240,
        "charges_cents": 9860,
        "charges_mode": "provision",
        "payment_term": "advance",
        "due_day": 5,
    }
    return Terms(**(flat | other))


def row(reference: str = "L-0312", **other: Any) -> TakeOverLease:
    """A row of a rent roll: the flat, its tenant, and nothing owed at the end of October."""
    known = {
        "client_reference": f"C-{reference}",
        "title": "Mme",
        "last_name": "Schmitt",
        "first_name": "Anaïs",
        "born_on": day("02/01/1990"),
        "email": "anais@exemple.fr",
        "phone": "+33387000000",
        "lease_reference": reference,
        "lot_reference": f"LOT-{reference}",
        "street": "12 rue des Lilas",
        "postcode": "57000",
        "city": "Metz",
        "energy_class": "C",
        "entered_on": day("01/03/2024"),
        "terms": terms(),
        "iban": "FR7630006000011234567890189",
        "balance_cents": 0,
        "balance_on": day("31/10/2026"),
    }
    return TakeOverLease(**(known | other))
