"""What a run was measured on: versions, the settings of PostgreSQL that matter, the machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psycopg

LIBRARIES = (
    "eventsourcing", "psycopg", "psycopg-binary", "pydantic", "fastapi", "uvicorn", "uvloop",
    "httptools", "typst",
)  # fmt: skip
SETTINGS = (
    "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "wal_compression",
    "max_wal_size", "max_connections",
)  # fmt: skip


def described(server_url: str) -> dict[str, Any]:
    """All of it, for the result."""
    with psycopg.connect(server_url) as connection:
        settings: dict[str, str] = dict(
            connection.execute(
                "SELECT name, current_setting(name) FROM unnest(%s::text[]) AS s(name)",
                [list(SETTINGS)],
            ).fetchall()
        )
        server = connection.execute("SHOW server_version").fetchone()
    assert server is not None
    return {
        "versions": {
            "python": platform.python_version(),
            "postgresql": server[0],
            **{name: _version(name) for name in LIBRARIES},
        },
        "postgresql": settings,
        "machine": {
            "cpus": len(os.sched_getaffinity(0)),
            "processor": _processor(),
            "kernel": platform.release(),
            "load_at_start": load(),
        },
    }


def load() -> list[float]:
    """How many processes wanted to run, of late: 1, 5 and 15 minutes."""
    return [round(each, 2) for each in os.getloadavg()]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    except FileNotFoundError:
        names = []
    return names[0] if names else platform.machine()
