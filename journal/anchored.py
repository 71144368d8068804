"""Whether the logs are still those that were anchored, and the anchors still those that were kept.

A missing end, and a history that was written anew from some point on, break no chain: they show
here. An anchor that proves nothing is a finding of its own, never a reason to look away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from psycopg import Connection

from journal.anchors import Anchor, AnchoredHead, BadAnchor, Fault, opened
from journal.tampering import Finding, Kind
from journal.verifying import LogEnds

_STORED = """
SELECT e.agency, e.position, e.hash FROM unnest(%s::uuid[], %s::bigint[]) AS a(agency, position)
JOIN events e ON e.agency = a.agency AND e.position = a.position
"""
_FAULTS = {
    Fault.UNREADABLE: Kind.ANCHOR_UNREADABLE,
    Fault.UNSIGNED: Kind.ANCHOR_UNSIGNED,
    Fault.FOREIGN: Kind.ANCHOR_FOREIGN,
    Fault.ALTERED: Kind.ANCHOR_ALTERED,
}


def examined(
    files: Mapping[int, bytes], key: bytes, remembered: Mapping[int, str]
) -> tuple[list[Anchor], list[Finding]]:
    """The anchors that can be relied on, and what is wrong with the others.

    `files` are what the place holds, by number; `remembered` the SHA-256, in hex, that the
    database knows of each anchor that was kept.
    """
    good: list[Anchor] = []
    findings: list[Finding] = []
    for number in range(1, max([0, *files, *remembered]) + 1):
        if number not in files:
            findings.append(_of_anchor(Kind.ANCHOR_MISSING, number))
            continue
        try:
            anchor = opened(files[number], key)
        except BadAnchor as bad:
            findings.append(_of_anchor(_FAULTS[bad.fault], number))
            continue
        against = list(_contradictions(number, anchor, good, remembered))
        findings += against
        if anchor.number == number:
            good.append(anchor)
    return good, findings


def _of_anchor(kind: Kind, number: int, agency: UUID | None = None) -> Finding:
    return Finding(kind, agency, 0, 0, anchor=number)


def _contradictions(
    number: int, anchor: Anchor, earlier: list[Anchor], remembered: Mapping[int, str]
) -> Iterator[Finding]:
    """Two signed anchors that cannot both be true, or one that is not the one that was kept."""
    before = earlier[-1] if earlier else None
    if (
        anchor.number != number
        or remembered.get(number, anchor.digest) != anchor.digest
        or (before and before.number == number - 1 and anchor.previous != before.digest)
        or (before and anchor.anchored_at < before.anchored_at)
    ):
        yield _of_anchor(Kind.ANCHORS_CONTRADICT, number)
        return
    now = {head.agency: head for head in anchor.heads}
    for head in before.heads if before else ():
        later = now.get(head.agency)
        if (
            later is None
            or later.position < head.position
            or (later.position == head.position and later.hash != head.hash)
        ):
            yield _of_anchor(Kind.ANCHORS_CONTRADICT, number, head.agency)


def compared(
    connection: Connection[Any],
    logs: Iterable[LogEnds],
    anchors: Iterable[Anchor],
    found: Iterable[Finding],
    only: UUID | None = None,
) -> list[Finding]:
    """What the anchors show and the chains did not (`found` is what these did)."""
    claims: dict[AnchoredHead, int] = {}
    for anchor in anchors:
        for head in anchor.heads:
            if only in (None, head.agency):
                claims.setdefault(head, anchor.number)
    stored = {
        (agency, position): bytes(digest)
        for agency, position, digest in connection.execute(
            _STORED, [[head.agency for head in claims], [head.position for head in claims]]
        )
    }
    by_agency: dict[UUID, list[tuple[AnchoredHead, int]]] = {}
    for head, number in sorted(claims.items(), key=lambda claim: claim[0].position):
        by_agency.setdefault(head.agency, []).append((head, number))
    last = {log.agency: log.last for log in logs}
    known = list(found)
    return [
        finding
        for agency, heads in by_agency.items()
        for finding in _of_log(
            heads, last.get(agency, 0), stored, [f for f in known if f.agency == agency]
        )
    ]


def _of_log(
    heads: list[tuple[AnchoredHead, int]],
    last: int,
    stored: Mapping[tuple[UUID, int], bytes],
    found: list[Finding],
) -> Iterator[Finding]:
    agreed, newest = 0, heads[-1]
    for head, number in heads:
        digest = stored.get((head.agency, head.position))
        if digest == head.hash:
            agreed = head.position
        elif digest is not None:
            # Where the chain itself breaks at that entry, this was told already.
            if not any(f.position <= head.position <= f.up_to for f in found):
                yield Finding(Kind.REWRITTEN, head.agency, agreed + 1, head.position, anchor=number)
            break
    head, number = newest
    told = any(f.kind is Kind.CUT and f.up_to >= head.position for f in found)
    if head.position > last and not told:
        yield Finding(Kind.CUT, head.agency, last + 1, head.position, anchor=number)
