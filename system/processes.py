"""The processes of `make run`: started, watched, and stopped together, none left behind.

Each child has a session of its own, so that Ctrl-C reaches us alone and we stop the others
in order; and it is tied to us, so that it dies even when we are killed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Self

from system.tether import tethered

STOP_TIMEOUT_SECONDS = 10.0
POLL_SECONDS = 0.05
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
DEATHS_ALLOWED = 3
DEATHS_WITHIN_SECONDS = 60.0

log = logging.getLogger("quittance.processes")


class ChildDied(Exception):
    """A child ended although nobody asked it to; `code` is negative for a signal."""

    def __init__(self, name: str, code: int) -> None:
        self.name, self.code = name, code
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        super().__init__(f"the {name} {how}")


class AskedToStop(Exception):
    """Ctrl-C or a signal asked us to stop before all was ready."""


@dataclass
class Child:
    """A started process, what we call it, and how to start it."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    revived: bool
    """Whether it is started again when it dies while we watch."""
    process: subprocess.Popen[bytes] = field(init=False)
    deaths: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.process = self.start()

    def exit_code(self) -> int | None:
        """How it ended, None while it lives; its number stays ours until `collect`."""
        found = os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is None:
            return None
        killed = found.si_code != os.CLD_EXITED
        return -found.si_status if killed else found.si_status

    def kill_group(self) -> None:
        """Kill whatever is left of it and of the processes that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def collect(self) -> None:
        self.process.wait()

    def live_again(self) -> bool:
        """Start it once more; False if it is not meant to, or dies again and again."""
        now = time.monotonic()
        self.deaths = [at for at in self.deaths if now - at < DEATHS_WITHIN_SECONDS]
        self.deaths.append(now)
        if not self.revived or len(self.deaths) > DEATHS_ALLOWED:
            return False
        self.kill_group()
        self.collect()
        self.process = self.start()
        return True


class Processes:
    """A `with` block that owns child processes; leaving it, in any way, stops them all.

    To be used in the main thread: signals arrive there, and children die with it.
    """

    def __init__(self, stop_timeout_seconds: float = STOP_TIMEOUT_SECONDS) -> None:
        self.stop_timeout_seconds = stop_timeout_seconds
        self.children: list[Child] = []
        self.signals_received = 0
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._former_wakeup = -1
        self._former_handlers: dict[int, object] = {}

    def __enter__(self) -> Self:
        self._former_wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in (*STOPPING, signal.SIGCHLD):
            self._former_handlers[number] = signal.signal(number, self._on_signal)
        return self

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number in STOPPING:
            self.signals_received += 1

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        try:
            self.stop()
        finally:
            signal.set_wakeup_fd(self._former_wakeup)
            for number, handler in self._former_handlers.items():
                signal.signal(number, handler)  # type: ignore[arg-type]
            os.close(self._reader)
            os.close(self._writer)

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        output: IO[bytes] | None = None,
        cwd: Path | None = None,
        revived: bool = False,
    ) -> int:
        """Start a child with `env` added to our environment; its pid.

        Its output goes where ours goes, unless a file is given. If it is `revived`, it is started
        again when it dies while we `watch`, unless it dies again and again.
        """

        def begin() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                tethered(list(command), signal.SIGTERM),
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=cwd,
                start_new_session=True,
            )

        child = Child(name, begin, revived)
        self.children.append(child)
        return child.process.pid

    def watch(self) -> None:
        """Return when asked to stop by Ctrl-C or a signal; raises `ChildDied`.

        What is started here has shown before that it can run: one death is an accident.
        """
        while not self.signals_received:
            for child in self.children:
                code = child.exit_code()
                if code is None:
                    continue
                if not child.live_again():
                    raise ChildDied(child.name, code)
                log.error("processes.revived", extra={"child": child.name, "code": code})
            self._sleep(None)

    def wait_until(self, ready: Callable[[], bool], timeout_seconds: float) -> None:
        """Return once `ready` says so; raises `ChildDied`, `AskedToStop` or `TimeoutError`."""
        deadline = time.monotonic() + timeout_seconds
        while not ready():
            self._raise_if_one_died()
            if self.signals_received:
                raise AskedToStop
            if time.monotonic() > deadline:
                raise TimeoutError(f"not ready after {timeout_seconds:g} s")
            self._sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Ask all to stop, the last started first; kill after the time-out, or when hurried.

        A further signal while stopping means that somebody is tired of waiting.
        """
        patience = self.signals_received
        for child in reversed(self.children):
            if child.exit_code() is None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + self.stop_timeout_seconds
        while any(child.exit_code() is None for child in self.children):
            if time.monotonic() > deadline or self.signals_received > patience:
                break
            self._sleep(POLL_SECONDS)
        for child in self.children:
            # Also after a good end: it may have left processes of its own.
            child.kill_group()
        for child in self.children:
            child.collect()
        self.children.clear()

    def _raise_if_one_died(self) -> None:
        for child in self.children:
            code = child.exit_code()
            if code is not None:
                raise ChildDied(child.name, code)

    def _sleep(self, timeout_seconds: float | None) -> None:
        """Until a signal arrives (a child's end is one), or the time is over."""
        select.select([self._reader], [], [], timeout_seconds)
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 4096)
