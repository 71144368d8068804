"""A real PostgreSQL for every test that asks: one server per run, one database per test."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from system.migrations import migrate
from system.postgres import create_database, drop_database, engine, with_database

# Set once by the process that starts the workers, which inherit it.
RUN = os.environ.setdefault("QUITTANCE_TEST_RUN", secrets.token_hex(4))
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "alone")
TEMPLATE = f"test_{RUN}_template"
numbers = itertools.count(1)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run see, and no other run."""
    ours = tmp_path_factory.getbasetemp()
    return ours if WORKER == "alone" else ours.parent


@pytest.fixture(scope="session")
def server_url(shared_folder: Path) -> Iterator[str]:
    """A PostgreSQL: DATABASE_URL, else an embedded one that the workers share."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
    else:
        with engine(shared_folder / "engine", throwaway=True) as url:
            yield url


@pytest.fixture(scope="session")
def template(server_url: str, shared_folder: Path) -> str:
    """The name of a database with all migrations applied, made by whoever comes first."""
    with (shared_folder / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with contextlib.suppress(psycopg.errors.DuplicateDatabase):
            create_database(server_url, TEMPLATE)
        migrate(with_database(server_url, TEMPLATE))
    return TEMPLATE


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """A fresh database without any table."""
    with _database(server_url, None) as url:
        yield url


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """A fresh database with all migrations applied."""
    with _database(server_url, template) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(server_url: str, template: str) -> Iterator[str]:
    """The same for all tests of a file; mark the file as an `xdist_group`, to make it once."""
    with _database(server_url, template) as url:
        yield url


@contextlib.contextmanager
def _database(server_url: str, template: str | None) -> Iterator[str]:
    name = f"test_{RUN}_{WORKER}_{os.getpid()}_{next(numbers)}"
    try:
        yield create_database(server_url, name, template=template)
    finally:
        drop_database(server_url, name)


def pytest_sessionfinish() -> None:
    """Leave nothing of this run on a server that is not ours, once all workers are done."""
    server = os.environ.get("DATABASE_URL")
    if server and "PYTEST_XDIST_WORKER" not in os.environ:
        drop_database(server, TEMPLATE)
