"""How did something come to be as it is: every fact that mentions it, by whom, when and why?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from psycopg import Connection

from domain.words import Language
from journal import Recorded
from journal.journal import READ_AHEAD, Journal
from projections.telling import tell
from projections.timeline import mentioned, positions_about

NEAR = 2_000
"""A cause comes before its effect, and seldom so many entries before."""
MOST_LINKS = 500
"""Effects that a chain follows; what is beyond is found under the last of them."""

_ACTORS = {
    "operator": ("l'opérateur, en ligne de commande", "the operator, at the command line"),
    "clock": ("l'horloge", "the clock"),
    "webhook": ("le prestataire de paiement", "the payment provider"),
    "reaction": ("le système, en réaction", "the system, by reaction"),
}


class Tokens(Protocol):
    """How tokens are called; they are no part of the journal, so whoever asks brings them."""

    def token_names(
        self, connection: Connection[Any], ids: Sequence[UUID], /
    ) -> Mapping[UUID, str]:
        """The names of some tokens."""

    def tokens_named(self, connection: Connection[Any], agency: UUID, name: str, /) -> list[UUID]:
        """The tokens of a name in an agency."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who reads one agency's journal in their language."""

    connection: Connection[Any]
    journal: Journal
    agency: UUID
    language: Language
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry as a person reads it."""

    position: int
    recorded_at: datetime
    effective_on: date
    name: str
    told: str
    actor: str
    who: str
    """The actor as people call it: a token by its name and role."""
    on_behalf_of: str | None
    behalf: str | None
    """The person acted for, by the agency's reference."""
    because: str | None
    """The fact that caused this one, told."""
    event_id: UUID
    stream: UUID
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID | None
    """The event that caused this, for what the product did by itself."""


@dataclass(frozen=True, slots=True)
class Link:
    """One moment of a chain, so many steps away from what set it off."""

    depth: int
    moment: Moment


def at(reader: Reader, positions: Sequence[int]) -> list[Recorded]:
    """The entries at some positions, in order."""
    return [
        entry
        for start in range(0, len(positions), READ_AHEAD)
        for entry in reader.journal.at(reader.agency, positions[start : start + READ_AHEAD])
    ]


def moments(reader: Reader, entries: Sequence[Recorded]) -> list[Moment]:
    """Entries as a person reads them, with the names of who acted and what caused them."""
    told = {entry.event_id: tell(entry.event, reader.language) for entry in entries}
    causes = {e.event_id: tell(e.event, reader.language) for e in _causes(reader, entries)}
    names = _names(reader, entries)
    return [
        Moment(
            entry.position, entry.recorded_at, entry.effective_on, entry.name,
            told[entry.event_id], entry.actor, names.get(entry.actor, entry.actor),
            entry.on_behalf_of,
            entry.on_behalf_of and names.get(entry.on_behalf_of, entry.on_behalf_of),
            (causes | told).get(entry.causation_id) if entry.causation_id else None,
            entry.event_id, entry.stream, entry.command_id, entry.correlation_id,
            entry.causation_id,
        )
        for entry in entries
    ]  # fmt: skip


def chain(reader: Reader, entries: Sequence[Recorded]) -> list[Link]:
    """Entries from cause to effect: each command, then what it set off, across all aggregates.

    Causes outside are taken in up to the first, and effects down to the last, of which at most
    `MOST_LINKS` are followed.
    """
    known = {entry.event_id: entry for entry in entries}
    while missing := _causes(reader, list(known.values())):
        known |= {cause.event_id: cause for cause in missing}
    new = list(known)
    while new and len(known) < len(entries) + MOST_LINKS:
        positions = positions_about(reader.connection, reader.agency, new, limit=MOST_LINKS)
        effects = [e for e in at(reader, positions) if e.event_id not in known]
        known |= {entry.event_id: entry for entry in effects}
        new = [entry.event_id for entry in effects]
    ordered = _from_cause_to_effect(known)
    told = moments(reader, [entry for _, entry in ordered])
    return [Link(depth, moment) for (depth, _), moment in zip(ordered, told, strict=True)]


