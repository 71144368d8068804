"""How fresh is what is shown, and has it come as far as what somebody has just written?"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from datetime import datetime
from select import POLLIN, poll
from threading import Lock, Thread
from typing import Any
from uuid import UUID

from psycopg import Connection

from journal import EPOCH, NoSuchAgency

CHANNEL = "projected"
"""Carries `agency:position` pairs, the position that all projections of the agency have reached;
a `+` behind it when some are further. Nothing at all means: look for yourself."""
POLL_SECONDS = 0.1

_FRESHNESS = """
WITH p AS (
    SELECT min(position) AS position, min(as_of) AS as_of, bool_or(error IS NOT NULL) AS stopped,
        count(*) = cardinality(%(names)s::text[]) AS known
    FROM read.positions WHERE agency = %(agency)s AND projection = ANY(%(names)s)
), known AS (
    SELECT CASE WHEN known THEN position ELSE 0 END AS position,
        CASE WHEN known THEN as_of ELSE %(epoch)s END AS as_of, coalesce(stopped, false) AS stopped
    FROM p
)
SELECT k.position, k.as_of, h.position - k.position,
    extract(epoch FROM clock_timestamp() - (
        SELECT recorded_at FROM events e WHERE e.agency = h.agency AND e.position = k.position + 1
    ))::float8, k.stopped
