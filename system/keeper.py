"""Keeps one PostgreSQL running for as long as any process uses it, then stops it.

A process of its own, started by the first user (`system.postgres.engine`). Each user holds a
shared lock on `postgres.users.lock`; the keeper waits for that lock alone, and has it once the
last user has left or died. PostgreSQL is tied to the keeper and dies with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from enum import Enum
from pathlib import Path

from system.locks import EXCLUSIVE, LockTimeout, acquire, open_lock
from system.premises import EngineUnavailable, leave_socket_folder, write_whole
from system.server import DATABASE, Server, after_its_death, prepare, start, stop

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 5.0
"""Before a server that has died is started again; longer each time, until one has lived a while."""
LIVED_SECONDS = 60.0
LOG_LIMIT_BYTES = 10_000_000
USER_PROBE_SECONDS = 10

log = logging.getLogger("system.keeper")


class Reason(Enum):
    """Why the keeper stops waiting."""

    UNUSED = "nobody uses it any more"
    ASKED = "asked to stop"
    DIED = "the server died"


class Watch:
    """Wakes the keeper when nobody is left, when it is told to stop, or when a child died."""

    def __init__(self, data_dir: Path) -> None:
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.writer, False)
        self.unused = False
        self.asked = False
        signal.set_wakeup_fd(self.writer, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)
        # Without a handler the kernel drops the signal and nothing wakes us.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.users = open_lock(data_dir / "postgres.users.lock")

    def _ask(self, *_: object) -> None:
        self.asked = True

    def look_for_users(self) -> None:
        """From now on, know when the last user has gone."""
        threading.Thread(target=self._wait_for_the_last, daemon=True).start()

    def _wait_for_the_last(self) -> None:
        fcntl.flock(self.users, EXCLUSIVE)
        self.unused = True
        os.write(self.writer, b"\0")

    def pause(self, seconds: float) -> None:
        """Wait for a while, or until the server is not needed any more."""
        deadline = time.monotonic() + seconds
        while not (self.unused or self.asked) and (left := deadline - time.monotonic()) > 0:
            if select.select([self.reader], [], [], left)[0]:
                os.read(self.reader, 1)

    def wait(self, postgres: subprocess.Popen[bytes] | None) -> Reason:
        """Until it is not needed any more, or is not there."""
        while True:
            if self.unused:
                return Reason.UNUSED
            if self.asked:
                return Reason.ASKED
            if postgres is None or postgres.poll() is not None:
                return Reason.DIED
            os.read(self.reader, 1)


def keep(server: Server, watch: Watch) -> None:
    """Announce the server, and keep it until it is not needed.

    One that dies is started again for as long as somebody uses it: what killed it, or keeps it
    from starting, may be a disk that is full, and may be over at any moment.
    """
    postgres: subprocess.Popen[bytes] | None = start(server)
    write_whole(server.data_dir / "postgres.url", server.url(DATABASE))
    announce({"url": server.url(DATABASE)})
    watch.look_for_users()
    started_at, pause_seconds = time.monotonic(), FIRST_PAUSE_SECONDS
    while (reason := watch.wait(postgres)) is Reason.DIED:
        if postgres is not None:
            log.error("PostgreSQL died (%s): %s", postgres.returncode, server.complaint())
        if time.monotonic() - started_at > LIVED_SECONDS:
            pause_seconds = FIRST_PAUSE_SECONDS
        watch.pause(pause_seconds)
        pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)
        server = after_its_death(server)
        postgres, started_at = start_again(server), time.monotonic()
    log.info("stopping PostgreSQL: %s", reason.value)
    if postgres is not None:
        stop(postgres)


def start_again(server: Server) -> subprocess.Popen[bytes] | None:
    """The server, or None if it does not start this time."""
    try:
        return start(server)
    except (EngineUnavailable, OSError) as failure:
        log.error("PostgreSQL does not start: %s", failure)
        return None


def announce(answer: dict[str, str]) -> None:
    """Tell the user who started us, once; it may have died meanwhile."""
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps(answer).encode() + b"\n")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.close(silence)


def become_a_keeper(data_dir: Path) -> None:
    """Leave the terminal and the files of whoever started us."""
    with contextlib.suppress(PermissionError):
        os.setsid()
    os.closerange(3, 4096)
    os.chdir("/")
    os.umask(0o077)
    acquire(open_lock(data_dir / "postgres.keeper.lock"), EXCLUSIVE, USER_PROBE_SECONDS)
    log_file = data_dir / "logs" / "postgres.log"
    if log_file.exists() and log_file.stat().st_size > LOG_LIMIT_BYTES:
        log_file.replace(log_file.with_name("postgres.log.1"))


def main(data_dir: Path, throwaway: bool) -> int:
    """Run until nobody uses the server; 0 when it was stopped in good order."""
    url = data_dir / "postgres.url"
    try:
        become_a_keeper(data_dir)
        url.unlink(missing_ok=True)
        watch = Watch(data_dir)
        server = prepare(data_dir, throwaway)
        keep(server, watch)
        url.unlink(missing_ok=True)
        leave_socket_folder(data_dir)
        if throwaway:
            shutil.rmtree(server.home)
            (data_dir / "postgres.place").unlink(missing_ok=True)
    except (EngineUnavailable, LockTimeout, OSError) as failure:
        log.exception("the keeper gives up")
        announce({"error": str(failure)})
        return 1
    return 0


if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:] == ["--throwaway"]))
