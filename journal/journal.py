"""The journal as the rest of the house sees it: load streams, append, read on, listen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg_pool import ConnectionPool
from uuid_utils import uuid7

from domain import Event
from journal import Envelope, Fact, NoSuchAgency, Recorded, rows
from journal.append import Append, Entry, Repeated
from journal.chain import GENESIS, lengthened, tail
from journal.keys import Keyring
from journal.mapper import FactMapper
from journal.wakeup import Bell
from journal.writer import Writer

READ_AHEAD = 2_000

_LOAD = """
SELECT h.position, e.stream, e.version, e.name, e.schema_version, e.state
FROM heads h LEFT JOIN LATERAL (
    SELECT e.* FROM unnest(%s::uuid[]) AS wanted(stream), LATERAL (
        SELECT e.stream, e.version, e.name, e.schema_version, e.state FROM events e
        WHERE e.agency = h.agency AND e.stream = wanted.stream
        ORDER BY e.version {newest}
    ) e
) e ON true
WHERE h.agency = %s
"""
_ENTRY = """position, stream, version, name, schema_version, event_id, recorded_at, effective_on,
    actor, on_behalf_of, command_id, correlation_id, causation_id, subjects, state"""
_READ = f"""
SELECT {_ENTRY} FROM events WHERE agency = %s AND position > %s ORDER BY position LIMIT %s
"""
_STREAM = f"""
SELECT {_ENTRY} FROM events WHERE agency = %s AND stream = %s
    AND (%s::bigint IS NULL OR position <= %s) ORDER BY version
"""
_NAMING = """
SELECT h.position, array(
    SELECT DISTINCT stream FROM events
    WHERE agency = h.agency AND name = ANY(%s) AND position(%s::bytea IN state) > 0
) FROM heads h WHERE h.agency = %s
"""
_AT = f"SELECT {_ENTRY} FROM events WHERE agency = %s AND position = ANY(%s) ORDER BY position"


_ANSWERED = """
SELECT position, answer, body_hash FROM answers WHERE agency = %s AND principal = %s AND key = %s
"""


class Standing(NamedTuple):
    """How things stand: the log's position, whether a read is stale, an answer already given."""

    position: int
    stale: bool
    repeated: Repeated | None


