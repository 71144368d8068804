"""One PostgreSQL server of our own: made, started, waited for, stopped."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import psycopg

from system.binaries import Binaries, find_binaries
from system.locks import EXCLUSIVE, LockTimeout, acquire, attempt, open_lock
from system.premises import (
    PRIVATE_BASES,
    SOCKET_NAME,
    Account,
    EngineUnavailable,
    server_account,
    server_home,
    socket_folder,
)
from system.tether import tethered

DATABASE = "quittance"
FORMER_SERVER_TIMEOUT_SECONDS = 60
START_TIMEOUT_SECONDS = 300
STOP_TIMEOUT_SECONDS = 60
THROWAWAY_MARK = "throwaway"
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

# Written once after initdb, so that an operator may edit them. The last two keep statements
# and the values of rows, which may name people, out of the server's log.
CONFIGURATION = """
shared_buffers = 256MB
max_connections = 100
max_wal_size = 1GB
wal_compression = on
synchronous_commit = on
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
log_min_error_statement = panic
log_error_verbosity = terse
"""


@dataclass(frozen=True)
class Server:
    """All that is needed to start the server of one DATA_DIR."""

    data_dir: Path
    account: Account
    home: Path
    socket: Path
    binaries: Binaries
    lock: int
    throwaway: bool

    @property
    def cluster(self) -> Path:
        return self.home / "pgdata"

    def url(self, database: str) -> str:
        host = quote(str(self.socket), safe="")
        return f"postgresql://quittance@/{database}?host={host}&port=5432"

    def popen(self, *command: str) -> subprocess.Popen[bytes]:
        """Start one of its programs, tied to us and sharing the lock on its data."""
        with (self.data_dir / "logs" / "postgres.log").open("ab") as output:
            return subprocess.Popen(
                tethered(list(command), signal.SIGINT, self.account.owner),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=ENVIRONMENT,
                pass_fds=[self.lock],
            )

    def complaint(self) -> str:
        """The last thing the server or initdb said, for an error message."""
        log = self.data_dir / "logs" / "postgres.log"
        lines = log.read_text(errors="replace").split("\n")
        said = [line.strip() for line in lines[-40:] if line.strip()]
        grave = re.compile(r"FATAL(?!:  the database system is)|PANIC|error:")
        serious = [line for line in said if grave.search(line)]
        return f"{(serious or said or ['it said nothing'])[-1]} (see {log})"


def prepare(data_dir: Path, throwaway: bool) -> Server:
    """Settle where everything lies, and make sure that no former server still runs there."""
    account = server_account(data_dir)
    home = server_home(data_dir, account)
    lock = _lock_of(home)
    sweep_throwaways()
    if throwaway:
        (home / THROWAWAY_MARK).touch()
    version = home / "pgdata" / "PG_VERSION"
    binaries = find_binaries(account, int(version.read_text()) if version.exists() else None)
    socket = socket_folder(data_dir, home, account)
    return Server(data_dir, account, home, socket, binaries, lock, throwaway)


def _lock_of(home: Path) -> int:
    """The lock that all of PostgreSQL's processes share: while one of them lives, it is taken."""
    lock = open_lock(home / "server.lock")
    try:
        acquire(lock, EXCLUSIVE, FORMER_SERVER_TIMEOUT_SECONDS)
    except LockTimeout:
        os.close(lock)
        raise EngineUnavailable(f"another PostgreSQL still runs on {home}.") from None
    return lock


def after_its_death(server: Server) -> Server:
    """The same server, once the processes that its death left behind are gone as well."""
    os.close(server.lock)
    return replace(server, lock=_lock_of(server.home))


def sweep_throwaways() -> None:
    """Remove what killed test runs left in root's private places."""
    marks = [mark for base in PRIVATE_BASES for mark in base.glob(f"*/{THROWAWAY_MARK}")]
    for mark in marks if os.geteuid() == 0 else []:
        lock = open_lock(mark.with_name("server.lock"))
        if attempt(lock, EXCLUSIVE):
            shutil.rmtree(mark.parent, ignore_errors=True)
        os.close(lock)