FROM heads h, known k WHERE h.agency = %(agency)s
"""
_STANDINGS = """
SELECT agency, projection, position, error IS NOT NULL FROM read.positions WHERE agency = ANY(%s)
"""

log = logging.getLogger("quittance.projections")


@dataclass(frozen=True, slots=True)
class Freshness:
    """As of which entry of the log something is shown, and how much is still to be taken in."""

    position: int
    as_of: datetime
    """The instant at which that entry was recorded."""
    lag_events: int
    lag_seconds: float
    """For how long the oldest entry that is not taken in has been waiting."""
    stopped: bool = False
    """An entry cannot be folded: nothing moves until the program is mended."""


class Quarantined(Exception):
    """What is waited for will not come: the projection has stopped in this agency."""


def freshness(connection: Connection[Any], agency: UUID, *projections: str) -> Freshness:
    """The freshness of what these projections show together. Raises NoSuchAgency.

    Ask before reading the rows: they are then at least as fresh as is said.
    """
    parameters = {"agency": agency, "names": list(projections), "epoch": EPOCH}
    row = connection.execute(_FRESHNESS, parameters).fetchone()
    if row is None:
        raise NoSuchAgency("Cette agence n'existe pas.", "This agency does not exist.")
    position, as_of, lag_events, waiting_seconds, stopped = row
    return Freshness(position, as_of, lag_events, max(0.0, waiting_seconds or 0.0), stopped)


@dataclass(slots=True, eq=False)
class _Wish:
    """Somebody waits until some projections of an agency have reached a position."""

    agency: UUID
    position: int
    projections: frozenset[str]
    granted: Future[bool] = field(default_factory=Future)

    def grant(self) -> None:
        with contextlib.suppress(InvalidStateError):
            self.granted.set_result(True)

    def refuse(self, projection: str) -> None:
        with contextlib.suppress(InvalidStateError):
            self.granted.set_exception(Quarantined(f"{projection} in {self.agency}"))


class Waiter:
    """Waits for projections on behalf of the whole process, in one thread on one connection.

    It listens to the projector; while somebody waits it also looks every 100 ms, so that a lost
    connection costs a moment and no more. `connect` opens a connection in autocommit.
    """

    def __init__(self, connect: Callable[[], Connection[Any]]) -> None:
        self._connect = connect
        self._connection: Connection[Any] | None = None
        self._lock = Lock()
        self._wishes: dict[UUID, list[_Wish]] = {}
        self._new: list[_Wish] = []
        self._told: dict[UUID, int] = {}
        """The position that all projections have reached, as last heard."""
        self._closing = False
        self._poked, self._poke = socket.socketpair()
        self._poked.setblocking(False)
        self._thread = Thread(target=self._run, name="projections-waiter", daemon=True)
        self._thread.start()

    async def reached(
        self, agency: UUID, position: int, projections: Collection[str], timeout_seconds: float
    ) -> bool:
        """Whether the projections come to a position of the agency's log in time.

        Raises Quarantined at once if one of them has stopped before it.
        """
        if self._told.get(agency, 0) >= position:
            return True
        granted = asyncio.wrap_future(self._wish(agency, position, projections))
        try:
            return await asyncio.wait_for(granted, timeout_seconds)
        except TimeoutError:
            return False

    def wait(
        self, agency: UUID, position: int, projections: Collection[str], timeout_seconds: float
    ) -> bool:
        """The same, for a thread."""
        if self._told.get(agency, 0) >= position:
            return True
        granted = self._wish(agency, position, projections)
        try:
            return granted.result(timeout_seconds)
        except TimeoutError:
            granted.cancel()
            return False

    def close(self) -> None:
        """Stop; who still waits hears nothing more until the own time-out."""
        self._closing = True
        self._poke.send(b"!")
        self._thread.join()
        self._poke.close()
        self._poked.close()

    def _wish(self, agency: UUID, position: int, projections: Collection[str]) -> Future[bool]:
        wish = _Wish(agency, position, frozenset(projections))
        with self._lock:
            first = not self._new
            self._new.append(wish)
        if first:
            self._poke.send(b"?")
        return wish.granted

    def _run(self) -> None:
        while not self._closing:
            try:
                self._turn()
            except Exception as lost:
                # Whatever it is, nobody must wait in vain for ever: start afresh.
                log.warning("projections.waiter_deaf", extra={"reason": type(lost).__name__})
                self._told.clear()
                if self._connection is not None:
                    self._connection.close()
                self._connection = None
                self._sleep(None)
        if self._connection is not None:
            self._connection.close()

    def _turn(self) -> None:
        """Hear what is told and look at what is asked; then sleep until there is more."""
        connection = self._connection
        if connection is None or connection.closed:
            connection = self._connection = self._connect()
            connection.execute(f"LISTEN {CHANNEL}")
            self._look(connection, self._waiting())
        fresh = self._take_new()
        if fresh:
            self._look(connection, fresh)
        while heard := list(connection.notifies(timeout=0)):
            for notify in heard:
                self._hear(connection, notify.payload)
        if not self._sleep(connection):
            self._look(connection, self._waiting())

    def _sleep(self, connection: Connection[Any] | None) -> bool:
        """Until something is told or asked; False if somebody waits and nothing came."""
        events = poll()
        events.register(self._poked, POLLIN)
        if connection is not None:
            events.register(connection.fileno(), POLLIN)
        patience = POLL_SECONDS * 1_000 if self._wishes or connection is None else None
        woken = {descriptor for descriptor, _ in events.poll(patience)}
        if self._poked.fileno() in woken:
            self._poked.recv(4_096)
        return bool(woken)

    def _take_new(self) -> list[_Wish]:
        with self._lock:
            fresh, self._new = self._new, []
        for wish in fresh:
            self._wishes.setdefault(wish.agency, []).append(wish)
        return fresh

    def _waiting(self) -> list[_Wish]:
        return [wish for wishes in self._wishes.values() for wish in wishes]

    def _hear(self, connection: Connection[Any], payload: str) -> None:
        if not payload:
            self._told.clear()
            self._look(connection, self._waiting())
            return
        uneven: list[_Wish] = []
        for pair in payload.split(","):
            name, _, position = pair.partition(":")
            agency, told = UUID(name), int(position.rstrip("+"))
            self._told[agency] = told
            for wish in self._wishes.get(agency, ()):
                if wish.position <= told:
                    wish.grant()
                elif position.endswith("+"):
                    uneven.append(wish)
            self._forget_granted(agency)
        self._look(connection, uneven)

    def _look(self, connection: Connection[Any], wishes: Iterable[_Wish]) -> None:
        """Look in the database how far things are, for all these wishes at once."""
        wishes = list(wishes)
        agencies = {wish.agency for wish in wishes}
        if not agencies:
            return
        stand: dict[UUID, dict[str, tuple[int, bool]]] = {agency: {} for agency in agencies}
        rows = connection.execute(_STANDINGS, [list(agencies)]).fetchall()
        for agency, projection, position, stopped in rows:
            stand[agency][projection] = (position, stopped)
        for wish in wishes:
            by_name = stand[wish.agency]
            missing = [p for p in wish.projections if by_name.get(p, (0, False))[0] < wish.position]
            stopped_at = next((p for p in missing if by_name.get(p, (0, False))[1]), None)
            if stopped_at is not None:
                wish.refuse(stopped_at)
            elif not missing:
                wish.grant()
        for agency in agencies:
            self._forget_granted(agency)

    def _forget_granted(self, agency: UUID) -> None:
        wishes = [wish for wish in self._wishes.pop(agency, ()) if not wish.granted.done()]
        if wishes:
            self._wishes[agency] = wishes
