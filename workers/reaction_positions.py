"""Where each reaction stands in each log, and what it has to hear of behind that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import Connection

from journal import HOUSE

Send = Callable[[str, UUID, int, UUID], None]
"""Reaction, agency, position and event id of one message."""

AT_ONCE = 500
UNKEPT = 1_000
"""Entries that concern nobody may be passed without writing it down; they are passed again."""

_LOGS = "SELECT agency, position FROM heads"
_KNOWN = """
SELECT reaction, agency, position FROM reaction_positions WHERE reaction = ANY(%s)
"""
_ENTER = """
INSERT INTO reaction_positions (reaction, agency, position)
SELECT * FROM unnest(%s::text[], %s::uuid[], %s::bigint[]) ON CONFLICT DO NOTHING
"""
_NEWS = """
SELECT h.agency, h.position, e.position, e.name, e.event_id
FROM unnest(%s::uuid[], %s::bigint[]) AS k(agency, after)
CROSS JOIN LATERAL (
    SELECT agency, position FROM heads WHERE agency = k.agency AND position > k.after OFFSET 0
) h
LEFT JOIN LATERAL (
    SELECT position, name, event_id FROM events
    WHERE agency = k.agency AND position > k.after AND name = ANY(%s)
    ORDER BY position LIMIT %s
) e ON true
"""
_MOVE = """
UPDATE reaction_positions p SET position = n.reached
FROM unnest(%s::text[], %s::uuid[], %s::bigint[], %s::bigint[])
    AS n(reaction, agency, kept, reached)
WHERE p.reaction = n.reaction AND p.agency = n.agency AND p.position = n.kept
"""
_TO_HEAD = """
INSERT INTO reaction_positions (reaction, agency, position)
SELECT r.reaction, h.agency, h.position
FROM heads h, (SELECT DISTINCT reaction FROM reaction_positions) r WHERE h.agency = %s
ON CONFLICT (reaction, agency) DO UPDATE SET position = excluded.position
"""


def start_at_head(connection: Connection[Any], agency: UUID) -> None:
    """Let no reaction hear of what an imported journal holds: in the import's transaction."""
    connection.execute(_TO_HEAD, [agency])


class _Due(NamedTuple):
    position: int
    name: str
    event_id: UUID


class Follow:
    """Pulls what is new and sends what is due; at least once.

    `names` are the reactions by the name of the event. A reaction that is new starts at the head
    of every log; a log that is new is heard from its first entry by the reactions that were there.
    """

    def __init__(
        self,
        connect: Callable[[], Connection[Any]],
        names: Mapping[str, Iterable[str]],
        send: Send,
    ) -> None:
        self._connect = connect
        self._names = {event: list(reactions) for event, reactions in names.items()}
        self._reactions = sorted({name for some in self._names.values() for name in some})
        self._send = send
        self._connection: Connection[Any] | None = None
        self._passed: dict[UUID, dict[str, int]] = {}
        self._kept: dict[UUID, dict[str, int]] = {}

    def pull(self) -> bool:
        """Send what is due; True if there is more. Raises psycopg.Error if the database is gone."""
        if not self._reactions:
            return False
        try:
            connection = self._connected()
            self._learn(connection)
            news = self._news(connection)
            full = [self._tell(connection, log, head, due) for log, (head, due) in news.items()]
        except psycopg.Error:
            self.close()
            raise
        return any(full)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._kept.clear()
        self._passed.clear()

    def _connected(self) -> Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._kept.clear()
            self._passed.clear()
            self._connection = self._connect()
            self._connection.autocommit = True
        return self._connection

    def _learn(self, connection: Connection[Any]) -> None:
        """Take in logs that are new here; enter reactions that are new anywhere."""
        logs = dict(connection.execute(_LOGS).fetchall())
        if all(agency in self._kept for agency in logs):
            return
        known = {(r, a): p for r, a, p in connection.execute(_KNOWN, [self._reactions]).fetchall()}
        # A reaction leaves its mark in the log of the house, so that it is not new for ever.
        missing = [
            (reaction, agency, 0 if (reaction, HOUSE) in known else logs.get(agency, 0))
            for reaction in self._reactions
            for agency in {HOUSE, *logs}
            if (reaction, agency) not in known
        ]
        if missing:
            connection.execute(_ENTER, [list(column) for column in zip(*missing, strict=True)])
            known = {
                (r, a): p for r, a, p in connection.execute(_KNOWN, [self._reactions]).fetchall()
            }
        for agency in logs:
            self._kept[agency] = {r: known[r, agency] for r in self._reactions}
            self._passed[agency] = dict(self._kept[agency])

    def _news(self, connection: Connection[Any]) -> dict[UUID, tuple[int, list[_Due]]]:
        """Heads that moved, with the entries that concern somebody."""
        places = [(agency, min(by.values())) for agency, by in self._passed.items()]
        if not places:
            return {}
        agencies, afters = zip(*places, strict=True)
        parameters = [list(agencies), list(afters), list(self._names), AT_ONCE]
        heads: dict[UUID, int] = {}
        due: dict[UUID, list[_Due]] = defaultdict(list)
        for agency, head, position, name, event_id in connection.execute(_NEWS, parameters):
            heads[agency] = head
            if position is not None:
                due[agency].append(_Due(position, name, event_id))
        return {agency: (head, due[agency]) for agency, head in heads.items()}

    def _tell(self, connection: Connection[Any], agency: UUID, head: int, due: list[_Due]) -> bool:
        """Send, then write down how far it went; a crash in between sends again."""
        full = len(due) == AT_ONCE
        reached = due[-1].position if full else head
        passed, kept = self._passed[agency], self._kept[agency]
        sent = False
        for entry in due:
            for reaction in self._names[entry.name]:
                if passed[reaction] < entry.position:
                    self._send(reaction, agency, entry.position, entry.event_id)
                    sent = True
        for reaction in passed:
            passed[reaction] = max(passed[reaction], reached)
        if sent or any(passed[r] - kept[r] >= UNKEPT for r in kept):
            self._keep(connection, agency)
        return full

    def _keep(self, connection: Connection[Any], agency: UUID) -> None:
        kept, passed = self._kept[agency], self._passed[agency]
        count = len(self._reactions)
        moved = connection.execute(
            _MOVE,
            [
                self._reactions,
                [agency] * count,
                [kept[r] for r in self._reactions],
                [passed[r] for r in self._reactions],
            ],
        )
        if moved.rowcount != count:
            # Another follower, or an import, has moved them: read them again.
            del self._kept[agency], self._passed[agency]
            return
        self._kept[agency] = dict(passed)
