"""Two real logs for every test of this folder that asks."""

from collections.abc import Iterator

import pytest

from tests.projections.logs import Logs, open_logs


@pytest.fixture
def logs(database_url: str) -> Iterator[Logs]:
    with open_logs(database_url) as opened:
        yield opened
