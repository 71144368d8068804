"""What is meant by a name: which ids does a lease, an account, a person or an actor go by?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID

from domain import NotFound, Refused, stream_id
from domain.words import PARIS
from journal import Recorded
from projections.story import Reader, at
from projections.timeline import actor_id, positions_about
from projections.two_dates import BeyondTheHead, KnownAt, end_of, last_by

SYSTEM_ACTORS = ("clock", "operator", "reaction", "webhook")
LONGEST_REFERENCE = 200


class Subject(StrEnum):
    """What a story can be about."""

    LEASE = "lease"
    ACCOUNT = "account"
    PAYMENT = "payment"
    INVOICE = "invoice"
    PARTY = "party"
    AGENT = "agent"
    PERIOD = "period"


class NothingKnown(NotFound):
    """The journal of this agency mentions nothing of this name."""


class BackwardPeriod(Refused):
    """A period ends before it begins."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of one agency's log, both ends included; it may hold nothing."""

    first: int
    last: int


_BY_NAME = {
    Subject.PAYMENT: "SELECT payment_id FROM read.payments"
    " WHERE agency = %(agency)s AND %(name)s IN (ticket_number, provider_reference)",
    Subject.INVOICE: "SELECT invoice_id FROM read.invoices"
    " WHERE agency = %(agency)s AND number = %(name)s",
}
_OF_A_LEASE = """
SELECT payment_id FROM read.payments WHERE agency = %(agency)s AND lease_id = %(lease)s
UNION ALL
SELECT receipt_id FROM read.receipts WHERE agency = %(agency)s AND lease_id = %(lease)s
"""


def ids_of(reader: Reader, subject: Subject, reference: str) -> list[UUID] | None:
    """All ids that a subject's story is found under; None for a period, which is about all.

    `reference` is what people call it, or an id. A lease's story has its payments in it, those
    that failed included, and the papers of its receipts. Raises NothingKnown.
    """
    if subject is Subject.PERIOD:
        return None
    ids = (
        _actors(reader, reference) if subject is Subject.AGENT else _ids(reader, subject, reference)
    )
    if not positions_about(reader.connection, reader.agency, ids, limit=1):
        raise nothing_known(reference)
    return ids


def _ids(reader: Reader, subject: Subject, reference: str) -> list[UUID]:
    its_id = _id(reader, subject, reference)
    if its_id is None:
        raise nothing_known(reference)
    if subject is not Subject.LEASE:
        return [its_id]
    rows = reader.connection.execute(
        _OF_A_LEASE, {"agency": reader.agency, "lease": its_id}
    ).fetchall()
    return [its_id, *(row[0] for row in rows)]


def nothing_known(reference: str) -> NothingKnown:
    shown = "".join(c if c.isprintable() else "?" for c in reference[:60])
    shown = shown.encode(errors="replace").decode()
    return NothingKnown(
        f"Rien n'est connu sous « {shown} » dans cette agence. Vérifiez la référence, telle"
        " qu'elle est écrite sur ses papiers.",
        f"Nothing is known as “{shown}” in this agency. Check the reference, as it is written on"
        " its papers.",
    )


def window(reader: Reader, since: KnownAt | None, until: KnownAt | None) -> Window:
    """The stretch of the log between two days, instants or positions, both included.

    Days to come hold nothing yet and are no fault. Raises BackwardPeriod, BeyondTheHead.
    """
    head, _ = reader.journal.head(reader.agency)
    for position in (since, until):
        if isinstance(position, int) and position > head:
            raise BeyondTheHead(
                f"Le journal de cette agence s'arrête à la position {head}.",
                f"The journal of this agency ends at position {head}.",
            )
    if _is_backward(since, until):
        raise BackwardPeriod(
            "La période finit avant de commencer : échangez les deux bornes.",
            "The period ends before it begins: swap the two ends.",
        )
    first = 1 if since is None else _first(reader, since)
    last = head if until is None else _last(reader, until)
    return Window(max(1, first), last)


def entries_in(
    reader: Reader, about: Sequence[UUID] | None, stretch: Window, after: int, limit: int
) -> list[Recorded]:
    """The next entries of a stretch that mention some ids, or all of them for None."""
    start = max(after, stretch.first - 1)
    if about is None:
        most = max(0, min(limit, stretch.last - start))
        return reader.journal.read(reader.agency, start, most) if most else []
    positions = positions_about(
        reader.connection, reader.agency, about, after=start, up_to=stretch.last, limit=limit
    )
    return at(reader, positions)


def lease_id_of(reader: Reader, reference: str) -> UUID:
    """The id of a lease by its reference or its id. Raises NothingKnown."""
    its_id = _id(reader, Subject.LEASE, reference)
    if its_id is None or not positions_about(reader.connection, reader.agency, [its_id], limit=1):
        raise nothing_known(reference)
    return its_id


def _id(reader: Reader, subject: Subject, reference: str) -> UUID | None:
    try:
        its_id = UUID(reference)
    except ValueError:
        return _id_of_name(reader, subject, reference)
    if subject is Subject.ACCOUNT:
        account = stream_id(reader.agency, "rent_account", its_id)
        of_lease = positions_about(reader.connection, reader.agency, [account], limit=1)
        return account if of_lease else its_id
    return its_id


def _id_of_name(reader: Reader, subject: Subject, name: str) -> UUID | None:
    if not name.isprintable() or not 1 <= len(name) <= LONGEST_REFERENCE:
        return None
    match subject:
        case Subject.LEASE | Subject.PARTY:
            return stream_id(reader.agency, subject.value, name)
        case Subject.ACCOUNT:
            lease = stream_id(reader.agency, "lease", name)
            return stream_id(reader.agency, "rent_account", lease)
        case Subject.PAYMENT | Subject.INVOICE:
            row = reader.connection.execute(
                _BY_NAME[subject], {"agency": reader.agency, "name": name}
            ).fetchone()
            return None if row is None else row[0]
        case _:
            return None


def _actors(reader: Reader, reference: str) -> list[UUID]:
    if reference in SYSTEM_ACTORS:
        return [actor_id(reference)]
    found: list[UUID] = []
    if reference.isprintable():
        found = reader.tokens.tokens_named(reader.connection, reader.agency, reference)
    try:
        found.append(UUID(reference.removeprefix("token:")))
    except ValueError:
        if not found:
            raise nothing_known(reference) from None
    return [actor_id(f"token:{token_id}") for token_id in found]


def _first(reader: Reader, since: KnownAt) -> int:
    if isinstance(since, int):
        return since
    return last_by(reader.connection, reader.agency, _begins(since), inclusive=False) + 1


def _last(reader: Reader, until: KnownAt) -> int:
    if isinstance(until, int):
        return until
    return last_by(reader.connection, reader.agency, _ends(until))


def _begins(since: date) -> datetime:
    return since if isinstance(since, datetime) else datetime.combine(since, time(), PARIS)


def _ends(until: date) -> datetime:
    return until if isinstance(until, datetime) else end_of(until)


def _is_backward(since: KnownAt | None, until: KnownAt | None) -> bool:
    match since, until:
        case int(), int():
            return since > until
        case date(), date():
            return _begins(since) > _ends(until)
        case _:
            return False
