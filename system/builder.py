"""The builder's duty: what this program folds in a new way is built while the old rows serve."""

from __future__ import annotations

from threading import Event

import psycopg
import structlog

from projections.generations import BeingRebuilt
from projections.whole import Poisoned
from system.crew import WorkerDied, Workshop
from system.rebuild import ReadersHold, build_wanted

JOBS = 2
"""More than one, so that it is done beside this process: the projector in it is not held up."""
PAUSE_SECONDS = 2.0

log = structlog.stdlib.get_logger("quittance.system")


def build(stop: Event, shop: Workshop) -> None:
    """Build what is to be built, then do nothing until told to stop."""
    while not stop.is_set():
        try:
            built = build_wanted(shop, jobs=JOBS)
        except Poisoned as poison:
            log.error(
                "projections.build_stopped", projection=poison.projection,
                agency=str(poison.agency), reason=poison.told, places=poison.trace,
            )  # fmt: skip
            break
        except (psycopg.Error, BeingRebuilt, ReadersHold, WorkerDied) as hindered:
            log.warning("projections.build_hindered", reason=type(hindered).__name__)
            stop.wait(PAUSE_SECONDS)
        else:
            if built:
                log.info("projections.built", projections=built)
            break
    stop.wait()
