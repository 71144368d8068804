"""Verifies this program's journals: the chains, and the anchors that were kept of them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from journal.anchored import compared, examined
from journal.anchors import Anchor
from journal.tampering import Finding
from journal.verification import Report, verify
from journal.verifying import connect
from system.anchors import anchor_files, anchor_public_key
from system.settings import Settings
from workers.anchoring import kept_anchors, remembered_anchors


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen, and all that is wrong with it."""

    agencies: int
    events: int
    anchors: int
    """Those that could be relied on."""
    findings: list[Finding]


def verify_all(
    settings: Settings,
    url: str,
    *,
    only: UUID | None = None,
    jobs: int,
    key: bytes | None,
    report: Report,
) -> Evidence:
    """Recompute every chain, and compare what is there with what was anchored.

    `key` is the public key to hold anchors against; None for this program's own.
    """
    # The anchors first: one that is made meanwhile tells of more than was read.
    files = kept_anchors(anchor_files(settings))
    with connect(url) as connection:
        remembered = remembered_anchors(connection)
        seen = verify(url, only=only, jobs=jobs, report=report)
        findings = list(seen.findings)
        good: list[Anchor] = []
        if files or remembered:
            good, wrong = examined(files, key or _own_key(settings), remembered)
            findings += [f for f in wrong if f.agency is None or only in (None, f.agency)]
            findings += compared(connection, seen.logs, good, seen.findings, only)
    return Evidence(len(seen.logs), seen.events, len(good), findings)


def _own_key(settings: Settings) -> bytes:
    # Where no key was ever made, none signed these: no public key fits, and all are foreign.
    return anchor_public_key(settings) if settings.has_anchor_key else bytes(32)
