"""The embedded PostgreSQL, shared by all processes that use one DATA_DIR at the same time.

The first user starts a keeper (`system.keeper`), which outlives it as long as there are other
users. A user that is killed is forgotten by the kernel, which releases its lock.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

from system.locks import (
    EXCLUSIVE,
    PAUSE_SECONDS,
    SHARED,
    LockTimeout,
    acquire,
    available,
    held,
    open_lock,
)
from system.premises import EngineUnavailable
from system.server import FORMER_SERVER_TIMEOUT_SECONDS, START_TIMEOUT_SECONDS, STOP_TIMEOUT_SECONDS
from system.settings import Settings

__all__ = [
    "EngineUnavailable",
    "create_database",
    "database",
    "drop_database",
    "engine",
    "ensure_database",
    "with_database",
]

OLDEST_SERVER = 150000
ANSWER_TIMEOUT_SECONDS = 5
LEAVE_TIMEOUT_SECONDS = 2 * STOP_TIMEOUT_SECONDS
READY_TIMEOUT_SECONDS = START_TIMEOUT_SECONDS + FORMER_SERVER_TIMEOUT_SECONDS
CODE = Path(__file__).resolve().parent.parent


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The URL of the database to use: DATABASE_URL, else the embedded engine's.

    Raises `EngineUnavailable` when it does not answer or is too old.
    """
    if settings.database_url is None:
        with engine(settings.data_dir) as url:
            yield url
        return
    try:
        with psycopg.connect(
            settings.database_url, connect_timeout=ANSWER_TIMEOUT_SECONDS
        ) as connection:
            version = connection.info.server_version
    except psycopg.OperationalError as failure:
        reason = str(failure).strip().split("\n")[-1]
        raise EngineUnavailable(f"DATABASE_URL cannot be reached: {reason}") from None
    if version < OLDEST_SERVER:
        raise EngineUnavailable(
            f"DATABASE_URL is PostgreSQL {version // 10000}; at least 15 is needed."
        )
    yield settings.database_url


@contextmanager
def engine(data_dir: Path, *, throwaway: bool = False) -> Iterator[str]:
    """Use the embedded PostgreSQL of `data_dir`, and yield the URL of its database.

    It runs until its last user has left. A `throwaway` engine, for tests, is not durable and
    its data are removed when it stops. Raises `EngineUnavailable`.
    """
    data_dir = data_dir.expanduser().absolute()
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        (data_dir / "logs").mkdir(mode=0o700, exist_ok=True)
        user = open_lock(data_dir / "postgres.users.lock")
    except OSError as failure:
        raise EngineUnavailable(f"DATA_DIR {data_dir} cannot be used: {failure}") from None
    keeper: int | None = None
    try:
        # Not to be had while a keeper, whose users have all left, stops its server.
        acquire(user, SHARED, LEAVE_TIMEOUT_SECONDS)
        keeper, url = _join_or_start(data_dir, throwaway)
        yield url
    except LockTimeout:
        raise EngineUnavailable(f"PostgreSQL of {data_dir} neither starts nor stops.") from None
    finally:
        os.close(user)
        _leave(data_dir, keeper)


def _join_or_start(data_dir: Path, throwaway: bool) -> tuple[int | None, str]:
    """The keeper's pid if it is a child of ours, and the URL of the server."""
    with held(data_dir / "postgres.start.lock", EXCLUSIVE, READY_TIMEOUT_SECONDS):
        url = _url_of_running(data_dir)
        if url:
            return None, url
        return _start_keeper(data_dir, throwaway)


def _url_of_running(data_dir: Path) -> str | None:
    """The URL once a living keeper's server answers; None when no keeper lives."""
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    while not available(data_dir / "postgres.keeper.lock", EXCLUSIVE):
        with contextlib.suppress(FileNotFoundError, psycopg.OperationalError):
            url = (data_dir / "postgres.url").read_text()
            psycopg.connect(url, connect_timeout=ANSWER_TIMEOUT_SECONDS).close()
            return url
        if time.monotonic() > deadline:
            raise LockTimeout
        time.sleep(PAUSE_SECONDS)
    return None


def _start_keeper(data_dir: Path, throwaway: bool) -> tuple[int, str]:
    reader, writer = os.pipe()
    # Only what the keeper needs: an environment can be read, and ours has keys in it.
    wanted = ("PATH", "PG_BIN", "LANG", "HOME")
    environment = {name: os.environ[name] for name in wanted if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(CODE), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    log_flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    options = ["--throwaway"] if throwaway else []
    try:
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "system.keeper", str(data_dir), *options],
            environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, writer, 1),
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, data_dir / "logs" / "keeper.log", log_flags, 0o600),
            ],
            setsigmask=[],
            setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD],
        )
    finally:
        os.close(writer)
    with os.fdopen(reader) as answers:
        ready, _, _ = select.select([answers], [], [], READY_TIMEOUT_SECONDS)
        said = json.loads(answers.readline() or "{}") if ready else {}
    if "url" in said:
        return pid, str(said["url"])
    log = data_dir / "logs" / "keeper.log"
    _reap(pid)
    raise EngineUnavailable(said.get("error") or f"PostgreSQL did not start; see {log}.")


def _leave(data_dir: Path, keeper: int | None) -> None:
    """Return at once when others use the server, else when it has stopped."""
    users, keeping = data_dir / "postgres.users.lock", data_dir / "postgres.keeper.lock"
    deadline = time.monotonic() + LEAVE_TIMEOUT_SECONDS
    # DATA_DIR may have been removed under us; then there is nothing left to wait for.
    with contextlib.suppress(FileNotFoundError):
        while time.monotonic() < deadline:
            if available(keeping, EXCLUSIVE):
                if keeper is not None:
                    _reap(keeper)
                return
            if not available(users, EXCLUSIVE) and available(users, SHARED):
                return
            time.sleep(PAUSE_SECONDS)


def _reap(keeper: int) -> None:
    """Collect a keeper of ours that ends, so that it leaves no entry behind."""
    deadline = time.monotonic() + ANSWER_TIMEOUT_SECONDS
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(keeper, os.WNOHANG) == (0, 0) and time.monotonic() < deadline:
            time.sleep(PAUSE_SECONDS)


def with_database(url: str, name: str) -> str:
    """The same server's URL for another database."""
    return urlsplit(url)._replace(path=f"/{quote(name, safe='')}").geturl()


def ensure_database(url: str, name: str) -> str:
    """Create the database unless it exists; its URL."""
    with contextlib.suppress(psycopg.errors.DuplicateDatabase):
        create_database(url, name)
    return with_database(url, name)


def create_database(url: str, name: str, *, template: str | None = None) -> str:
    """Create a database, as a copy of a template that nobody is connected to; its URL.

    Raises `psycopg.errors.DuplicateDatabase`.
    """
    copied = sql.SQL("TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
    # Copying the files of a small template is five times as fast as logging its pages.
    statement = sql.SQL("CREATE DATABASE {} {} STRATEGY FILE_COPY").format(
        sql.Identifier(name), copied
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
    return with_database(url, name)


def drop_database(url: str, name: str) -> None:
    """Drop the database if it exists, whoever is connected to it."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
