"""Follows the journal: pulls whenever something was appended, and every half second anyway."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event
from typing import Any

import psycopg
from psycopg import Connection

from journal.wakeup import CHANNEL

POLL_SECONDS = 0.5
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.4
"""Also after a long outage, less than a second passes from its end until all goes on."""

log = logging.getLogger("quittance.workers")


def follow(
    connect: Callable[[], Connection[Any]],
    pull: Callable[[], bool],
    stop: Event,
    *,
    poll_seconds: float = POLL_SECONDS,
    survives: tuple[type[Exception], ...] = (psycopg.Error,),
) -> None:
    """Call `pull` until told to stop; at once again while it says that there is more.

    It listens before the first pull, so that nothing is appended unheard in between. When what
    it `survives` happens it tries again, a little later each time, and starts with a pull.
    """
    pause_seconds = FIRST_PAUSE_SECONDS
    while not stop.is_set():
        try:
            with connect() as connection:
                connection.autocommit = True
                connection.execute(f"LISTEN {CHANNEL}")
                while not stop.is_set():
                    while pull() and not stop.is_set():
                        pass
                    pause_seconds = FIRST_PAUSE_SECONDS
                    for _ring in connection.notifies(timeout=poll_seconds, stop_after=1):
                        pass
        except survives as lost:
            state = getattr(lost, "sqlstate", None)
            reason = {"reason": type(lost).__name__, "state": state}
            log.warning("workers.pull_failed", extra=reason)
            stop.wait(pause_seconds)
            pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)
