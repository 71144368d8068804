"""A connection that dies, at any moment and however often, loses nothing and doubles nothing."""

from __future__ import annotations

from collections import Counter as Tally
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore, Thread

import psycopg
import pytest

from journal import Busy, Conflict, OutcomeUnknown
from tests.journal.counters import Count
from tests.journal.desk import METZ, NANCY, WRITER, Desk
from tests.journal.test_pending import assert_versions_continue
from tests.journal.verifier import broken_at

COMMANDS = 400
CUT_ALL = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = %s
"""
CUT_ONE = """
SELECT count(pg_terminate_backend(pid)) FROM (
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = %s ORDER BY random() LIMIT 1
) AS victim
"""


class Cutter:
    """Cuts one connection or all of them, whenever some more commands have been answered."""

    def __init__(self, here: Desk, answers_between: int) -> None:
        self.cuts = 0
        self._url = here.url
        self._between = answers_between
        self._answers = Semaphore(0)
        self._done = False
        self._thread = Thread(target=self._run)

    def answered(self) -> None:
        self._answers.release()

    def __enter__(self) -> Cutter:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done = True
        for _ in range(self._between):
            self._answers.release()
        self._thread.join()

    def _run(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._done:
                for _ in range(self._between):
                    self._answers.acquire()
                query = CUT_ONE if self.cuts % 3 else CUT_ALL
                connection.execute(query, [WRITER])
                self.cuts += 1


def traffic(here: Desk, there: Desk, cutter: Cutter, *, keys: bool) -> dict[str, str]:
    """Tag → what its caller was told."""

    def ask(number: int) -> tuple[str, str]:
        tag = f"{number}"
        office = there if number % 4 == 0 else here
        agency = NANCY if number % 5 == 0 else METZ
        command = Count(counter=f"c{number % 7}", tag=tag)
        try:
            office.do(command, key=tag if keys else None, agency=agency)
        except OutcomeUnknown:
            return tag, "unknown"
        except (Busy, Conflict):
            return tag, "no"
        finally:
            cutter.answered()
        return tag, "yes"

    with ThreadPoolExecutor(24) as threads:
        return dict(threads.map(ask, range(COMMANDS)))


def check(here: Desk, told: dict[str, str], cutter: Cutter) -> None:
    assert cutter.cuts >= 20
    kept = Tally(here.tags(METZ) + here.tags(NANCY))
    assert {tag: n for tag, n in kept.items() if n > 1} == {}
    assert {tag for tag, word in told.items() if word == "yes"} <= set(kept)
    assert {tag for tag, word in told.items() if word == "no"}.isdisjoint(kept)
    assert_versions_continue(here)
    assert broken_at(here.url, METZ) is None
    assert broken_at(here.url, NANCY) is None
    assert list(told.values()).count("yes") > 0.9 * COMMANDS


@pytest.mark.parametrize("keys", [False, True], ids=["without keys", "with keys"])
def test_what_callers_were_told_is_what_is_in_the_log(here: Desk, there: Desk, keys: bool) -> None:
    with Cutter(here, answers_between=12) as cutter:
        told = traffic(here, there, cutter, keys=keys)

    check(here, told, cutter)
