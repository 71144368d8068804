"""Writes the big demo: processes load agencies side by side, each log whole or not at all."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from multiprocessing import get_context
from multiprocessing.util import Finalize
from queue import Empty
from typing import Any, ClassVar, NamedTuple, cast

import psycopg
from psycopg import Connection
from stdnum import luhn

from commands import Asked, execute
from commands.agency import CreateAgency
from domain import Refused
from domain.principal import OPERATOR
from journal import HOUSE, agency_id
from journal.keys import Keyring
from system.demo_many import Agency, Plan, lives
from system.demo_patterns import Pattern
from system.office import Premises, know_everything

LOOK_SECONDS = 0.1
YOUNG_OBJECTS = 500_000
THREADS = 8
DEPARTMENTS = ("57", "67", "54", "88", "68")

Report = Callable[[int, int], None]


class AgencyThere(Refused):
    """The demo writes whole logs: an agency of that name has one already."""


class Made(NamedTuple):
    """What came of it."""

    agencies: int
    events: int


def make(premises: Premises, plan: Plan, *, jobs: int, report: Report = lambda *_: None) -> Made:
    """Make all agencies of a plan. Raises AgencyThere before anything is written."""
    _refuse_existing(premises, plan)
    context = get_context("spawn")
    told = context.Queue()
    settings = (premises.url, premises.settings.read_master_key(), plan, told)
    events, made = 0, 0
    with ProcessPoolExecutor(
        min(jobs, plan.agencies), context, initializer=_Desk.open, initargs=settings
    ) as workers:
        futures = [workers.submit(_load, number) for number in range(1, plan.agencies + 1)]
        try:
            for done, in_all in _progress(futures, told):
                made, events = done, in_all
                report(events, max(events, _expected(futures, events)))
        except BaseException:
            workers.shutdown(cancel_futures=True)
            raise
    premises.journal.open_log(HOUSE)
    with ThreadPoolExecutor(THREADS) as threads:
        # One after the other would wait for a commit each; together they share some.
        numbers = range(1, plan.agencies + 1)
        for _ in threads.map(lambda number: _open_books(premises, plan, number), numbers):
            pass
    return Made(made, events)


def _expected(futures: list[Future[int]], events: int) -> int:
    """All events in the end, by those of the agencies that are there."""
    sizes = [future.result() for future in futures if future.done()]
    return len(futures) * sum(sizes) // len(sizes) if sizes else events


def _progress(futures: list[Future[int]], told: Any) -> Iterator[tuple[int, int]]:
    """Agencies that are there, and events that are sent, again and again until all are."""
    sent: dict[int, int] = {}
    waiting: set[Future[int]] = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=LOOK_SECONDS)
        for future in done:
            future.result()
        try:
            while True:
                number, events = told.get_nowait()
                sent[number] = events
        except Empty:
            pass
        yield len(futures) - len(waiting), sum(sent.values())
    yield len(futures), sum(future.result() for future in futures)


def _refuse_existing(premises: Premises, plan: Plan) -> None:
    logs = premises.journal.logs()
    there = [slug for slug in plan.slugs() if agency_id(slug) in logs]
    if there:
        raise AgencyThere(
            f"L'agence « {there[0]} » existe déjà ; rien n'a été écrit. Choisissez d'autres noms"
            " avec --prefix.",
            f"The agency “{there[0]}” exists already; nothing was written. Choose other names"
            " with --prefix.",
        )


def _open_books(premises: Premises, plan: Plan, number: int) -> None:
    """Let everybody know of an agency, once its log is there."""
    stem = f"{number % 100_000_000:08d}"
    command = CreateAgency(
        slug=plan.slug(number),
        legal_name=f"Agence de démonstration n° {number}",
        siren=stem + luhn.calc_check_digit(stem),
        department=DEPARTMENTS[number % len(DEPARTMENTS)],
    )
    execute(premises.office, command, Asked(OPERATOR, HOUSE))


class _OneConnection:
    """A pool for one thread."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection

    def connection(self) -> AbstractContextManager[Connection[Any]]:
        return nullcontext(self._connection)


class _Desk:
    """What one process of the loading works with."""

    plan: ClassVar[Plan]
    patterns: ClassVar[list[Pattern]]
    connection: ClassVar[Connection[Any]]
    keys: ClassVar[Keyring]
    told: ClassVar[Any]

    @classmethod
    def open(cls, url: str, master_key: bytes, plan: Plan, told: Any) -> None:
        know_everything()
        cls.plan, cls.told = plan, told
        cls.patterns = lives(plan)
        cls.connection = psycopg.connect(url, autocommit=True, application_name="quittance")
        Finalize(None, cls.connection.close, exitpriority=1)
        cls.keys = Keyring(cast("Any", _OneConnection(cls.connection)), master_key)
        # A log is made of many small tuples that are dropped together, and of no cycles.
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS)


def _load(number: int) -> int:
    """Load one agency; how many events it has."""

    def report(events: int) -> None:
        _Desk.told.put((number, events))

    agency = Agency(_Desk.plan, number, _Desk.patterns)
    return agency.load(_Desk.connection, _Desk.keys, report).position