def create_cluster(server: Server) -> None:
    """Run initdb beside the final place and rename: it is there whole or not at all."""
    fresh = server.home / "pgdata.new"
    shutil.rmtree(fresh, ignore_errors=True)
    locale, sync = ["--locale=C.UTF-8"], []
    if server.binaries.major >= 17:
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        # One call for the whole disk: on a busy one, a thousand files take seconds.
        sync = ["--sync-method=syncfs"] if sys.platform == "linux" else []
    access = ["--username=quittance", "--auth-local=trust", "--auth-host=reject"]
    if server.throwaway:
        sync = ["--no-sync"]
    initdb = server.binaries.command("initdb")
    made = server.popen(initdb, "-D", str(fresh), "--encoding=UTF8", *locale, *access, *sync)
    if made.wait() != 0:
        raise EngineUnavailable(f"initdb failed: {server.complaint()}")
    with (fresh / "postgresql.conf").open("a") as file:
        file.write(CONFIGURATION)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(server.cluster)


def forget_former_server(server: Server) -> None:
    """Remove the notes of a killed server, whose number may by now be another process's.

    Holding the lock on the data proves that no server of ours lives; one that was started by
    hand would have its working directory there.
    """
    note = server.cluster / "postmaster.pid"
    if note.exists():
        pid = note.read_text().split("\n", 1)[0].strip()
        with contextlib.suppress(FileNotFoundError, PermissionError):
            if Path(f"/proc/{pid}/cwd").resolve(strict=True) == server.cluster.resolve():
                raise EngineUnavailable(
                    f"PostgreSQL {pid} was started by hand on {server.cluster}."
                )
        note.unlink()
    for name in (SOCKET_NAME, f"{SOCKET_NAME}.lock"):
        (server.socket / name).unlink(missing_ok=True)


def start(server: Server) -> subprocess.Popen[bytes]:
    """Start the server and wait until it answers and has our database."""
    if not server.cluster.is_dir():
        create_cluster(server)
    forget_former_server(server)
    given = ["listen_addresses=", f"unix_socket_directories={server.socket}"]
    given += ["unix_socket_permissions=0700", "logging_collector=off"]
    if server.throwaway:
        given += ["fsync=off", "full_page_writes=off", "synchronous_commit=off"]
    options = [part for setting in given for part in ("-c", setting)]
    program = server.binaries.command("postgres")
    postgres = server.popen(program, "-D", str(server.cluster), "-p", "5432", *options)
    try:
        _wait_until_it_answers(server, postgres)
    except BaseException:
        stop(postgres)
        raise
    return postgres


def _wait_until_it_answers(server: Server, postgres: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            with psycopg.connect(
                server.url("postgres"), connect_timeout=5, autocommit=True
            ) as connection:
                named = (DATABASE,)
                query = "SELECT FROM pg_database WHERE datname = %s"
                if connection.execute(query, named).fetchone() is None:
                    connection.execute(f"CREATE DATABASE {DATABASE} STRATEGY FILE_COPY")
                return
        except psycopg.OperationalError:
            if postgres.poll() is not None:
                raise EngineUnavailable(f"PostgreSQL did not start: {server.complaint()}") from None
            if time.monotonic() > deadline:
                raise EngineUnavailable(
                    f"PostgreSQL does not answer after {START_TIMEOUT_SECONDS} s: "
                    f"{server.complaint()}"
                ) from None
            time.sleep(0.01)


def stop(postgres: subprocess.Popen[bytes]) -> None:
    """Stop the server: fast and orderly, else at once, else by force; it recovers from all."""
    patience = (
        (signal.SIGINT, STOP_TIMEOUT_SECONDS),
        (signal.SIGQUIT, STOP_TIMEOUT_SECONDS / 6),
        (signal.SIGKILL, None),
    )
    for how, timeout_seconds in patience:
        if postgres.poll() is None:
            postgres.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            postgres.wait(timeout_seconds)
            return
