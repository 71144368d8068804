"""Reading one's own write: a command, then a read that waits for the position it was given.

One client, again and again, over several agencies; the projector runs in another process with
every projection. The time is that of the read: from the command's answer until the row is there
(the wait for the `people` projection that a route makes, then the query), and what is read is what
was written. The other side is the library's own: `ProjectionRunner.wait()` after a save, its
runner in this process, and a projection that writes one row in its tracking transaction.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import cycle
from time import perf_counter

from benchmarks import Bench, Measured, ours
from benchmarks.children import beside
from benchmarks.race import percentile_ms
from benchmarks.stock_view import Reader, reading
from domain.principal import Principal
from projections.freshness import Waiter
from projections.people import people as read_people
from system.office import Premises

TITLE = "a read that waits for the position just written, against the stock wait"
GOAL = "p99 under 15 ms"

AGENCIES = 10
PATIENCE_SECONDS = 10.0


class Own:
    """Our side: one who writes and reads it back."""

    def __init__(self, rooms: Premises, waiter: Waiter, who: Principal) -> None:
        self._rooms = rooms
        self._waiter = waiter
        self._who = who
        people = ours.introduce(rooms.office, AGENCIES, 1)
        self._people = cycle(person for few in people for person in few)

    def read(self) -> float:
        """Write, then read; the seconds that the read took."""
        person = next(self._people)
        answer, email = ours.change_contact(self._rooms.office, self._who, person)
        began = perf_counter()
        shown = self._waiter.wait(person.agency, answer.position, ["people"], PATIENCE_SECONDS)
        with self._rooms.pool.connection() as connection:
            (row,) = read_people(connection, person.agency, [answer.ids["party_id"]])
        took_seconds = perf_counter() - began
        assert shown
        assert row.email == email
        return took_seconds


def measure(bench: Bench) -> Measured:
    measured = Measured()
    with ExitStack() as stack:
        url = stack.enter_context(bench.database("ours"))
        rooms = stack.enter_context(ours.opened(url))
        waiter = Waiter(rooms.connect)
        stack.callback(waiter.close)
        stack.enter_context(beside("projecting", url))
        own = Own(rooms, waiter, ours.staff(AGENCIES))
        reader = stack.enter_context(reading(stack.enter_context(bench.database("stock"))))
        own.read()
        stock_read(reader, 0)
        for _ in bench.each_round():
            reads = [own.read() for _ in range(bench.size(400, 100))]
            measured.add("ours, p50", percentile_ms(reads, 0.5), "ms")
            measured.add("ours, p99", percentile_ms(reads, 0.99), "ms")
            theirs = [stock_read(reader, number) for number in range(bench.size(20, 5))]
            measured.add("stock, p50", percentile_ms(theirs, 0.5), "ms")
            measured.add("stock, p99", percentile_ms(theirs, 0.99), "ms")
    return measured


def stock_read(reader: Reader, number: int) -> float:
    """The same in the library's way."""
    contact = f"{number:09d}".rjust(100)
    notification_id = reader.write(contact)
    began = perf_counter()
    shown = reader.read(notification_id)
    took_seconds = perf_counter() - began
    assert shown == contact
    return took_seconds
