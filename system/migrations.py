"""Brings a database to the shape that this program needs: plain SQL files, in order, once each."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

DIRECTORY = Path(__file__).parent / "migrations"
FILE_NAME = re.compile(r"(\d{3})_[a-z0-9_]+\.sql")
NO_TRANSACTION = "-- no-transaction"
# "migrations" in ASCII: any number will do, as long as all of us use the same one.
ADVISORY_LOCK = 0x6D69_6772_6174
LOCK_TIMEOUT_MS = 5000
OTHER_MIGRATOR_TIMEOUT_SECONDS = 120

HISTORY = """
CREATE TABLE IF NOT EXISTS migrations (
    name text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""

Connection = psycopg.Connection[tuple[Any, ...]]


class MigrationRefused(Exception):
    """The database and the files disagree, or a file failed; nothing of that file was kept."""


@dataclass(frozen=True)
class Migration:
    """One file, applied in one transaction.

    A file whose first line is `-- no-transaction` (for a concurrent index) is one statement
    that may safely run twice, and it waits for locks as long as it must.
    """

    name: str
    text: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text).hexdigest()

    @property
    def in_transaction(self) -> bool:
        return not self.text.decode().lstrip().startswith(NO_TRANSACTION)


def migrate(url: str, directory: Path = DIRECTORY) -> list[str]:
    """Apply what is missing and return the names applied; raises `MigrationRefused`.

    Two at once take turns. A statement that waits for a lock longer than five seconds gives
    up, so that a migration never queues the whole traffic behind itself.
    """
    migrations = read_directory(directory)
    with psycopg.connect(url, autocommit=True) as connection:
        _take_turn(connection)
        connection.execute(HISTORY)
        missing = _missing(migrations, _applied(connection))
        for migration in missing:
            _apply(connection, migration)
    return [migration.name for migration in missing]


def pending(url: str, directory: Path = DIRECTORY) -> list[str]:
    """The names that `migrate` would apply; changes nothing; raises `MigrationRefused`."""
    migrations = read_directory(directory)
    with psycopg.connect(url, autocommit=True) as connection:
        known = connection.execute("SELECT to_regclass('migrations') IS NOT NULL").fetchone()
        applied = _applied(connection) if known and known[0] else {}
    return [migration.name for migration in _missing(migrations, applied)]


def read_directory(directory: Path = DIRECTORY) -> list[Migration]:
    """All `NNN_name.sql` files in order; other names and repeated numbers are refused."""
    paths = sorted(directory.glob("*.sql"))
    numbers: dict[str, str] = {}
    for path in paths:
        name = FILE_NAME.fullmatch(path.name)
        if name is None:
            raise MigrationRefused(f"{path.name}: a migration is named like 001_journal.sql.")
        twin = numbers.setdefault(name[1], path.name)
        if twin != path.name:
            raise MigrationRefused(f"{twin} and {path.name} have the same number.")
    return [Migration(path.name, path.read_bytes()) for path in paths]


def _take_turn(connection: Connection) -> None:
    """Ask again and again: waiting inside PostgreSQL would hold a snapshot, which a
    concurrent index of the other migrator waits for in its turn."""
    deadline = time.monotonic() + OTHER_MIGRATOR_TIMEOUT_SECONDS
    query = "SELECT pg_try_advisory_lock(%s)"
    while connection.execute(query, (ADVISORY_LOCK,)).fetchone() != (True,):
        if time.monotonic() > deadline:
            raise MigrationRefused(
                f"another migration has been running for {OTHER_MIGRATOR_TIMEOUT_SECONDS} s."
            )
        time.sleep(0.05)


def _applied(connection: Connection) -> dict[str, str]:
    rows = connection.execute("SELECT name, sha256 FROM migrations ORDER BY name").fetchall()
    return {row[0]: row[1] for row in rows}


def _missing(migrations: list[Migration], applied: Mapping[str, str]) -> list[Migration]:
    """What remains to be done, once the files and the database's history agree."""
    files = {migration.name for migration in migrations}
    for name in applied:
        if name not in files:
            raise MigrationRefused(
                f"the database has {name}, which this program does not know: it is newer."
            )
    newest = max(applied, default="")
    missing = []
    for migration in migrations:
        recorded = applied.get(migration.name)
        if recorded is None and migration.name < newest:
            raise MigrationRefused(f"{migration.name} comes before {newest}, which is applied.")
        if recorded is None:
            missing.append(migration)
        elif recorded != migration.sha256:
            raise MigrationRefused(
                f"{migration.name} has changed since it was applied: restore it, and write "
                "the change in a new file."
            )
    return missing


def _apply(connection: Connection, migration: Migration) -> None:
    try:
        if migration.in_transaction:
            with connection.transaction():
                connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_MS}ms'")
                connection.execute(migration.text)
                _record(connection, migration)
        else:
            connection.execute(migration.text)
            _record(connection, migration)
    except psycopg.errors.LockNotAvailable:
        raise MigrationRefused(
            f"{migration.name}: another session kept a lock for {LOCK_TIMEOUT_MS} ms; run it again."
        ) from None
    except psycopg.Error as failure:
        raise MigrationRefused(f"{migration.name}: {str(failure).strip()}") from failure


def _record(connection: Connection, migration: Migration) -> None:
    connection.execute(
        "INSERT INTO migrations (name, sha256) VALUES (%s, %s)",
        (migration.name, migration.sha256),
    )
