"""How did a lease read on one date, by what was known then or later?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple, TypeVar
from uuid import UUID

from domain.lease import LeaseAmended, LeaseEnded, LeaseSigned, Tenant, Terms
from journal import Recorded

Status = Literal["to_come", "running", "ended"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LeaseThen:
    """A lease on one date. What an amendment says of days to come is not in force yet."""

    lease_id: UUID
    reference: str
    status: Status
    start_on: date
    ended_on: date | None
    """The last day, as it was known; it may lie ahead."""
    taken_over_on: date | None
    terms: Terms
    terms_from_on: date
    """Since when these terms are in force."""
    tenants: tuple[Tenant, ...]
    lot_ids: tuple[UUID, ...]
    made_by: dict[str, int]
    """Positions of the entries that made it so: terms, tenants, lots, start_on, ended_on."""


class _InForce(NamedTuple):
    """What is in force from a day on, and the position of the entry that says so."""

    from_on: date
    value: object
    position: int


Chain = tuple[_InForce, ...]


def lease_then(entries: Iterable[Recorded], lease_id: UUID, on: date) -> LeaseThen | None:
    """A lease on a date by the entries that were known; None if none of them signs it.

    Terms are in force as the lease itself bills them: an amendment replaces what was to come
    after it, and terms that it repeats stay as they were.
    """
    signed: LeaseSigned | None = None
    read: LeaseSigned | LeaseAmended | None = None
    ended_on: date | None = None
    made_by: dict[str, int] = {}
    terms: Chain = ()
    tenants: Chain = ()
    lots: Chain = ()
    for entry in entries:
        event, position = entry.event, entry.position
        if not isinstance(event, LeaseSigned | LeaseAmended | LeaseEnded):
            continue
        if event.lease_id != lease_id:
            continue
        if isinstance(event, LeaseEnded):
            if event.ended_on != ended_on:
                made_by["ended_on"] = position
            ended_on = event.ended_on
            continue
        from_on = event.start_on if isinstance(event, LeaseSigned) else event.effective_on
        ended = None if isinstance(event, LeaseSigned) else event.ended_on
        if ended != ended_on:
            made_by["ended_on"] = position
        if read is None or event.start_on != read.start_on:
            made_by["start_on"] = position
        if isinstance(event, LeaseSigned):
            signed = event
        read, ended_on = event, ended
        terms = _in_force(terms, from_on, event.terms, position)
        tenants = _in_force(tenants, from_on, event.tenants, position)
        lots = _in_force(lots, from_on, event.lot_ids, position)
    if signed is None or read is None:
        return None
    return _then(signed, read, ended_on, on, made_by, (terms, tenants, lots))


def _then(
    signed: LeaseSigned,
    read: LeaseSigned | LeaseAmended,
    ended_on: date | None,
    on: date,
    made_by: dict[str, int],
    chains: tuple[Chain, Chain, Chain],
) -> LeaseThen:
    terms, tenants, lots = (_on(chain, on) for chain in chains)
    assert isinstance(terms.value, Terms)
    assert isinstance(tenants.value, tuple)
    assert isinstance(lots.value, tuple)
    made_by |= {"terms": terms.position, "tenants": tenants.position, "lots": lots.position}
    status: Status = "running"
    if on < read.start_on:
        status = "to_come"
    elif ended_on is not None and on > ended_on:
        status = "ended"
    return LeaseThen(
        signed.lease_id, signed.reference, status, read.start_on, ended_on, signed.taken_over_on,
        terms.value, terms.from_on, tenants.value, lots.value, made_by,
    )  # fmt: skip


def _in_force(chain: Chain, from_on: date, value: object, position: int) -> Chain:
    if chain and chain[-1].value == value:
        return chain
    before = tuple(known for known in chain if known.from_on < from_on)
    return (*before, _InForce(from_on, value, position))


def _on(chain: Chain, on: date) -> _InForce:
    """What is in force on a day; before the first, what will be."""
    found = chain[0]
    for known in chain:
        if known.from_on <= on:
            found = known
    return found
