"""Processes beside the one that measures: started, spoken with in lines of JSON, and stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from system.one_cpu import all_cpus
from system.tether import tethered

STOP_SECONDS = 10.0
START_SECONDS = 30.0
PAUSE_SECONDS = 0.05


class Failed(Exception):
    """A process beside us ended, or did not begin, without an answer."""


def ask(module: str, question: object, *, timeout_seconds: float) -> Any:
    """Run `python -m benchmarks.MODULE` with a question on its standard input; its answer."""
    process = _started(module)
    try:
        said, _ = process.communicate(json.dumps(question), timeout=timeout_seconds)
    except subprocess.TimeoutExpired:
        raise Failed(f"{module} took longer than {timeout_seconds:.0f} s") from None
    finally:
        _stop(process)
    if process.returncode != 0:
        raise Failed(f"{module} ended with {process.returncode}")
    return json.loads(said)


@contextmanager
def beside(module: str, question: object) -> Iterator[None]:
    """Keep `python -m benchmarks.MODULE` running; goes on when it has said that it is ready."""
    process = _started(module)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(question) + "\n")
        process.stdin.flush()
        if not process.stdout.readline():
            raise Failed(f"{module} did not start")
        yield
    finally:
        _stop(process)


@contextmanager
def serving(module: str, env: Mapping[str, str], log: Path) -> Iterator[int]:
    """Keep an HTTP server running on a free port, with its log in a file.

    Goes on when it answers on `/health`; its port.
    """
    port = free_port()
    with log.open("w") as output:
        process = _started(module, env={**env, "PORT": str(port)}, output=output.fileno())
    try:
        deadline = monotonic() + START_SECONDS
        while not _answers(port):
            if process.poll() is not None or monotonic() > deadline:
                raise Failed(f"{module} does not answer: {log.read_text()[-2000:]}")
            sleep(PAUSE_SECONDS)
        yield port
    finally:
        _stop(process)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _started(
    module: str, *, env: Mapping[str, str] | None = None, output: int | None = None
) -> subprocess.Popen[str]:
    with all_cpus():
        return subprocess.Popen(
            tethered([sys.executable, "-m", f"benchmarks.{module}"], signal.SIGTERM),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if output is None else output,
            stderr=output,
            env={**os.environ, **(env or {})},
            text=True,
            start_new_session=True,
        )


def _stop(process: subprocess.Popen[str]) -> None:
    """Ask it to stop, then make it; whatever it has started goes with it."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None and not pipe.closed:
            pipe.close()


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except (URLError, TimeoutError, ConnectionError):
        return False
