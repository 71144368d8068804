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
from typing import IO, Any
from urllib.error import URLError
from urllib.request import urlopen

from system.processes import Processes
from system.tether import tethered

STOP_SECONDS = 10.0
START_SECONDS = 30.0


class Failed(Exception):
    """A process beside us ended without an answer."""


def ask(module: str, question: object, *, timeout_seconds: float) -> Any:
    """Run `python -m benchmarks.MODULE` with a question on its standard input; its answer."""
    process = _started(module, stdout=subprocess.PIPE)
    try:
        said, _ = process.communicate(json.dumps(question), timeout=timeout_seconds)
    finally:
        _stop(process)
    if process.returncode != 0:
        raise Failed(f"{module} ended with {process.returncode}")
    return json.loads(said)


@contextmanager
def beside(module: str, question: object) -> Iterator[None]:
    """Keep `python -m benchmarks.MODULE` running; goes on when it has said that it is ready."""
    process = _started(module, stdout=subprocess.PIPE)
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
def serving(
    name: str, command: list[str], port: int, *, env: Mapping[str, str], log: IO[bytes]
) -> Iterator[None]:
    """Keep an HTTP server running; goes on when it answers on `/health`."""
    with Processes() as processes:
        processes.start(name, command, env=env, output=log, cwd=Path.cwd())
        processes.wait_until(lambda: _answers(port), timeout_seconds=START_SECONDS)
        yield


def python(module: str) -> list[str]:
    """The command line that runs a module of this project."""
    return [sys.executable, "-m", module]


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _started(module: str, *, stdout: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        tethered(python(f"benchmarks.{module}"), signal.SIGTERM),
        stdin=subprocess.PIPE,
        stdout=stdout,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
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
