"""The disk is full, and has room again: what was answered is there, and everything goes on.

The disk is a small file system in memory, mounted for the server alone; a file takes all that is
left of it. No table can grow then, and PostgreSQL refuses with its `disk_full`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from urllib.parse import quote

import psycopg
import pytest

from system.postgres import with_database
from tests.faults.business import METZ, begin, open_desk, projecting, shaped, until
from tests.faults.load import asking
from tests.faults.promises import check
from tests.faults.recovery import ALLOWED_SECONDS, Probe, shown_up_to
from tests.system.engines import PROJECT, USER

SIZE = "192m"
# A file system of its own in memory, which nobody else sees and which is gone with its users.
MOUNT = 'mount -t tmpfs -o mode=755,size="$0" quittance "$1" && shift && exec "$@"'
ALONE = ["unshare", "--mount", "--propagation", "private", "sh", "-c", MOUNT, SIZE]
REFUSED = 8
"""So many requests are turned away before there is room again."""


def can_mount() -> bool:
    """Whether we may mount a file system for ourselves alone, as root may mostly."""
    with tempfile.TemporaryDirectory() as folder, suppress(FileNotFoundError):
        tried = subprocess.run([*ALONE, folder, "true"], capture_output=True, check=False)
        return tried.returncode == 0
    return False


@dataclass
class Disk:
    """A small disk with a PostgreSQL on it, and a file that takes all of the rest."""

    url: str
    folder: Path

    @property
    def ballast(self) -> Path:
        return self.folder / "ballast"

    def fill(self) -> None:
        with self.ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))

    def make_room(self) -> None:
        self.ballast.unlink()


@pytest.fixture
def disk() -> Iterator[Disk]:
    if not can_mount():
        pytest.skip("a small disk can be mounted by root alone here")
    folder = Path(tempfile.mkdtemp(prefix="quittance-disk-"))
    folder.chmod(0o755)
    command = [*ALONE, str(folder), sys.executable, "-c", USER, str(folder)]
    try:
        with _using(command) as (pid, url):
            # Its folders, as the processes see them that share its disk.
            seen = Path(f"/proc/{pid}/root")
            elsewhere = url.replace(quote(str(folder), safe=""), quote(f"{seen}{folder}", safe=""))
            assert elsewhere != url
            yield Disk(elsewhere, Path(f"{seen}{folder}"))
    finally:
        shutil.rmtree(folder)


@contextmanager
def _using(command: list[str]) -> Iterator[tuple[int, str]]:
    """A process that uses the engine until its standard input ends; the mount is its own."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT
    ) as user:
        assert user.stdout is not None
        url = user.stdout.readline().strip()
        assert url
        yield user.pid, url


def test_a_full_disk_refuses_and_loses_nothing(disk: Disk, tmp_path: Path, chance: int) -> None:
    url = shaped(disk.url)
    with open_desk(url, tmp_path) as desk:
        business = begin(desk.rooms)
        with projecting(desk.rooms), asking(business, [desk] * 4) as load:
            load.wait_for(10 + chance)
            disk.fill()
            tries = load.tries - len(load.told)
            until(lambda: load.tries - len(load.told) >= tries + REFUSED, "requests turned away")
            disk.make_room()
            until(lambda: accepts(url), "a PostgreSQL that accepts connections")
            began = monotonic()
            with Probe(url) as probe, desk.rooms.connect() as connection:
                wish = business.wish(METZ)
                answer = load.insist(lambda: desk.wish(wish))
                until(lambda: shown_up_to(connection, METZ) >= answer.position, "what was written")
                took = monotonic() - began
            load.wait_for(10)
        # Still at work, so that what came last is folded as well.
        with projecting(desk.rooms):
            check(desk.rooms, load, desk)
        assert took < ALLOWED_SECONDS * probe.slowness


def accepts(url: str) -> bool:
    with suppress(psycopg.OperationalError), psycopg.connect(with_database(url, "postgres")):
        return True
    return False
