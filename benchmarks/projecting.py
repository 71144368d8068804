"""The projector in a process of its own, as the worker runs it, with every projection.

Standard input: the URL of a database. It says so when it is about to begin, and goes on until it
is told to stop.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
from threading import Event
from types import FrameType

from benchmarks import ours
from system.office import PROJECTIONS, premises
from workers import projector


def main() -> None:
    stop = Event()

    def asked_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, asked_to_stop)
    url = json.loads(sys.stdin.readline())
    with premises(ours.settings_for(url), url, pool_size=4) as rooms:
        print("ready", flush=True)
        projector.run(stop, rooms.connect, rooms.journal, PROJECTIONS)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    main()
