"""The counter, for every test of this folder that asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.payment import InitiatePayment
from tests.api.pages.counter import Counter, counter


@pytest.fixture
def till(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter]:
    monkeypatch.setattr(InitiatePayment, "provider", "fake")
    with counter(database_url, tmp_path) as built:
        yield built
