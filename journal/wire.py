"""One statement on one connection, sent ahead of its answers: libpq's pipeline mode.

The writer knows what a log's head will be once a batch is kept, so it can send the next batch
before the first is answered; the statement's own fence refuses it if the first was not kept.
Each statement is its own transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from select import POLLIN, POLLOUT, poll

import psycopg
from psycopg import Connection, pq
from psycopg.errors import lookup

from journal.rows import NAMES
from journal.sql import ROW_TYPES

NAME = b"append"
PATIENCE_SECONDS = 30.0


class Wire:
    """A connection that speaks one prepared statement, whose results are read as raw bytes."""

    def __init__(self, connect: Callable[[], Connection], statement: str) -> None:
        self._connection = connect()
        # The plan is the same for every batch; planning anew would cost more than the commit.
        # Index scans only: the plan is made once, perhaps while the tables are still empty.
        self._connection.execute(
            "SELECT set_config('plan_cache_mode', 'force_generic_plan', false),"
            " set_config('enable_seqscan', 'off', false), set_config('jit', 'off', false)"
        )
        self.row_types: list[int] = [
            oid for (oid,) in self._connection.execute(ROW_TYPES, [list(NAMES)])
        ]
        """The types of the rows that the statement takes arrays of."""
        self._pg = self._connection.pgconn
        prepared = self._pg.prepare(NAME, statement.encode())
        if prepared.status != pq.ExecStatus.COMMAND_OK:
            raise _error(prepared)
        self._pg.nonblocking = 1
        self._pg.enter_pipeline_mode()
        self._poll = poll()
        self._poll.register(self._pg.socket, POLLIN)
        self.waiting = 0
        """Statements sent and not answered yet."""

    @property
    def usable(self) -> bool:
        return self._pg.status == pq.ConnStatus.OK

    def send(self, parameters: Sequence[bytes]) -> None:
        """Send the statement, without waiting for its answer."""
        self._pg.send_query_prepared(NAME, parameters, [1] * len(parameters), 1)
        self._pg.pipeline_sync()
        self._flush()
        self.waiting += 1

    def receive(self) -> list[tuple[bytes | None, ...]]:
        """The rows of the oldest unanswered statement, in PostgreSQL's binary format.

        Raises psycopg.OperationalError if the connection is lost, psycopg.Error if refused.
        """
        rows: list[tuple[bytes | None, ...]] = []
        refused: psycopg.Error | None = None
        while True:
            result = self._next_result()
            if result is None:
                continue
            match result.status:
                case pq.ExecStatus.PIPELINE_SYNC:
                    break
                case pq.ExecStatus.TUPLES_OK:
                    columns = range(result.nfields)
                    rows = [
                        tuple(result.get_value(row, column) for column in columns)
                        for row in range(result.ntuples)
                    ]
                case _:
                    refused = _error(result)
        self.waiting -= 1
        if refused is not None:
            raise refused
        return rows

    def close(self) -> None:
        self._connection.close()

    def _next_result(self) -> pq.abc.PGresult | None:
        while self._pg.is_busy():
            if not self._poll.poll(PATIENCE_SECONDS * 1000):
                raise psycopg.OperationalError("the database did not answer in time")
            self._pg.consume_input()
        result = self._pg.get_result()
        if result is None and not self.usable:
            raise psycopg.OperationalError("the connection to the database is lost")
        return result

    def _flush(self) -> None:
        """Push what is to be sent; read meanwhile, so that neither side waits for the other."""
        while self._pg.flush():
            self._poll.modify(self._pg.socket, POLLIN | POLLOUT)
            try:
                if not self._poll.poll(PATIENCE_SECONDS * 1000):
                    raise psycopg.OperationalError("the database takes nothing in")
            finally:
                self._poll.modify(self._pg.socket, POLLIN)
            self._pg.consume_input()


def _error(result: pq.abc.PGresult) -> psycopg.Error:
    state = result.error_field(pq.DiagnosticField.SQLSTATE)
    message = result.error_message.decode(errors="replace") if result.error_message else "refused"
    if state is None:
        return psycopg.OperationalError(message)
    try:
        return lookup(state.decode())(message)
    except KeyError:
        return psycopg.DatabaseError(message)
