"""Tells the outside world what was recorded: WHEN this has happened, that is to be done.

A message is only a wake-up. The actor reads the entry again and ends in a command, whose id
follows from the event and the reaction: whatever is sent twice is done once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from threading import Event as Stop
from typing import Any
from uuid import UUID, uuid5

import dramatiq
import psycopg
from dramatiq import Actor, Broker
from dramatiq.errors import DramatiqError
from psycopg import Connection

from commands import Answer, Asked, Command, Office, execute
from domain import Event, Refused
from domain.principal import REACTION
from journal import Recorded
from workers.follower import POLL_SECONDS, follow
from workers.reaction_positions import Follow

Act = Callable[[Command], Answer]
"""Gives a command in the name of the reaction; what was given before is answered again."""
Reaction = Callable[[Recorded, Act], object]
When = Mapping[type[Event], Sequence[Reaction]]

WHEN: dict[type[Event], list[Reaction]] = {}
"""All that happens because of what was recorded; nothing else sends a message. A reaction is
known by the name of its function, which is for ever: under a new name it starts at the head."""

React = Actor[[str, str, int, str], None]
"""Takes the names of reaction and agency, a position, and the id of the event that is there."""

QUEUE = "reactions"

log = logging.getLogger("quittance.workers")


def command_id(event_id: UUID, reaction: str) -> UUID:
    """The one command that a reaction may give because of an event.

    An outside effect carries it to the provider as its idempotency key.
    """
    return uuid5(event_id, reaction)


def declare(broker: Broker, office: Office, when: When = WHEN) -> React:
    """The actor that lets one reaction answer to one entry."""

    def react(reaction: str, agency: str, position: int, event_id: str) -> None:
        place = {"reaction": reaction, "agency": agency, "position": position}
        (entry,) = office.journal.at(UUID(agency), [position])
        assert str(entry.event_id) == event_id, "the journal is not the one that was followed"
        functions = {f.__name__: f for f in when.get(type(entry.event), ())}
        if reaction not in functions:
            log.error("reactions.unknown", extra=place)
            return
        try:
            functions[reaction](entry, _act(office, entry, reaction))
        except Refused as refused:
            log.error("reactions.refused", extra={**place, "code": refused.code})
            raise

    actor = dramatiq.actor(broker=broker, actor_name="react", queue_name=QUEUE, throws=(Refused,))
    return actor(react)


def _act(office: Office, entry: Recorded, reaction: str) -> Act:
    def act(command: Command) -> Answer:
        its_id = command_id(entry.event_id, reaction)
        asked = Asked(
            principal=REACTION,
            agency=entry.agency,
            key=str(its_id),
            command_id=its_id,
            causation_id=entry.event_id,
            correlation_id=entry.correlation_id,
        )
        return execute(office, command, asked)

    return act


def run(
    stop: Stop,
    connect: Callable[[], Connection[Any]],
    react: React,
    when: When = WHEN,
    *,
    poll_seconds: float = POLL_SECONDS,
) -> None:
    """Follow the journal until told to stop, and send a message for every reaction due."""

    def send(reaction: str, agency: UUID, position: int, event_id: UUID) -> None:
        message = react.message(reaction, str(agency), position, str(event_id))
        # The same message twice is one in the queue.
        same = message.copy(message_id=str(command_id(event_id, reaction)))
        react.broker.enqueue(same)

    names = {event.__name__: [f.__name__ for f in reactions] for event, reactions in when.items()}
    follower = Follow(connect, names, send)
    try:
        ills = (psycopg.Error, DramatiqError)
        follow(connect, follower.pull, stop, poll_seconds=poll_seconds, survives=ills)
    finally:
        follower.close()
