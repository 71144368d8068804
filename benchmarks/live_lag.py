"""From commit to readable: how late the read models are while 1,000 events come in a second.

Two processes, as in production: this one runs commands at a steady pace over several agencies,
and another one runs the projector with every projection. The time is taken from the moment that
`execute()` has the commit's answer until the waiter, which the API asks as well, says in this
process that every projection shows that position. The pace does not wait for the answers: a slow
one delays none of the next. Then the same with a bell that does not ring, so that the projector
has nothing but its own looking.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import cycle
from time import perf_counter, sleep
from uuid import UUID

import psycopg

from aggregates.cells import Cells
from benchmarks import Bench, Measured, ours
from benchmarks.children import beside
from benchmarks.race import percentile_ms
from commands import Office
from journal.journal import Journal
from journal.keys import Keyring
from journal.wakeup import Bell
from projections.freshness import Waiter
from system.office import PROJECTIONS, Premises

TITLE = "commit to readable at 1,000 events/s; the same when the wake-up is lost"
GOAL = "p99 under 15 ms; never above 1 s when the signal is lost"

PACE_PER_SECOND = 1_000
AGENCIES = 10
WRITERS = 16
PATIENCE_SECONDS = 10.0
NAMES = tuple(projection.name for projection in PROJECTIONS)


class Lag:
    """Waits for every position that is committed, and knows how long each took."""

    def __init__(self, waiter: Waiter) -> None:
        self._waiter = waiter
        self._loop = asyncio.get_running_loop()
        self._asked: set[asyncio.Task[None]] = set()
        self.seconds: list[float] = []
        self.committed_at: list[float] = []
        self.never = 0

    def committed(self, agency: UUID, position: int) -> None:
        """Called by a writer as soon as it has its answer."""
        at = perf_counter()
        self.committed_at.append(at)
        self._loop.call_soon_threadsafe(self._ask, agency, position, at)

    def _ask(self, agency: UUID, position: int, at: float) -> None:
        task = self._loop.create_task(self._wait(agency, position, at))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    async def _wait(self, agency: UUID, position: int, at: float) -> None:
        if await self._waiter.reached(agency, position, NAMES, PATIENCE_SECONDS):
            self.seconds.append(perf_counter() - at)
        else:
            self.never += 1

    @property
    def per_second(self) -> float:
        """The pace that was kept in fact."""
        return len(self.committed_at) / (max(self.committed_at) - min(self.committed_at))

    async def all_shown(self) -> None:
        await asyncio.gather(*self._asked)


def measure(bench: Bench) -> Measured:
    measured = Measured()
    seconds = 1.5 * bench.turn_seconds
    with ExitStack() as stack:
        url = stack.enter_context(bench.database("ours"))
        rooms = stack.enter_context(ours.opened(url))
        bell = Muffled(rooms.connect)
        office = stack.enter_context(office_with(rooms, bell))
        people = ours.introduce(office, AGENCIES, WRITERS)
        waiter = Waiter(rooms.connect)
        stack.callback(waiter.close)
        stack.enter_context(beside("projecting", url))
        asyncio.run(turn(office, waiter, people, seconds / 2))
        for _ in bench.each_round():
            for bell.muffled in (False, True):
                lag = asyncio.run(turn(office, waiter, people, seconds))
                _tell(measured, "no signal: " if bell.muffled else "", lag)
        measured.note(_last_shown(rooms))
    return measured


def _tell(measured: Measured, side: str, lag: Lag) -> None:
    measured.add(f"{side}p50", percentile_ms(lag.seconds, 0.5), "ms")
    measured.add(f"{side}p99", percentile_ms(lag.seconds, 0.99), "ms")
    measured.add(f"{side}longest", percentile_ms(lag.seconds, 1.0), "ms")
    measured.add(f"{side}events committed", lag.per_second, "1/s")
    if lag.never:
        measured.note(f"{side}{lag.never} positions not shown in {PATIENCE_SECONDS} s")


class Muffled(Bell):
    """A bell that can be kept from ringing."""

    muffled = False

    def ring(self, agencies: Iterable[bytes] = ()) -> None:
        if not self.muffled:
            super().ring(agencies)


@contextmanager
def office_with(rooms: Premises, bell: Bell) -> Iterator[Office]:
    """An office as the premises have one, with another bell."""
    keys = Keyring(rooms.pool, rooms.settings.read_master_key())
    journal = Journal(rooms.pool, rooms.connect, keys, bell)
    try:
        yield Office(journal, Cells(journal), rooms.office.clock, rooms.office.hash_key)
    finally:
        journal.close()


async def turn(
    office: Office, waiter: Waiter, people: list[list[ours.Person]], seconds: float
) -> Lag:
    """Run commands at the pace for a while, and wait until all of them are shown."""
    lag = Lag(waiter)
    who = ours.staff(AGENCIES)
    begin = perf_counter() + 0.05
    each_seconds = WRITERS / PACE_PER_SECOND
    mine = ours.shared_out(people, WRITERS)

    def write(writer: int) -> None:
        persons = cycle(mine[writer])
        for number in range(int(seconds / each_seconds)):
            due = begin + (number + writer / WRITERS) * each_seconds
            sleep(max(0.0, due - perf_counter()))
            person = next(persons)
            answer, _ = ours.change_contact(office, who, person)
            lag.committed(person.agency, answer.position)

    with ThreadPoolExecutor(WRITERS) as writers:
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(writers, write, n) for n in range(WRITERS)))
    await lag.all_shown()
    return lag


def _last_shown(rooms: Premises) -> str:
    """Whether the rows hold what was written, not only the positions."""
    with psycopg.connect(rooms.url) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM events WHERE name = 'ContactChanged'),"
            " (SELECT count(*) FROM read.people WHERE email IS NOT NULL),"
            " (SELECT count(*) FROM read.people)"
        ).fetchone()
    assert row is not None
    return f"{row[0]} changes of contact; {row[1]} of {row[2]} people show theirs"
