"""`python -m benchmarks [NAMES…] [--quick] [--runs N] [--json FILE]`: measures the rows.

The result is one JSON object on standard output, or in FILE; progress and a table are on
standard error. It judges nothing and ends with 0, also when a row could not be measured.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from rich.console import Console

from benchmarks import ROWS
from benchmarks.alone import stop
from benchmarks.children import Failed, ask
from benchmarks.machine import described, load
from benchmarks.table import show
from system.postgres import engine
from system.server import THROWAWAY_MARK
from system.settings import Settings

ROUNDS, QUICK_ROUNDS = 5, 2
RUN_SECONDS, QUICK_RUN_SECONDS = 14 * 60, 3.5 * 60
"""How long a run of so many rounds may take; rows that do not fit are said not to be measured."""


def main() -> None:
    asked = _arguments()
    signal.signal(signal.SIGTERM, stop)
    console = Console(stderr=True)
    with _server() as (server_url, folder):
        run = {
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "rounds": asked.runs,
            "quick": asked.quick,
            **described(server_url),
            "rows": {},
        }
        patience_seconds = QUICK_RUN_SECONDS if asked.quick else RUN_SECONDS
        usual = QUICK_ROUNDS if asked.quick else ROUNDS
        deadline = monotonic() + patience_seconds * max(1.0, asked.runs / usual)
        for name in asked.names:
            question = {
                "row": name, "server_url": server_url, "folder": str(folder),
                "rounds": asked.runs, "quick": asked.quick,
            }  # fmt: skip
            with console.status(f"measuring {name}"):
                run["rows"][name] = _row(question, deadline - monotonic())
            console.print(f"{name}: {run['rows'][name]['took_seconds']} s", style="dim")
        run["machine"]["load_at_end"] = load()
    show(console, run)
    text = json.dumps(run, indent=2, ensure_ascii=False)
    if asked.json is None:
        print(text)
    else:
        asked.json.write_text(text + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAMES", help=", ".join(ROWS))
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--runs", type=int, metavar="N", help="rounds of each row")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result goes")
    asked = parser.parse_args()
    unknown = set(asked.names) - set(ROWS)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    asked.names = asked.names or list(ROWS)
    asked.runs = asked.runs or (QUICK_ROUNDS if asked.quick else ROUNDS)
    if asked.runs < 1:
        parser.error("at least one round")
    return asked


def _row(question: dict[str, Any], patience_seconds: float) -> dict[str, Any]:
    """The row, or why there is none."""
    try:
        row: dict[str, Any] = ask("alone", question, timeout_seconds=max(0.0, patience_seconds))
    except Failed as why:
        note = f"not measured: {why}"
        return {"title": "", "goal": "", "took_seconds": 0, "figures": {}, "notes": [note]}
    return row


@contextmanager
def _server() -> Iterator[tuple[str, Path]]:
    """An embedded PostgreSQL as in production, fsync and all, on the disk that holds DATA_DIR."""
    data_dir = Settings.load().data_dir
    data_dir.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="benchmarks-", dir=data_dir))
    # The server may run as another user, who has to be able to enter.
    folder.chmod(0o755)
    place = folder / "postgres.place"
    home: Path | None = None
    try:
        with engine(folder) as url:
            home = Path(place.read_text().strip()) if place.exists() else None
            if home is not None:
                # Should we be killed, the next server that starts removes what is left.
                (home / THROWAWAY_MARK).touch()
            yield url, folder
    finally:
        if home is not None:
            shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
    sys.exit(0)
