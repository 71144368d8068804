"""One agency that is hot, and one whose head is held: neither may cost the others anything.

Three turns in each round, with the same 32 threads and the same command: people of 200 agencies;
people of one agency alone; and again those of 200, while another session holds the head row of
one more agency by SELECT … FOR UPDATE, and two threads beside the 32 keep asking for commands in
that agency and wait. Both are told as parts of the first rate of the same round. In the last turn
the two that wait are not counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import psycopg

from benchmarks import AGENCIES, Bench, Measured, ours
from benchmarks.commands import PEOPLE, Many
from journal import Busy
from system.office import Premises

TITLE = "all commands in one agency; another agency's head held"
GOAL = "0.9 × the rate of many agencies, in both"

WAITING = 2
"""Threads that ask for commands in the agency that is held."""


def measure(bench: Bench) -> Measured:
    measured = Measured()
    with bench.database("ours") as url, ours.opened(url) as rooms:
        people = ours.introduce(rooms.office, AGENCIES + 1, PEOPLE)
        many, hot = Many(rooms.office, people[:AGENCIES]), Many(rooms.office, people[:1])
        for side in (many, hot):
            side.turn(bench.turn_seconds / 2)
        for _ in bench.each_round():
            rate = many.turn(bench.turn_seconds).per_second
            one = hot.turn(bench.turn_seconds)
            with held(rooms, people[-1]):
                beside = many.turn(bench.turn_seconds)
            measured.ratio("one agency to many", one.per_second, rate)
            measured.ratio("many, one more held, to many", beside.per_second, rate)
            measured.add("many agencies", rate, "1/s")
            measured.add("one agency", one.per_second, "1/s")
            measured.add("one agency, p99", one.p99_ms, "ms")
            measured.add("many, one more held", beside.per_second, "1/s")
            measured.add("many, one more held, p99", beside.p99_ms, "ms")
    return measured


@contextmanager
def held(rooms: Premises, people: list[ours.Person]) -> Iterator[None]:
    """Hold an agency's head while some threads ask for commands in it; they end well."""
    stop = Event()
    who = ours.staff(AGENCIES + 1)

    def ask(person: ours.Person) -> None:
        while not stop.is_set():
            try:
                ours.change_contact(rooms.office, who, person)
            except Busy:
                # Told to ask again later, as anybody is who waits too long.
                continue

    asking = [Thread(target=ask, args=(person,), daemon=True) for person in people[:WAITING]]
    with psycopg.connect(rooms.url) as other:
        other.execute("SELECT FROM heads WHERE agency = %s FOR UPDATE", [people[0].agency])
        for thread in asking:
            thread.start()
        try:
            yield
        finally:
            stop.set()
    for thread in asking:
        thread.join()
