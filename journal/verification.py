"""One run over all logs: stretches are checked by several processes, and what is found is named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection

from journal.tampering import Finding, diagnose, gathered
from journal.verifying import (
    Checked,
    LogEnds,
    Stretch,
    check_stretch,
    connect,
    log_ends,
    stretches,
)
from journal.verifying_process import check_in_processes

Report = Callable[[int, int], None]
"""Hears (events done, events in all)."""

WORTH_PROCESSES_EVENTS = 200_000
"""Below this, starting a process takes longer than what it would save."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a run has seen: every log with the end it had, how much it read, and what is wrong."""

    logs: list[LogEnds]
    events: int
    findings: list[Finding]


def verify(
    url: str,
    *,
    only: UUID | None = None,
    jobs: int = 1,
    report: Report = lambda _done, _total: None,
) -> Verified:
    """Recompute the chains of all agencies, or of one. What is appended meanwhile is left out."""
    with connect(url) as connection:
        logs = [log for log in log_ends(connection) if only in (None, log.agency)]
        work = [stretch for log in logs for stretch in stretches(log)]
        total = sum(stretch.last - stretch.first + 1 for stretch in work)
        by_agency: dict[UUID, list[Checked]] = defaultdict(list)
        done = 0
        report(0, total)
        for checked in _checked(url, connection, work, jobs):
            by_agency[checked.stretch.agency].append(checked)
            done += checked.events
            report(done, total)
        cases = [gathered(log, by_agency[log.agency]) for log in logs]
        return Verified(logs, done, diagnose(connection, cases))


def _checked(
    url: str, connection: Connection[Any], work: list[Stretch], jobs: int
) -> Iterator[Checked]:
    events = sum(stretch.last - stretch.first + 1 for stretch in work)
    if jobs == 1 or len(work) < 2 or events < WORTH_PROCESSES_EVENTS:
        yield from (check_stretch(connection, stretch) for stretch in work)
        return
    yield from check_in_processes(url, work, jobs)