def whole_command(reader: Reader, entry: Recorded, most: int = 50) -> list[Recorded]:
    """What was recorded by the same command as an entry: it stands around it."""
    first = max(0, entry.position - most - 1)
    around = reader.journal.read(reader.agency, first, 2 * most + 1)
    return [other for other in around if other.command_id == entry.command_id]


def first_cause(reader: Reader, entry: Recorded) -> Recorded:
    """The entry that set off, in the end, what led to this one."""
    while entry.causation_id is not None:
        causes = _causes(reader, [entry])
        if not causes:
            return entry
        entry = causes[0]
    return entry


def _from_cause_to_effect(known: Mapping[UUID, Recorded]) -> list[tuple[int, Recorded]]:
    """Each command's entries together, in their order, followed by those of what they caused."""
    commands: dict[UUID, list[Recorded]] = defaultdict(list)
    for entry in sorted(known.values(), key=lambda entry: entry.position):
        commands[entry.command_id].append(entry)
    caused: dict[UUID, list[UUID]] = defaultdict(list)
    roots = []
    for command_id, entries in commands.items():
        cause = entries[0].causation_id
        if cause is not None and cause in known:
            caused[cause].append(command_id)
        else:
            roots.append(command_id)
    ordered: list[tuple[int, Recorded]] = []
    waiting = [(0, command_id) for command_id in reversed(roots)]
    while waiting:
        depth, command_id = waiting.pop()
        entries = commands[command_id]
        ordered += [(depth, entry) for entry in entries]
        effects = [effect for entry in entries for effect in caused[entry.event_id]]
        waiting += [(depth + 1, effect) for effect in reversed(effects)]
    return ordered


def _causes(reader: Reader, entries: Sequence[Recorded]) -> list[Recorded]:
    """The entries outside of these that caused something in them."""
    known = {entry.event_id for entry in entries}
    effects = [e for e in entries if e.causation_id is not None and e.causation_id not in known]
    wanted = {entry.causation_id for entry in effects}
    if not wanted:
        return []
    last = max(entry.position for entry in effects)
    first = min(entry.position for entry in effects)
    near = "position BETWEEN %s AND %s"
    found = _by_event_id(reader, wanted, near, [first - NEAR, last])
    if len(found) < len(wanted):
        # What causes something is about the same thing: look at all that mentions it.
        about = list({its_id for entry in effects for its_id in mentioned(entry)})
        positions = positions_about(reader.connection, reader.agency, about, up_to=last)
        found = _by_event_id(reader, wanted, "position = ANY(%s)", [positions + found])
    return at(reader, found)


def _by_event_id(
    reader: Reader, wanted: Iterable[UUID | None], where: str, parameters: list[Any]
) -> list[int]:
    rows = reader.connection.execute(
        f"SELECT position FROM events WHERE agency = %s AND {where} AND event_id = ANY(%s)"
        " ORDER BY position",
        [reader.agency, *parameters, list(wanted)],
    ).fetchall()
    return [position for (position,) in rows]


def _names(reader: Reader, entries: Iterable[Recorded]) -> dict[str, str]:
    """How actors and those on whose behalf they acted are called."""
    english = reader.language == "en"
    names = {actor: en if english else fr for actor, (fr, en) in _ACTORS.items()}
    acted = {entry.actor for entry in entries}
    tokens = [UUID(actor.removeprefix("token:")) for actor in acted if _is_token(actor)]
    if tokens:
        called = reader.tokens.token_names(reader.connection, tokens)
        names |= {f"token:{token_id}": name for token_id, name in called.items()}
    behalf = {entry.on_behalf_of for entry in entries if entry.on_behalf_of}
    if behalf:
        rows = reader.connection.execute(
            "SELECT party_id::text, client_reference FROM read.people"
            " WHERE agency = %s AND party_id::text = ANY(%s)",
            [reader.agency, list(behalf)],
        )
        names |= dict(rows.fetchall())
    return names


def _is_token(actor: str) -> bool:
    try:
        UUID(actor.removeprefix("token:"))
    except ValueError:
        return False
    return actor.startswith("token:")


__all__ = ["Link", "Moment", "Reader", "at", "chain", "first_cause", "moments", "whole_command"]
