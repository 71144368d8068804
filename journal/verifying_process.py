"""`python -m journal.verifying_process`: checks stretches for who started it, until they hang up.

Standard input: the URL of the database, then stretches; standard output: what came of each; all
as pickles. A process of its own module starts in a third of the time that one takes which has to
import the whole command line first, as those of `multiprocessing` do.
"""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import SimpleQueue

import psycopg

from journal.verifying import Checked, Stretch, check_stretch, connect


class ProcessEnded(psycopg.OperationalError):
    """A process that checked stretches is gone, or has lost the database."""


class _Process:
    def __init__(self, url: str, stack: ExitStack) -> None:
        self._process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "journal.verifying_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        )
        stack.callback(self._process.terminate)
        self._send(url)

    def check(self, stretch: Stretch) -> Checked:
        self._send(stretch)
        assert self._process.stdout is not None
        try:
            checked = pickle.load(self._process.stdout)  # noqa: S301 of our own process
        except EOFError:
            raise ProcessEnded("a verifying process has ended") from None
        assert isinstance(checked, Checked)
        return checked

    def _send(self, said: object) -> None:
        assert self._process.stdin is not None
        try:
            pickle.dump(said, self._process.stdin)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise ProcessEnded("a verifying process has ended") from None


def check_in_processes(url: str, work: Sequence[Stretch], jobs: int) -> Iterator[Checked]:
    """Check stretches by several processes at once. Raises ProcessEnded."""
    idle: SimpleQueue[_Process] = SimpleQueue()
    with ExitStack() as stack:
        for _ in range(min(jobs, len(work))):
            idle.put(_Process(url, stack))

        def check(stretch: Stretch) -> Checked:
            process = idle.get()
            try:
                return process.check(stretch)
            finally:
                idle.put(process)

        threads = ThreadPoolExecutor(jobs)
        # Who stops half-way waits for what is being checked, not for what is still to be.
        stack.callback(threads.shutdown, cancel_futures=True)
        yield from threads.map(check, work)


def main() -> None:
    # Ctrl-C reaches the whole group; the process above us decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    try:
        with connect(pickle.load(asked)) as connection:  # noqa: S301 of the process above us
            while True:
                pickle.dump(check_stretch(connection, pickle.load(asked)), answers)  # noqa: S301
                answers.flush()
    except (EOFError, BrokenPipeError):
        return
    except psycopg.OperationalError:
        # The process above us hears that there is no answer, and says so to people.
        sys.exit(1)


if __name__ == "__main__":
    main()
