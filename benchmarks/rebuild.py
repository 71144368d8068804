"""The balances read model rebuilt from 1,000,000 events, against the library and plain SQL.

Ours is the whole of it: folded beside what serves, indexed, compared and switched, with two jobs.
The library's is its stock runner with one upsert for each event, on fewer events and taken at that
rate. The other is what an expert writes by hand: one INSERT … SELECT … GROUP BY over the stored
JSON for the three balances of each lease, half of the agencies on each of two connections,
into a table with its key; no sources, no credit, no positions, nothing compared.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from time import perf_counter

import psycopg

from benchmarks import Bench, Measured
from benchmarks.rebuilding import JOBS, filled, seconds_of
from benchmarks.stock_balances import events_per_second
from projections.balances import Balances
from system.one_cpu import all_cpus

TITLE = "balances rebuilt from 1 M events, against the stock runner, and against SQL by hand"
GOAL = "120 ×; 0.5 ×"

_BY_HAND = """
INSERT INTO by_hand
SELECT agency, (fact ->> 'lease_id')::uuid,
    sum(CASE WHEN name IN ('ChargePosted', 'PaymentUnbooked') THEN cents
        WHEN name IN ('CreditPosted', 'PaymentConfirmed') THEN -cents ELSE 0 END),
    sum(CASE WHEN name IN ('ChargePosted', 'PaymentUnbooked') THEN cents
        WHEN name IN ('CreditPosted', 'PaymentBooked') THEN -cents ELSE 0 END),
    sum(CASE WHEN name IN ('ChargePosted', 'PaymentUnbooked') THEN cents
        WHEN name IN ('CreditPosted', 'PaymentSettled') THEN -cents ELSE 0 END)
FROM events, LATERAL (SELECT convert_from(state, 'UTF8')::jsonb AS fact OFFSET 0) f,
    LATERAL (SELECT (fact ->> 'amount_cents')::bigint AS cents) c
WHERE agency = ANY(%s) AND name IN ('ChargePosted', 'CreditPosted', 'PaymentConfirmed',
    'PaymentBooked', 'PaymentSettled', 'PaymentUnbooked')
GROUP BY 1, 2
"""


def measure(bench: Bench) -> Measured:
    measured = Measured()
    stock_events = bench.size(20_000, 4_000)
    with ExitStack() as stack:
        url, events = stack.enter_context(filled(bench))
        seconds_of(url, Balances())
        for _ in bench.each_round():
            ours = events / seconds_of(url, Balances())
            by_hand = events / _by_hand(url)
            with bench.database("stock") as empty:
                stock = events_per_second(empty, stock_events)
            measured.ratio("ours to the stock runner", ours, stock)
            measured.ratio("ours to SQL by hand, two backends", ours, by_hand)
            measured.add("ours", ours, "1/s")
            measured.add("SQL by hand", by_hand, "1/s")
            measured.add("stock runner", stock, "1/s")
    measured.note(f"{events} events; the stock runner on {stock_events}")
    return measured


def _by_hand(url: str) -> float:
    with psycopg.connect(url, autocommit=True) as connection, all_cpus():
        connection.execute("DROP TABLE IF EXISTS by_hand")
        connection.execute(
            "CREATE TABLE by_hand (agency uuid, lease_id uuid, confirmed_cents bigint,"
            " booked_cents bigint, settled_cents bigint, PRIMARY KEY (agency, lease_id))"
        )
        agencies = [agency for (agency,) in connection.execute("SELECT agency FROM heads")]
        began = perf_counter()
        with ThreadPoolExecutor(JOBS) as beside:
            for done in [beside.submit(_insert, url, agencies[n::JOBS]) for n in range(JOBS)]:
                done.result()
        return perf_counter() - began


def _insert(url: str, agencies: list[object]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET jit = off")
        connection.execute(_BY_HAND, [agencies])
