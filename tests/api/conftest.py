"""The edge, for every test of this folder that asks for it."""

from collections.abc import Iterator

import pytest

from tests.api.premises import Premises, premises


@pytest.fixture
def edge(database_url: str) -> Iterator[Premises]:
    with premises(database_url) as built:
        yield built