class Journal:
    """All agencies' logs, for one process: one writer, one pool to read from, one keyring."""

    def __init__(
        self,
        pool: ConnectionPool[Connection],
        connect: Callable[[], Connection],
        keys: Keyring,
        bell: Bell,
    ) -> None:
        self._pool = pool
        self.connect = connect
        """Opens a connection of one's own, in autocommit: to write, or to listen."""
        self.keys = keys
        self.bell = bell
        self.moved: list[Any] = []
        """Called with (agency, {stream: version}) when others have appended."""
        self._mappers: dict[UUID, FactMapper] = {}
        self._writer = Writer(connect, on_commit=bell.ring, on_moved=self._tell_moved)

    def close(self) -> None:
        self._writer.close()
        self.bell.close()

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection to read with, for a moment."""
        return self._pool.connection()

    def open_log(self, agency: UUID) -> None:
        """Give an agency its log; once or many times."""
        with self._pool.connection() as connection:
            connection.execute(
                "INSERT INTO heads (agency, hash) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [agency, GENESIS],
            )

    def logs(self) -> dict[UUID, int]:
        """Every agency that has a log, with its position."""
        with self._pool.connection() as connection:
            return dict(connection.execute("SELECT agency, position FROM heads").fetchall())

    def head(self, agency: UUID) -> tuple[int, datetime]:
        """Position and instant of the last entry of a log. Raises NoSuchAgency."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT position, recorded_at FROM heads WHERE agency = %s", [agency]
            ).fetchone()
        if row is None:
            raise NoSuchAgency("Cette agence n'existe pas.", "This agency does not exist.")
        return row[0], row[1]

    def mapper(self, agency: UUID) -> FactMapper:
        mapper = self._mappers.get(agency)
        if mapper is None:
            mapper = self._mappers[agency] = FactMapper(agency, self.keys)
        return mapper

    def load(
        self, agency: UUID, streams: Sequence[UUID], *, newest_only: bool = False
    ) -> tuple[int, dict[UUID, list[tuple[int, Event]]]]:
        """The facts of some streams with their versions, and the log's position they are as of."""
        statement = _LOAD.format(newest="DESC LIMIT 1" if newest_only else "")
        with self._pool.connection() as connection:
            rows = connection.execute(statement, [list(streams), agency], binary=True).fetchall()
        if not rows:
            raise NoSuchAgency("Cette agence n'existe pas.", "This agency does not exist.")
        facts: dict[UUID, list[tuple[int, Event]]] = defaultdict(list)
        decode = self.mapper(agency).decode
        for _, stream, version, name, schema_version, state in rows:
            if stream is not None:
                event = decode(stream, version, name, schema_version, state)
                facts[stream].append((version, event))
        return rows[0][0], facts

    def naming(self, agency: UUID, named: UUID, events: Sequence[str]) -> tuple[int, list[UUID]]:
        """The log's position, and the streams in which an event of these names holds an id.

        It reads the agency's whole log: for what is asked seldom and must not be wrong.
        """
        asked = [list(events), str(named).encode(), agency]
        with self._pool.connection() as connection:
            row = connection.execute(_NAMING, asked).fetchone()
        if row is None:
            raise NoSuchAgency("Cette agence n'existe pas.", "This agency does not exist.")
        return row[0], row[1]

    def entries(self, agency: UUID, facts: Iterable[Fact], envelope: Envelope) -> list[Entry]:
        """Facts made ready to be stored: encoded, sealed, with their part of the header."""
        told = [(fact, fact.event.subjects()) for fact in facts]
        if named := [subject for _, subjects in told for subject in subjects]:
            self.keys.ensure(agency, named)
        seal = Sealer(envelope).entry
        encode = self.mapper(agency).encode
        return [seal(fact, subjects, encode(*fact)) for fact, subjects in told]

    def submit(self, append: Append) -> None:
        """Queue an append; the order of these calls is the order of the log."""
        self._writer.submit(append)

    def check(
        self, agency: UUID, versions: Mapping[UUID, int], principal: str, key: str | None
    ) -> Standing:
        """Whether streams still stand at these versions, and what was answered under a key."""
        with self._pool.connection() as connection, connection.transaction():
            # One snapshot for the three, so that they are true together.
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            position = connection.execute(
                "SELECT position FROM heads WHERE agency = %s", [agency]
            ).fetchone()
            if position is None:
                raise NoSuchAgency("Cette agence n'existe pas.", "This agency does not exist.")
            current = connection.execute(
                "SELECT s, coalesce((SELECT max(version) FROM events"
                " WHERE agency = %s AND stream = s), 0) FROM unnest(%s::uuid[]) AS s",
                [agency, list(versions)],
            ).fetchall()
            answer = None
            if key is not None:
                answer = connection.execute(_ANSWERED, [agency, principal, key]).fetchone()
        stale = any(versions[stream] != version for stream, version in current)
        return Standing(position[0], stale, None if answer is None else Repeated(*answer))

    def read(self, agency: UUID, after: int, limit: int = READ_AHEAD) -> list[Recorded]:
        """The entries after a position, in order, at most `limit`."""
        with self._pool.connection() as connection:
            rows = connection.execute(_READ, [agency, after, limit], binary=True).fetchall()
        return self.recorded(agency, rows)

    def stream(self, agency: UUID, stream: UUID, *, up_to: int | None = None) -> list[Recorded]:
        """The entries of one stream, in order, of those recorded up to a position."""
        with self._pool.connection() as connection:
            rows = connection.execute(_STREAM, [agency, stream, up_to, up_to], binary=True)
            return self.recorded(agency, rows.fetchall())

    def at(self, agency: UUID, positions: Sequence[int]) -> list[Recorded]:
        """The entries at some positions, in order."""
        with self._pool.connection() as connection:
            rows = connection.execute(_AT, [agency, list(positions)], binary=True).fetchall()
        return self.recorded(agency, rows)

    def recorded(self, agency: UUID, rows: Iterable[Sequence[Any]]) -> list[Recorded]:
        """Rows of `events`, as selected for reading, with their facts decoded."""
        rows = list(rows)
        self.keys.load(agency, {subject for row in rows for subject in row[13]})
        decode = self.mapper(agency).decode
        return [
            Recorded(
                agency, position, stream, version, name, event_id, recorded_at, effective_on,
                actor, on_behalf_of, command_id, correlation_id, causation_id, tuple(subjects),
                decode(stream, version, name, schema_version, state),
            )
            for (
                position, stream, version, name, schema_version, event_id, recorded_at,
                effective_on, actor, on_behalf_of, command_id, correlation_id, causation_id,
                subjects, state,
            ) in rows
        ]  # fmt: skip

    def read_all(self, agency: UUID, after: int = 0) -> Iterator[Recorded]:
        """All entries after a position, fetched in pieces."""
        while entries := self.read(agency, after):
            yield from entries
            after = entries[-1].position

    def _tell_moved(self, agency: bytes, streams: dict[bytes, int]) -> None:
        for listener in self.moved:
            listener(UUID(bytes=agency), streams)


class Sealer:
    """The envelope of one append, in the bytes that every entry of it shares."""

    __slots__ = ("_day", "_fields", "_header", "_today")

    def __init__(self, envelope: Envelope) -> None:
        actor, command_id, correlation_id, today, on_behalf_of, causation_id = envelope
        self._today = today.toordinal()
        self._day = today.isoformat().encode()
        who = actor.encode()
        behalf = on_behalf_of.encode() if on_behalf_of else None
        command = command_id.bytes
        correlation = command if correlation_id is command_id else correlation_id.bytes
        causation = causation_id.bytes if causation_id else None
        self._header = lengthened(who, behalf or b"", command, correlation, causation or b"")
        self._fields = b"".join(
            (
                rows.text(who), rows.text(behalf), rows.identifier(command),
                rows.identifier(correlation), rows.identifier(causation),
            )
        )  # fmt: skip

    def entry(self, fact: Fact, subjects: tuple[UUID, ...], state: bytes) -> Entry:
        stream, version, event = fact
        kind = type(event)
        return self.stored(
            stream.bytes, version, kind.stored_name, kind.schema_version, state,
            event.takes_effect_on(), subjects,
        )  # fmt: skip

    def stored(
        self,
        stream: bytes,
        version: int,
        name: bytes,
        schema_version: int,
        state: bytes,
        effective_on: date | None = None,
        subjects: Sequence[UUID] = (),
    ) -> Entry:
        """One entry of what is encoded already; it takes effect today unless told otherwise."""
        ordinal, day = self._today, self._day
        if effective_on is not None:
            ordinal, day = effective_on.toordinal(), effective_on.isoformat().encode()
        ids = [subject.bytes for subject in subjects]
        event_id = uuid7().bytes
        return Entry(
            stream, version, event_id, state,
            tail(
                stream, version, name, schema_version, event_id, day, self._header, b"".join(ids)
            ),
            rows.entry_fields(
                stream, event_id, version, schema_version, ordinal, self._fields, name, ids, state
            ),
        )  # fmt: skip
