"""What can be asked: one class for each thing a person can ask for, and `execute()`.

A command is the JSON body, the form and the use case: pydantic fields and `handle(store)`.
`execute()` is the only door: rights, idempotency, who and why, retry on conflict, save.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, ClassVar, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict
from pydantic_core import from_json, to_json
from uuid_utils import uuid7

from aggregates import Aggregate
from aggregates.cells import Cells, Room
from aggregates.store import Store
from domain import NotAllowed, Refused
from domain.principal import Principal, Role
from journal import Conflict, Envelope, Fact, NoSuchAgency
from journal.append import Append, Repeated, once
from journal.journal import Journal

PARIS = ZoneInfo("Europe/Paris")
TRIES = 8
KEPT_SECONDS = 30 * 86_400

STAFF = frozenset({Role.SERVICE, Role.AGENT, Role.ADMIN})
"""Who may run an agency's daily business; the auditor reads, the accountant reads money."""


class KeyReused(Refused):
    """The same idempotency key came with another request."""


class Command(BaseModel):
    """Something that a person can ask for. Its class name is its name; kebab-case in addresses."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    named: ClassVar[dict[str, type[Command]]] = {}
    allowed: ClassVar[frozenset[Role]] = STAFF
    in_turn: ClassVar[bool] = False
    """Whether it is decided only after what came before it in its agency: what decides long on
    a state that everybody changes, such as a number series, would else be decided twice."""
    internal: ClassVar[bool] = False
    """Whether only the product itself asks this; it then has no address."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        Command.named[cls.__name__] = cls

    @classmethod
    def address(cls) -> str:
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    def handle(self, store: Store) -> Mapping[str, object] | None:
        """Decide. Returns the ids that the answer carries; raises Refused."""
        raise NotImplementedError


class Asked(NamedTuple):
    """Who asks, in which agency, and why."""

    principal: Principal
    agency: UUID
    key: str | None = None
    """The idempotency key; for the system's own commands, their id, unique for ever."""
    on_behalf_of: str | None = None
    correlation_id: UUID | None = None
    causation_id: UUID | None = None
    command_id: UUID | None = None


NO_IDS: Mapping[str, Any] = {}


class Answer(NamedTuple):
    """What came of a command: ids, the agency's position, and the names of the events."""

    position: int
    ids: Mapping[str, Any] = NO_IDS
    events: tuple[str, ...] = ()
    repeated: bool = False


@dataclass(frozen=True)
class Office:
    """The parts of the running program that commands need."""

    journal: Journal
    cells: Cells
    clock: Callable[[], datetime]
    hash_key: bytes = b""
    """Keys the hash of bodies, which may hold personal data."""


class _Decision(NamedTuple):
    """What one try at a command came to, before it is kept."""

    store: Store
    ids: Mapping[str, object]
    facts: Sequence[Fact] = ()
    states: Sequence[Aggregate] = ()
    events: tuple[str, ...] = ()
    refused: Refused | None = None


def execute(office: Office, command: Command, asked: Asked) -> Answer:
    """Do what is asked, once. Raises Refused, Conflict (decided again too often) or Busy."""
    _check_rights(command, asked)
    body_hash = _hash(office, command)
    room = office.cells.room(asked.agency)
    for attempt in range(TRIES):
        store = _open(office, room)
        try:
            turn = room.turn(insist=command.in_turn or attempt > 0)
            try:
                decision = _decide(store, command)
                if decision.facts:
                    append = _append(office, asked, decision, body_hash)
                    room.submit(append, store.read, decision.states)
            finally:
                if turn is not None:
                    turn.release()
            if decision.facts:
                return Answer(append.result(), decision.ids, decision.events)
            answer = _unchanged(office, asked, decision, body_hash)
            if answer is not None:
                return answer
        except Repeated as before:
            return _same(before, body_hash)
        except Conflict:
            pass
        room.evict(store.read)
    known = office.journal.check(asked.agency, {}, asked.principal.name, asked.key)
    if known.repeated is not None:
        return _same(known.repeated, body_hash)
    raise Conflict("too many decide on this at once")


