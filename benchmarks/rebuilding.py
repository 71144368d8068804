"""What the rows about rebuilds share: a filled journal, and a rebuild as the product does it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

import psycopg

from benchmarks import Bench, ours
from benchmarks.demo_copy import plan
from projections import Projection
from system.crew import Workshop
from system.demo_loading import make
from system.office import PROJECTIONS
from system.one_cpu import all_cpus
from system.postgres import with_database
from system.rebuild import Asked, rebuild

AGENCIES = 100
JOBS = 2


@contextmanager
def filled(bench: Bench, agencies: int = AGENCIES) -> Iterator[tuple[str, int]]:
    """A database with the big demo, a million events in 100 agencies, and how many they are."""
    with bench.database("filled"):
        url = with_database(bench.server_url, "filled")
        with ours.opened(url) as rooms:
            told = make(rooms, plan(bench)._replace(agencies=agencies), jobs=JOBS)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE) events")
        yield url, told.events


def shop(url: str) -> Workshop:
    return Workshop(url, ours.settings_for(url).read_master_key(), PROJECTIONS)


def seconds_of(url: str, *projections: Projection) -> float:
    """Rebuild from the first entry to the switch, with what serves compared; how long it took."""
    with all_cpus():
        began = perf_counter()
        rebuild(shop(url), Asked(projections, jobs=JOBS))
        return perf_counter() - began
