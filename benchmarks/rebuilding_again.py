"""Rebuilds every read model again and again, as `quittance rebuild --all` does, until stopped.

Standard input: the URL of a database. It says so when it has rebuilt once, and goes on.
"""

from __future__ import annotations

import json
import signal
import sys

from benchmarks.alone import stop
from benchmarks.rebuilding import JOBS, shop
from system.office import PROJECTIONS, know_everything
from system.rebuild import Asked, rebuild


def main() -> None:
    signal.signal(signal.SIGTERM, stop)
    know_everything()
    asked = Asked(PROJECTIONS, jobs=JOBS)
    rooms = shop(json.loads(sys.stdin.readline()))
    print("ready", flush=True)
    while True:
        rebuild(rooms, asked)


if __name__ == "__main__":
    main()
