"""Takes evidence out: an agency's journal, or the proof of one event or of one lease's balance."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import Connection

from domain import Refused, stream_id
from domain.agency import AgencyCreated
from journal import HOUSE
from journal.anchors import Anchor, BadAnchor, file_name, opened
from journal.exchange import (
    JOURNAL,
    PROOF,
    Opening,
    as_line,
    ending_line,
    entry_line,
    header_line,
)
from journal.verifying import Line, Stretch, connect, hash_at, lines
from outside.files import Files
from system.anchors import anchor_files, anchor_public_key
from system.office import Premises
from workers.anchoring import kept_numbers

PARIS = ZoneInfo("Europe/Paris")
HOUSE_SLUG = "(house)"

_LAST = "SELECT position FROM heads WHERE agency = %s"
_RECORDED_AT = "SELECT recorded_at FROM events WHERE agency = %s AND position = %s"
_OF_LEASE = """
SELECT position FROM events WHERE agency = %(agency)s AND position <= %(last)s
    AND (stream = %(account)s OR name = 'PaymentSettled'
         AND convert_from(state, 'UTF8')::jsonb ->> 'lease_id' = %(lease)s)
"""
Written = Callable[[bytes], object]
Report = Callable[[int, int], None]


class NothingToExport(Refused):
    """No entry lies there."""


class NotAnchoredYet(Refused):
    """No anchor was made since: there is nothing to hold a proof against."""


class Exported(NamedTuple):
    """What was written."""

    first: int
    last: int
    anchored: int | None
    """The position up to which an anchor in the file covers it."""


def known_agencies(parts: Premises) -> dict[UUID, AgencyCreated]:
    return {
        entry.event.agency_id: entry.event
        for entry in parts.journal.read_all(HOUSE)
        if isinstance(entry.event, AgencyCreated)
    }


def span(
    parts: Premises, agency: UUID, first: date | int | None, last: date | int | None
) -> tuple[int, int]:
    """Positions from dates in Paris, both included. Raises NothingToExport."""
    with parts.pool.connection() as connection:
        row = connection.execute(_LAST, [agency]).fetchone()
        head = row[0] if row else 0
        begin = 1 if first is None else first
        if isinstance(begin, date):
            begin = _after(connection, agency, head, begin)
        end = head if last is None else last
        if isinstance(end, date):
            end = _after(connection, agency, head, end + timedelta(days=1)) - 1
    if not 1 <= begin <= end <= head:
        raise NothingToExport(
            f"Il n'y a aucune écriture là : le journal va de 1 à {head}.",
            f"There is no entry there: the journal goes from 1 to {head}.",
        )
    return begin, end


def _after(connection: Connection[Any], agency: UUID, head: int, day: date) -> int:
    """The first position that was recorded on that day or later; instants never decrease."""
    midnight = datetime.combine(day, time(), PARIS)

    def recorded_at(position: int) -> datetime:
        row = connection.execute(_RECORDED_AT, [agency, position]).fetchone()
        if row is None:
            raise NothingToExport(
                f"L'écriture {position} manque : voir « quittance verify ».",
                f"Entry {position} is missing: see “quittance verify”.",
            )
        at: datetime = row[0]
        return at

    return bisect_left(range(1, head + 1), midnight, key=recorded_at) + 1


def export_journal(
    parts: Premises, agency: UUID, first: int, last: int, write: Written, report: Report
) -> Exported:
    """All entries of a stretch, with the newest anchor of it."""
    anchor = _newest_anchor(parts, agency, first, last)
    return _write(
        parts, agency, Stretch(agency, first, last), write,
        (entry_line(line) for line in _reported(parts, Stretch(agency, first, last), report)),
        anchor=anchor,
    )  # fmt: skip


def export_event_proof(parts: Premises, agency: UUID, position: int, write: Written) -> Exported:
    """One entry in full, and the headers of those between it and the next anchor."""
    anchor, head = _first_anchor_from(parts, agency, position)
    stretch = Stretch(agency, position, head)
    chosen = {position}
    return _write(
        parts, agency, stretch, write, _chosen(parts, stretch, chosen),
        kind=PROOF, anchor=anchor, event=position,
    )  # fmt: skip


def export_lease_proof(
    parts: Premises, agency: UUID, reference: str, write: Written, report: Report
) -> Exported:
    """What makes a lease's balance in full, and the headers of all others, up to the last anchor.

    Its account is a stream of its own, so who reads the headers sees that none is left out.
    """
    _, last = span(parts, agency, None, None)
    anchor = _newest_anchor(parts, agency, 1, last)
    if anchor is None:
        raise _not_anchored()
    head = next(head.position for head in anchor.heads if head.agency == agency)
    lease = stream_id(agency, "lease", reference)
    account = stream_id(agency, "rent_account", lease)
    asked = {"agency": agency, "last": head, "account": account, "lease": str(lease)}
    with parts.pool.connection() as connection:
        chosen = {position for (position,) in connection.execute(_OF_LEASE, asked)}
    if not chosen:
        raise NothingToExport(
            f"Aucun montant n'est ancré pour le bail {reference}.",
            f"No amount of lease {reference} is anchored.",
        )
    stretch = Stretch(agency, 1, head)
    return _write(
        parts, agency, stretch, write, _chosen(parts, stretch, chosen, report),
        kind=PROOF, anchor=anchor, lease=reference,
    )  # fmt: skip


def _chosen(
    parts: Premises, stretch: Stretch, chosen: set[int], report: Report = lambda *_: None
) -> Iterator[bytes]:
    for line in _reported(parts, stretch, report):
        yield entry_line(line) if line.position in chosen else header_line(line)


def _reported(parts: Premises, stretch: Stretch, report: Report) -> Iterator[Line]:
    total = stretch.last - stretch.first + 1
    with connect(parts.url) as connection:
        for done, line in enumerate(lines(connection, stretch), 1):
            yield line
            if done % 1_000 == 0 or done == total:
                report(done, total)


def _write(
    parts: Premises,
    agency: UUID,
    stretch: Stretch,
    write: Written,
    told: Iterable[bytes],
    *,
    anchor: Anchor | None,
    kind: str = JOURNAL,
    **more: object,
) -> Exported:
    created = known_agencies(parts).get(agency)
    with parts.pool.connection() as connection:
        previous = hash_at(connection, agency, stretch.first - 1)
        ends_with = hash_at(connection, agency, stretch.last)
    if previous is None or ends_with is None:
        raise NothingToExport(
            "Il manque des écritures : voir « quittance verify ».",
            "Entries are missing: see “quittance verify”.",
        )
    about = None if created is None else created.model_dump(mode="json", exclude={"agency_id"})
    slug = HOUSE_SLUG if created is None else created.slug
    opening = Opening(agency, slug, stretch.first - 1, previous, about)
    write(opening.line(kind, **more))
    anchored = None
    if anchor is not None:
        proof = anchor.proof(agency)
        anchored = proof["position"]
        write(as_line({"anchor": proof}))
    count = 0
    for line in told:
        write(line)
        count += 1
    write(ending_line(count, stretch.last, ends_with))
    return Exported(stretch.first, stretch.last, anchored)


def _newest_anchor(parts: Premises, agency: UUID, first: int, last: int) -> Anchor | None:
    """The newest anchor that says where this log was within a stretch."""
    for anchor, position in _anchors(parts, agency, newest_first=True):
        if first <= position <= last:
            return anchor
        if position < first:
            return None
    return None


def _first_anchor_from(parts: Premises, agency: UUID, position: int) -> tuple[Anchor, int]:
    """The first anchor that covers an entry, and the position it says."""
    for anchor, anchored in _anchors(parts, agency, newest_first=False):
        if anchored >= position:
            return anchor, anchored
    raise _not_anchored()


def _anchors(parts: Premises, agency: UUID, *, newest_first: bool) -> Iterator[tuple[Anchor, int]]:
    """The anchors that hold, with this agency's position in each; `verify` names the others."""
    if not parts.settings.has_anchor_key:
        return
    files: Files = anchor_files(parts.settings)
    key = anchor_public_key(parts.settings)
    for number in sorted(kept_numbers(files), reverse=newest_first):
        try:
            anchor = opened(files.read(file_name(number)) or b"", key)
        except BadAnchor:
            continue
        for head in anchor.heads:
            if head.agency == agency:
                yield anchor, head.position


def _not_anchored() -> NotAnchoredYet:
    return NotAnchoredYet(
        "Aucun ancrage ne couvre encore cela : « quittance anchor » en fait un.",
        "No anchor covers this yet: “quittance anchor” makes one.",
    )
