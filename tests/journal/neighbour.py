"""Another process at work on the same journal: `… -m tests.journal.neighbour URL TASK N NAME`."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

from commands import KeyReused
from domain import Event
from journal import Conflict
from tests.journal.counters import EVENTS, Count
from tests.journal.desk import AGENT, Desk, desk

ROOT = Path(__file__).parents[2]
THREADS = 8


class Neighbour:
    """One such process; ready once constructed, at work from `go` on."""

    def __init__(self, url: str, task: str, count: int, name: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.journal.neighbour", url, task, str(count), name],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> Neighbour:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        return self

    def go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        """What it says when it has done its work."""
        out, _ = self._process.communicate(timeout=60)
        assert self._process.returncode == 0
        return json.loads(out)


def insist(here: Desk, command: Count) -> int:
    """Ask until it is done; how often it was refused for a conflict."""
    conflicts = 0
    while True:
        try:
            here.do(command)
        except Conflict:
            conflicts += 1
        else:
            return conflicts


def count(here: Desk, count: int, name: str) -> int:
    """Count `count` times in each of several threads, on one shared counter."""

    def work(thread: int) -> int:
        return sum(
            insist(here, Count(counter="shared", tag=f"{name}-{thread}-{n}")) for n in range(count)
        )

    with ThreadPoolExecutor(THREADS) as threads:
        return sum(threads.map(work, range(THREADS)))


def repeat(here: Desk, count: int, name: str) -> list[tuple[int, Any, bool]]:
    """Ask the same thing under the same key from several threads, for `count` keys in turn."""
    barrier = Barrier(THREADS)

    def work(thread: int) -> list[tuple[int, Any, bool]]:
        answers = []
        for n in range(count):
            barrier.wait()
            answer = here.do(Count(counter="shared", tag=f"{n}"), key=f"key-{n}", who=AGENT)
            answers.append((answer.position, dict(answer.ids), answer.repeated))
        return answers

    with ThreadPoolExecutor(THREADS) as threads:
        return [answer for answers in threads.map(work, range(THREADS)) for answer in answers]


def contradict(here: Desk, count: int, name: str) -> list[bool]:
    """Ask something of one's own under a key that others use too; which were accepted."""
    accepted = []
    for n in range(count):
        try:
            here.do(Count(counter="shared", tag=f"{name}-{n}"), key=f"key-{n}", who=AGENT)
        except KeyReused:
            accepted.append(False)
        else:
            accepted.append(True)
    return accepted


TASKS = {"count": count, "repeat": repeat, "contradict": contradict}


def main(url: str, task: str, number: str, name: str) -> None:
    Event.named.update((event.__name__, event) for event in EVENTS)
    with desk(url) as here:
        print("ready", flush=True)
        sys.stdin.readline()
        print(json.dumps(TASKS[task](here, int(number), name)))


if __name__ == "__main__":
    main(*sys.argv[1:])
