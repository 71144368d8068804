"""Measures one row in a process of its own, so that none inherits what another left in memory.

Standard input: `{"row", "server_url", "folder", "rounds", "quick"}`; standard output: the row.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
from importlib import import_module
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Any

from benchmarks import Bench
from system.one_cpu import stay_on_one_cpu


def stop(_signal: int, _frame: FrameType | None) -> None:
    """Leave through every `finally`, so that nothing that was started stays."""
    raise SystemExit(1)


def measure(asked: dict[str, Any]) -> dict[str, Any]:
    """The row, as it stands in the result."""
    row = import_module(f"benchmarks.{asked['row']}")
    # As the product's own process does; both sides work in this one, stock no worse for it.
    stay_on_one_cpu()
    bench = Bench(asked["server_url"], Path(asked["folder"]), asked["rounds"], asked["quick"])
    began = monotonic()
    measured = row.measure(bench)
    took_seconds = round(monotonic() - began, 1)
    return {"title": row.TITLE, "goal": row.GOAL, "took_seconds": took_seconds, **measured.told()}


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    logging.basicConfig(level=logging.ERROR)
    json.dump(measure(json.load(sys.stdin)), sys.stdout)
