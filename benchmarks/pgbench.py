"""PostgreSQL's own pgbench, inserting rows like one of our events: as fast as this disk can be.

The table is a copy of `events` with its columns and indexes. Each row goes to one of as many
agencies and streams as ours, at the end of its agency, so that the indexes grow in the same
places; nothing is locked, chained, sealed or remembered, and every row is a commit of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
from psycopg import sql

from benchmarks import AGENCIES, THREADS, Bench
from benchmarks.race import Pace, pace
from system.one_cpu import all_cpus

TABLE = "limit_events"
TIMEOUT_SECONDS = 60

_ROW = """
INSERT INTO limit_events (agency, position, stream, event_id, command_id, correlation_id,
    causation_id, recorded_at, version, schema_version, effective_on, name, actor, on_behalf_of,
    subjects, hash, state)
VALUES (lpad(:agency, 32, '0')::uuid, nextval('limit_position'),
    lpad(:stream, 32, '0')::uuid, gen_random_uuid(), {command_id}, {correlation_id}, NULL, now(),
    currval('limit_position'), 1, current_date, {name}, {actor}, NULL, {subjects}, {hash}, {state});
"""


class Missing(Exception):
    """There is no pgbench on this machine."""


def find() -> str:
    """The program: on PATH, in PG_BIN, or where Debian puts it. Raises Missing."""
    for place in _places():
        if os.access(place, os.X_OK):
            return str(place)
    raise Missing("pgbench is neither on PATH, nor in PG_BIN, nor in /usr/lib/postgresql/*/bin")


def _places() -> Iterator[Path]:
    on_path = shutil.which("pgbench")
    if on_path:
        yield Path(on_path)
    if os.environ.get("PG_BIN"):
        yield Path(os.environ["PG_BIN"]) / "pgbench"
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"), reverse=True)


class Pgbench:
    """Inserts into a copy of the `events` of a database that holds an event to imitate."""

    def __init__(self, bench: Bench, url: str, streams: int) -> None:
        self._program = find()
        self._folder = bench.folder / "pgbench"
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        self._url = url
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE limit_events (LIKE events INCLUDING ALL)")
            # A hundred at a time: the sequence is not what is measured.
            connection.execute("CREATE SEQUENCE limit_position CACHE 100")
            script = self._script(connection, streams)
        (self._folder / "insert.sql").write_text(script)

    def version(self) -> str:
        """What it says that it is."""
        command = [self._program, "--version"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def turn(self, seconds: float) -> Pace:
        """Insert with 32 clients, one commit each time."""
        for old in self._folder.glob("log.*"):
            old.unlink()
        parts = urlsplit(self._url)
        found = parse_qs(parts.query)
        command = [
            self._program, "--no-vacuum", "--protocol=prepared", "--file=insert.sql",
            f"--client={THREADS}", "--jobs=2", f"--time={max(1, round(seconds))}",
            "--log", "--log-prefix=log", "--host", found["host"][0], "--port", found["port"][0],
            "--username", parts.username or "", unquote(parts.path.lstrip("/")),
        ]  # fmt: skip
        with all_cpus():
            done = subprocess.run(
                command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_SECONDS,
                check=True,
            )
        return self._pace(done.stdout)

    def _pace(self, said: str) -> Pace:
        found = re.search(r"^tps = ([0-9.]+) \(without initial", said, re.MULTILINE)
        assert found is not None, said
        waits: dict[str, list[float]] = {}
        for log in self._folder.glob("log.*"):
            for line in log.read_text().splitlines():
                client, _, microseconds, *_ = line.split()
                waits.setdefault(client, []).append(int(microseconds) / 1_000_000)
        done = sum(map(len, waits.values()))
        return pace(list(waits.values()), done / float(found[1]))

    def _script(self, connection: psycopg.Connection, streams: int) -> str:
        """An insert of a row with the values, and so the lengths, of an event of ours."""
        row = connection.execute(
            "SELECT command_id, correlation_id, name, actor, subjects, hash, state FROM events"
            " WHERE name = 'ContactChanged' ORDER BY position DESC LIMIT 1"
        ).fetchone()
        assert row is not None, "there is no event to imitate"
        names = ("command_id", "correlation_id", "name", "actor", "subjects", "hash", "state")
        values = {name: _literal(connection, value) for name, value in zip(names, row, strict=True)}
        insert = " ".join(_ROW.format(**values).split())
        return (
            f"\\set agency random(1, {AGENCIES})\n"
            f"\\set stream random(1, {streams}) + 1000000 * :agency\n{insert}\n"
        )


def _literal(connection: psycopg.Connection, value: object) -> str:
    """A value as it stands in a script, where a colon before a letter would be a variable."""
    if isinstance(value, str):
        return "E'" + value.replace(":", r"\x3a") + "'"
    return sql.Literal(value).as_string(connection)
