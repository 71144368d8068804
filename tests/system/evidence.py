"""Two agencies whose journals are known in full, stored as they would be, for tests of evidence."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from journal import EPOCH, Fact, Recorded, agency_id
from journal.loading import Told, chained, load
from projections import projected
from projections.balances import AccountRow, Balances
from system.office import Premises
from tests.given import Books, row
from tests.projections.story import Story
from tests.system.engines import PROJECT
from tests.system.rolls import new_agency

LILAS, ROSES = agency_id("lilas"), agency_id("roses")
VERIFIER = PROJECT / "journal" / "offline_verifier.py"


def tell_stories(parts: Premises) -> Story:
    """Lilas lives through the story with everything in it; roses takes over two leases."""
    story = Story()
    for slug, entries in (("lilas", story.entries), ("roses", _roses())):
        agency = new_agency(parts, slug)
        with parts.pool.connection() as connection:
            load(connection, agency, chained(agency, _told(parts, agency, entries)))
    return story


def _roses() -> list[Recorded]:
    books = Books(today="25/04/2026", slug="roses")
    books.do(row("L-0001", balance_cents=1100))
    books.do(row("L-0002", balance_cents=2200))
    return books.entries


def _told(parts: Premises, agency: UUID, entries: Iterable[Recorded]) -> list[Told]:
    entries = list(entries)
    parts.journal.keys.ensure(agency, [one for entry in entries for one in entry.subjects])
    encode = parts.journal.mapper(agency).encode
    return [
        Told(
            (entry.recorded_at - EPOCH) // timedelta(microseconds=1), entry.stream.bytes,
            entry.version, entry.name.encode(), type(entry.event).schema_version,
            entry.event_id.bytes, entry.effective_on.toordinal(), entry.actor.encode(), b"",
            entry.command_id.bytes, entry.correlation_id.bytes, b"",
            b"".join(one.bytes for one in entry.subjects),
            encode(*Fact(entry.stream, entry.version, entry.event)),
        )
        for entry in entries
    ]  # fmt: skip


def balances(story: Story) -> dict[UUID, AccountRow]:
    """What the read model says of each lease."""
    return {row.lease_id: row for row in projected(Balances(), story.entries).all(AccountRow)}


def auditor(file: Path, key: str, *more: object) -> tuple[int, Any]:
    """What somebody without Quittance finds: exit code, and what the verifier says."""
    done = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(file), "--key", key, *map(str, more)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout or done.stderr)
