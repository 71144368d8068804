"""How many rounds of every fault: one and a bit in `make test`, as many as one likes in chaos."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.business import Business, Desk, begin, open_desk, shaped
from tests.faults.proxy import Proxy, proxy

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "1"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `chance` runs once for every round, each with its own seed."""
    if "chance" in metafunc.fixturenames:
        metafunc.parametrize("chance", range(ROUNDS), ids=lambda chance: f"round {chance + 1}")


@pytest.fixture
def url(database_url: str) -> str:
    """A database with all tables."""
    return shaped(database_url)


@pytest.fixture
def desk(url: str, tmp_path: Path) -> Iterator[Desk]:
    """A process of ours that nothing happens to."""
    with open_desk(url, tmp_path) as opened:
        yield opened


@pytest.fixture
def business(desk: Desk) -> Business:
    return begin(desk.rooms)


@pytest.fixture
def between(desk: Desk, chance: int) -> Iterator[Proxy]:
    """What stands between the process `cut` and the database."""
    with proxy(desk.rooms.url, seed=chance) as opened:
        yield opened


@pytest.fixture
def cut(between: Proxy, tmp_path: Path) -> Iterator[Desk]:
    """Another process of ours, whose way to the database is spoilt."""
    with open_desk(between.url, tmp_path) as opened:
        yield opened
