"""The projector's duty: keep every read model as close behind the journal as can be."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from threading import Event
from typing import Any

from psycopg import Connection

from journal.journal import Journal
from projections import Projection
from projections.engine import Engine
from workers.follower import POLL_SECONDS, follow

YOUNG_OBJECTS = 200_000


def run(
    stop: Event,
    connect: Callable[[], Connection[Any]],
    journal: Journal,
    projections: Iterable[Projection],
    *,
    poll_seconds: float = POLL_SECONDS,
) -> None:
    """Fold until told to stop. `connect` opens a connection in autocommit."""
    # A batch makes many objects without cycles and drops them together: looking for garbage
    # among them at Python's usual pace takes a third of the time.
    gc.set_threshold(max(gc.get_threshold()[0], YOUNG_OBJECTS))
    engine = Engine(connect, journal, projections)
    try:
        follow(connect, engine.cycle, stop, poll_seconds=poll_seconds)
    finally:
        engine.close()
