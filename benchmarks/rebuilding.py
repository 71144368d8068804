"""What the rows about rebuilds share: a filled journal, and a rebuild as the product does it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from benchmarks import Bench, ours
from benchmarks.filled import PER_MONTH, fill
from projections import Projection
from system.crew import Workshop
from system.office import PROJECTIONS, know_everything
from system.one_cpu import all_cpus
from system.readiness import bring_to_shape
from system.rebuild import Asked, rebuild

AGENCIES, MONTHS = 100, 24
JOBS = 2


@contextmanager
def filled(bench: Bench) -> Iterator[tuple[str, int]]:
    """A database with 1,000,000 events of 100 agencies, fewer when quick, and how many they are."""
    know_everything()
    leases = -(-bench.size(1_000_000, 100_000) // (AGENCIES * MONTHS * PER_MONTH))
    with bench.database("filled") as url:
        bring_to_shape(url)
        yield url, fill(url, AGENCIES, leases, MONTHS)


def shop(url: str) -> Workshop:
    return Workshop(url, ours.settings_for(url).read_master_key(), PROJECTIONS)


def seconds_of(url: str, *projections: Projection) -> float:
    """Rebuild from the first entry to the switch, with what serves compared; how long it took."""
    with all_cpus():
        began = perf_counter()
        rebuild(shop(url), Asked(projections, jobs=JOBS))
        return perf_counter() - began