def rehearse(
    office: Office, commands: Iterable[Command], asked: Asked
) -> Iterator[Mapping[str, object] | Refused]:
    """Decide each command on what those before it would have changed, and keep nothing.

    Yields the ids that `execute` would answer with, or its refusal. Raises NotAllowed,
    NoSuchAgency.
    """
    accepted: list[Command] = []
    store: Store | None = None
    for command in commands:
        _check_rights(command, asked)
        if store is None:
            store = _open(office, office.cells.room(asked.agency))
            for earlier in accepted:
                earlier.handle(store)
        try:
            ids = command.handle(store) or {}
        except Refused as refused:
            # It may have changed something before it was refused: begin again without it.
            store = None
            yield refused
        else:
            accepted.append(command)
            yield ids


def _check_rights(command: Command, asked: Asked) -> None:
    principal = asked.principal
    if not principal.may_enter(asked.agency):
        raise NoSuchAgency("Cette agence n'existe pas.", "This agency does not exist.")
    if principal.role is not Role.SYSTEM and principal.role not in command.allowed:
        raise NotAllowed(
            "Votre accès ne permet pas cette opération.",
            "Your access does not allow this operation.",
        )


def _open(office: Office, room: Room) -> Store:
    now = office.clock()
    return Store(room, office.journal, now=now, today=now.astimezone(PARIS).date())


def _decide(store: Store, command: Command) -> _Decision:
    try:
        ids = command.handle(store) or NO_IDS
        facts, states = store.collect()
        events = tuple([type(fact.event).__name__ for fact in facts])
        return _Decision(store, ids, facts, states, events)
    except Refused as refused:
        return _Decision(store, NO_IDS, refused=refused)


def _append(office: Office, asked: Asked, decision: _Decision, body_hash: bytes) -> Append:
    store, principal = decision.store, asked.principal
    command_id = asked.command_id or UUID(bytes=uuid7().bytes)
    envelope = Envelope(
        principal.name, command_id, asked.correlation_id or command_id, store.today,
        asked.on_behalf_of, asked.causation_id,
    )  # fmt: skip
    record = None
    if asked.key is not None:
        # What the system itself asks is unique for ever; a person's key is kept for a month.
        lasting = principal.role is Role.SYSTEM
        record = once(
            principal.name.encode(),
            asked.key.encode(),
            body_hash,
            to_json({"ids": decision.ids, "events": decision.events}),
            None if lasting else int((store.now.timestamp() + KEPT_SECONDS) * 1_000_000),
        )
    return Append(
        asked.agency.bytes,
        office.journal.entries(asked.agency, decision.facts, envelope),
        reads=store.reads(),
        after=store.awaited(),
        once=record,
    )


def _unchanged(
    office: Office, asked: Asked, decision: _Decision, body_hash: bytes
) -> Answer | None:
    """Answer a refusal or a request that changes nothing, once it is sure; None: decide again."""
    store = decision.store
    for append in store.awaited():
        append.settle()
    if any(cell.lost for cell in store.read.values()):
        return None
    versions = {cell.state.id: cell.state.version for cell in store.read.values()}
    known = office.journal.check(asked.agency, versions, asked.principal.name, asked.key)
    if known.repeated is not None:
        return _same(known.repeated, body_hash)
    if known.stale:
        return None
    if decision.refused is not None:
        raise decision.refused
    return Answer(known.position, decision.ids)


def _same(before: Repeated, body_hash: bytes) -> Answer:
    if before.body_hash != body_hash:
        raise KeyReused(
            "Cette clé d'idempotence a déjà servi pour une autre demande.",
            "This idempotency key was used for another request.",
        )
    answer = from_json(before.answer)
    return Answer(before.position, answer["ids"], tuple(answer["events"]), repeated=True)


def _hash(office: Office, command: Command) -> bytes:
    body = type(command).__pydantic_serializer__.to_json(command)
    name = type(command).__name__.encode()
    return blake2b(name + b"\0" + body, key=office.hash_key, digest_size=32).digest()


def utc_now() -> datetime:
    """The clock on the wall."""
    return datetime.now(UTC)
