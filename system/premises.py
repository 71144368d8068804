"""Where the embedded PostgreSQL may live: its user, its data, its socket, its binaries.

PostgreSQL refuses to run as root, so root lends it an unprivileged user that already exists.
What that user cannot reach (root's home is closed to it) lies in a place that it can enter,
noted in DATA_DIR; the rights of folders that are not ours are never changed.
"""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

PRIVATE_BASES = (Path("/var/lib/quittance"), Path("/var/tmp/quittance"))  # noqa: S108
SOCKET_BASES = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_BYTES = 107
COMMAND_TIMEOUT_SECONDS = 20
# The server and libpq both read a folder's name as a comma-separated list.
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")


class EngineUnavailable(Exception):
    """The database cannot be had; the message says why and what to do."""


@dataclass(frozen=True)
class Account:
    """The user that PostgreSQL runs as; `lent` when it is not the one that runs us."""

    uid: int
    gid: int
    name: str
    lent: bool

    @property
    def owner(self) -> tuple[int, int] | None:
        return (self.uid, self.gid) if self.lent else None

    def can(self, *command: str) -> bool:
        """Whether the command succeeds as this user."""
        lent = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.lent else {}
        try:
            done = subprocess.run(
                command,
                **lent,  # type: ignore[call-overload]
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=COMMAND_TIMEOUT_SECONDS,
                check=False,
            )
        except (PermissionError, FileNotFoundError):
            return False
        return bool(done.returncode == 0)

    def can_enter(self, folder: Path) -> bool:
        return self.can("/bin/sh", "-c", 'cd "$1"', "sh", str(folder))

    def give(self, folder: Path) -> None:
        """Make a folder of ours this user's own and closed to others."""
        folder.chmod(0o700)
        if self.lent:
            os.chown(folder, self.uid, self.gid)


def server_account(data_dir: Path) -> Account:
    """Who runs PostgreSQL for this DATA_DIR: ourselves, or for root somebody without rights."""
    if os.geteuid() != 0:
        uid = os.geteuid()
        return Account(uid, os.getegid(), str(uid), lent=False)
    home = data_dir / "postgres"
    if home.is_dir() and home.stat().st_uid != 0:
        # An ordinary user began here; it must still own its data after root's visit.
        owner = home.stat()
        return Account(owner.st_uid, owner.st_gid, str(owner.st_uid), lent=True)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        account = Account(entry.pw_uid, entry.pw_gid, name, lent=True)
        if not account.can("/bin/sh", "-c", ":"):
            raise EngineUnavailable(
                f"root may not act as the user {name} here, and PostgreSQL refuses to run as root: "
                "start as an ordinary user, or set DATABASE_URL."
            )
        return account
    raise EngineUnavailable(
        "PostgreSQL refuses to run as root and there is no user postgres or nobody: "
        "start as an ordinary user, or set DATABASE_URL."
    )


def private_shelf(account: Account) -> Path:
    """A folder of root's that the account can enter and nobody else can write."""
    for base in PRIVATE_BASES:
        try:
            base.mkdir(mode=0o755)
            base.chmod(0o755)
        except FileExistsError:
            pass
        except OSError:
            continue
        found = base.lstat()
        ours = stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and not found.st_mode & 0o022
        if ours and os.access(base, os.W_OK) and account.can_enter(base):
            return base
    tried = " nor ".join(map(str, PRIVATE_BASES))
    raise EngineUnavailable(f"neither {tried} can hold PostgreSQL for the user {account.name}.")


def server_home(data_dir: Path, account: Account) -> Path:
    """The folder that holds the server's data: in DATA_DIR, or where DATA_DIR notes it."""
    note = data_dir / "postgres.place"
    if note.exists():
        home = Path(note.read_text().strip())
        if not home.is_dir():
            raise EngineUnavailable(
                f"the data of {data_dir} were in {home}, which is gone: bring it back, "
                f"or remove {note} to begin anew."
            )
        return home
    home = data_dir / "postgres"
    if not account.lent or home.is_dir() or account.can_enter(data_dir):
        home.mkdir(mode=0o700, exist_ok=True)
        account.give(home)
        if not account.can_enter(home):
            raise EngineUnavailable(f"the user {account.name} can no longer enter {home}.")
        return home
    home = private_shelf(account) / secrets.token_hex(8)
    home.mkdir(mode=0o700)
    account.give(home)
    write_whole(note, f"{home}\n")
    return home


def socket_folder(data_dir: Path, home: Path, account: Account) -> Path:
    """A private folder whose name is short enough for a socket (107 bytes with its name)."""
    folder = home / "socket"
    if _holds_a_socket(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
        account.give(folder)
        return folder
    note = data_dir / "postgres.socket"
    if note.exists():
        # The same name again, so that those who lost the server find the next one.
        folder = Path(note.read_text().strip())
        if _is_private(folder, account):
            return folder
    for base in (*SOCKET_BASES, Path(tempfile.gettempdir())):
        if os.access(base, os.W_OK | os.X_OK) and account.can_enter(base):
            folder = Path(tempfile.mkdtemp(prefix="quittance-", dir=base))
            if _holds_a_socket(folder):
                account.give(folder)
                write_whole(note, f"{folder}\n")
                return folder
            folder.rmdir()
    raise EngineUnavailable(f"no folder with a short name for PostgreSQL's socket; tried {base}.")


def leave_socket_folder(data_dir: Path) -> None:
    """Remove a socket folder that lies outside DATA_DIR, once the server has stopped."""
    note = data_dir / "postgres.socket"
    if note.exists():
        shutil.rmtree(note.read_text().strip(), ignore_errors=True)
        note.unlink()


def _holds_a_socket(folder: Path) -> bool:
    path = str(folder / SOCKET_NAME)
    return len(os.fsencode(path)) < SOCKET_PATH_BYTES and bool(PLAIN_PATH.fullmatch(path))


def _is_private(folder: Path, account: Account) -> bool:
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700
    return private and found.st_uid == account.uid


def write_whole(path: Path, text: str) -> None:
    """Write a small private file so that a reader sees all of it or nothing."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
