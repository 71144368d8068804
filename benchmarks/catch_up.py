"""The live engine 100,000 events behind, against the library's stock runner as far behind.

The engine is the projector's own, in one process: with the balances alone, as the runner has one
question as well, and told apart with every read model.
"""

from __future__ import annotations

from time import perf_counter

import psycopg

from benchmarks import Bench, Measured, ours
from benchmarks.rebuilding import filled
from benchmarks.stock_balances import events_per_second
from projections import Projection
from projections.balances import Balances
from projections.engine import Engine
from system.office import PROJECTIONS

TITLE = "the live engine 100,000 events behind, against the stock runner"
GOAL = "40 ×"


def measure(bench: Bench) -> Measured:
    measured = Measured()
    with filled(bench, bench.size(10, 100)) as (url, events):
        for _ in bench.each_round():
            alone = events / _caught_up(url, Balances())
            everything = events / _caught_up(url, *PROJECTIONS)
            with bench.database("stock") as empty:
                stock = events_per_second(empty, bench.size(20_000, 4_000))
            measured.ratio("balances to the stock runner", alone, stock)
            measured.ratio("every read model to the stock runner", everything, stock)
            measured.add("balances", alone, "1/s")
            measured.add("every read model", everything, "1/s")
            measured.add("stock runner", stock, "1/s")
    measured.note(f"{events} events; {len(PROJECTIONS)} read models in all")
    return measured


def _caught_up(url: str, *projections: Projection) -> float:
    """Fold all from the first entry, into what serves; how long it took."""
    with psycopg.connect(url, autocommit=True) as connection:
        tables = [kind.table for projection in PROJECTIONS for kind in projection.rows]
        connection.execute(f"TRUNCATE {', '.join(f'read.{table}' for table in tables)}")
        connection.execute("DELETE FROM read.positions")
    with ours.opened(url) as rooms:
        engine = Engine(rooms.connect, rooms.journal, projections)
        began = perf_counter()
        while engine.cycle():
            pass
        took_seconds = perf_counter() - began
        engine.close()
    return took_seconds
