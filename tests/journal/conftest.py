"""One office over a fresh database, and the tests' own events made known for a while."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain import Event
from system.office import know_everything
from tests.journal.counters import EVENTS
from tests.journal.desk import Desk, desk


@pytest.fixture(autouse=True)
def known_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of the product's events, and the counters'."""
    know_everything()
    for event in EVENTS:
        monkeypatch.setitem(Event.named, event.__name__, event)


@pytest.fixture
def here(database_url: str) -> Iterator[Desk]:
    """This process's office."""
    with desk(database_url) as opened:
        yield opened


@pytest.fixture
def there(database_url: str) -> Iterator[Desk]:
    """Another office on the same database, with a memory of its own, as another process has."""
    with desk(database_url) as opened:
        yield opened
