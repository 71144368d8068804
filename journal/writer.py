"""Takes all appends that wait and commits them together, one statement for each batch.

The statement holds the head of every agency in the batch whose position is still what this
process believes, skips heads that somebody else holds, and stores entries, heads and answers of
the held ones: one round trip, one commit. An agency whose head moved, or is held, or whose
command was answered before, falls out of the batch and touches none of its neighbours. While one
batch is with the database, the next is planned on the heads as they will be, and sent behind it.
"""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from threading import Thread
from time import monotonic
from uuid import UUID

import psycopg
from psycopg import Connection

from journal import Conflict, NoSuchAgency
from journal.append import Append, Repeated, tell
from journal.batch import Plan, parameters
from journal.log import Log
from journal.sql import COMMIT, VERSIONS
from journal.waiting import HELD_PAUSE_SECONDS, Waiting
from journal.wire import Wire

SENT_AHEAD = 2
RECONNECT_PAUSE_SECONDS = 0.05

log = logging.getLogger("quittance.journal")


class Writer:
    """One thread that appends for the whole process.

    `connect` opens a connection in autocommit; `on_commit` hears the agencies that moved;
    `on_moved` hears (agency, {stream: version}) of what other processes appended.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        *,
        on_commit: Callable[[Iterable[bytes]], None] = lambda _: None,
        on_moved: Callable[[bytes, dict[bytes, int]], None] = lambda _a, _s: None,
    ) -> None:
        self._connect = connect
        self._on_commit = on_commit
        self._on_moved = on_moved
        self._waiting = Waiting()
        self._logs: dict[bytes, Log] = {}
        self._wire: Wire | None = None
        self._sent: deque[list[Plan]] = deque()
        self._side: Connection | None = None
        """A second connection, for what must be asked while the wire is busy."""
        self._thread = Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    def submit(self, append: Append) -> None:
        """Queue an append; its order is the order of this call."""
        self._waiting.add(append)

    def close(self) -> None:
        """Finish what waits, then stop."""
        self._waiting.close()
        self._thread.join()
        for connection in (self._wire, self._side):
            if connection is not None:
                connection.close()

    def _run(self) -> None:
        batch: list[Append] = []
        try:
            while self._sent or not self._waiting.over:
                batch = self._waiting.next(self._logs, idle=not self._sent)
                if batch:
                    self._try(batch)
                # One batch is being answered while the next is being decided and packed.
                if self._sent and (not batch or len(self._sent) >= SENT_AHEAD):
                    self._hear()
        finally:
            sent = [append for plans in self._sent for plan in plans for append in plan.appends]
            self._waiting.end((*sent, *batch))

    def _try(self, batch: list[Append]) -> None:
        try:
            self._send(batch)
        except psycopg.OperationalError as lost:
            self._reconnect(batch, lost)
        except Exception as bug:
            self._isolate(batch, bug)

    def _hear(self) -> None:
        """Take the answer to the oldest batch; what cannot be understood counts as not heard."""
        try:
            self._receive()
        except Exception as lost:
            self._reconnect([], lost)

    def _send(self, batch: list[Append]) -> None:
        by_agency: dict[bytes, list[Append]] = defaultdict(list)
        for append in batch:
            if append.in_flight:
                by_agency[append.agency].append(append)
        plans = [
            plan
            for agency, appends in by_agency.items()
            if (plan := self._plan(agency, appends)) is not None
        ]
        if not plans:
            return
        if self._wire is None:
            self._wire = Wire(self._connect, COMMIT)
        packed = parameters(plans, self._wire.row_types)
        self._sent.append(plans)
        for plan in plans:
            plan.foresee()
        self._wire.send(packed)

    def _receive(self) -> None:
        """Take the answer to the oldest batch, and tell everybody in it."""
        assert self._wire is not None
        try:
            rows = self._wire.receive()
        except psycopg.OperationalError:
            raise
        except psycopg.Error as refused:
            self._isolate([a for plan in self._sent.popleft() for a in plan.appends], refused)
            return
        plans = self._sent.popleft()
        kept: set[bytes] = set()
        repeated: dict[bytes, dict[tuple[bytes, bytes], Repeated]] = defaultdict(dict)
        for agency, principal, key, position, answer, body_hash in rows:
            assert agency is not None
            if principal is None or key is None:
                kept.add(agency)
            else:
                assert position is not None
                assert answer is not None
                assert body_hash is not None
                repeated[agency][principal, key] = Repeated(
                    int.from_bytes(position, "big"), answer, body_hash
                )
        # Everybody is told, or put off, before the database is asked anything that may fail.
        fallen: list[Plan] = []
        done: list[tuple[Append, int]] = []
        for plan in plans:
            if plan.log.agency in kept:
                done += plan.keep()
            elif self._fell_out(plan, repeated.get(plan.log.agency, {})):
                fallen.append(plan)
        tell(done)
        if kept:
            self._on_commit(kept)
        for plan in fallen:
            self._look_again(plan, held=plan.log.agency not in repeated)

    def _plan(self, agency: bytes, appends: list[Append]) -> Plan | None:
        """Decide which appends of an agency get in, and give them positions and hashes."""
        known = self._logs.setdefault(agency, Log(agency))
        if known.not_before > self._waiting.now:
            # First come, first served: what came later waits behind what was put off.
            self._waiting.put_off += appends
            return None
        newest = max([read.as_of for append in appends for read in append.reads.values()] or [0])
        if known.position < newest or known.doubtful:
            try:
                self._learn(known)
            except NoSuchAgency as unknown:
                self._logs.pop(agency)
                for append in appends:
                    append.fail(unknown)
                return None
        self._learn_versions(known, appends)
        plan = Plan(known)
        for append in appends:
            if not append.in_flight:
                continue
            if any(not earlier.in_flight and earlier.error for earlier in append.after):
                append.fail(Conflict("it was decided on an append that was not kept"))
            elif append.once is not None and append.once[:2] in plan.asked:
                self._waiting.put_off.append(append)
            elif not plan.admits(append):
                append.fail(Conflict("a stream it was decided on has moved"))
            else:
                plan.add(append)
        return plan if plan.appends else None

    def _learn_versions(self, known: Log, appends: list[Append]) -> None:
        """Look up streams that are written without having been read, as the recorder does."""
        unknown = [
            stream
            for append in appends
            for stream, *_ in append.entries
            if stream not in append.reads
            and stream not in known.versions
            and stream not in known.foreseen
        ]
        if not unknown:
            return
        rows = self._ask().execute(
            VERSIONS, [[UUID(bytes=stream) for stream in set(unknown)], UUID(bytes=known.agency)]
        )
        for stream, version in rows.fetchall():
            known.versions.setdefault(stream.bytes, version)

    def _fell_out(self, plan: Plan, repeated: dict[tuple[bytes, bytes], Repeated]) -> bool:
        """Answer repetitions and put the others off; whether the log has to be looked at again."""
        for append in plan.appends:
            if append.once is not None and append.once[:2] in repeated:
                append.fail(repeated[append.once[:2]])
        waiting = [append for append in plan.appends if append.in_flight]
        self._waiting.put_off += waiting
        # This try was not kept, but an earlier one may have been, on a wire that was given up.
        unheard = [append for append in waiting if append.unanswered]
        foreseen_wrongly = plan.generation == plan.log.generation
        if foreseen_wrongly or unheard:
            plan.log.doubt(unheard)
        return foreseen_wrongly

    def _look_again(self, plan: Plan, *, held: bool) -> None:
        """Learn what moved; if nothing did, somebody holds the head: leave it alone for a while."""
        known = plan.log
        self._learn(known)
        if held and known.position == plan.expected:
            known.not_before = monotonic() + HELD_PAUSE_SECONDS

    def _learn(self, known: Log) -> None:
        """Make the memory of a log true again; what was kept unheard succeeds now."""
        self._on_moved(known.agency, known.catch_up(self._ask()))

    def _ask(self) -> Connection:
        if self._side is None or self._side.closed:
            self._side = self._connect()
        return self._side

    def _reconnect(self, batch: list[Append], lost: Exception) -> None:
        """The connection died: what was kept is found by its event ids, the rest tries again."""
        log.warning("journal.connection_lost", extra={"reason": type(lost).__name__})
        pause = monotonic() + RECONNECT_PAUSE_SECONDS
        sent = [append for plans in self._sent for plan in plans for append in plan.appends]
        self._sent.clear()
        for connection in (self._wire, self._side):
            if connection is not None:
                connection.close()
        self._wire = self._side = None
        for append in (*sent, *batch):
            self._logs.setdefault(append.agency, Log(append.agency)).not_before = pause
        for append in sent:
            append.unanswered = True
            self._logs[append.agency].doubt([append])
        self._waiting.put_off += (*sent, *batch)

    def _isolate(self, batch: list[Append], bug: Exception) -> None:
        """A batch was refused as a whole: the append that is at fault fails alone."""
        in_flight = [append for append in batch if append.in_flight]
        for append in in_flight:
            known = self._logs.setdefault(append.agency, Log(append.agency))
            known.doubt(())
            if isinstance(bug, psycopg.IntegrityError):
                known.forget()
        if len(in_flight) == 1:
            log.error("journal.append_failed", extra={"reason": type(bug).__name__})
            in_flight[0].fail(bug)
            return
        for append in in_flight:
            self._hear_all()
            self._try([append])
            self._hear_all()

    def _hear_all(self) -> None:
        while self._sent:
            self._hear()
