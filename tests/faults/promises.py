"""What must be true after every fault, looked up in the stored rows and folded afresh."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from journal import HOUSE
from projections import Projection, projected
from projections.tables import find
from system.office import PROJECTIONS, Premises
from tests.faults.business import AGENCIES, PATIENCE_SECONDS, Wish, until
from tests.faults.load import Asks, Load
from tests.journal.verifier import broken_at

SIGNS = {"ChargePosted": 1, "CreditPosted": -1, "PaymentBooked": -1, "PaymentUnbooked": 1}
"""What moves the balance of a lease by the books, and which way."""
AGAIN = 25


class Lost(AssertionError):
    """Something that was acknowledged is not there."""


class Doubled(AssertionError):
    """Something that was asked once is there twice, or a repetition met another answer."""


class OutOfBalance(AssertionError):
    """A balance is not the sum of its events."""


class Unfolded(AssertionError):
    """A read model is not what a fresh fold of the journal leads to."""


class Tampered(AssertionError):
    """A chain does not verify."""


def _require(true: bool, otherwise: type[AssertionError], what: object = "") -> None:
    if not true:
        raise otherwise(what)


def check(
    rooms: Premises,
    load: Load,
    way: Asks | None = None,
    projections: tuple[Projection, ...] = PROJECTIONS,
) -> None:
    """All promises; raises the one that is broken. `way` is asked some things again."""
    repeat(load, way)
    # What was cut is still in the pool of who checks.
    rooms.pool.check()
    with psycopg.connect(rooms.url, autocommit=True) as connection:
        caught_up(connection, projections)
        facts = _facts(connection)
        nothing_lost_or_doubled(facts, load)
        balanced(connection, facts)
        folded_afresh(connection, rooms, projections)
    for agency in (HOUSE, *AGENCIES):
        at = broken_at(rooms.url, agency)
        _require(at is None, Tampered, (agency, at))


def repeat(load: Load, way: Asks | None) -> None:
    """Keys that are repeated meet their first answer."""
    wishes = sorted(load.told, key=lambda wish: wish.number)
    for wish in wishes[-AGAIN:] if way is not None else ():
        assert way is not None
        again = load.insist(lambda wish=wish: way.wish(wish))
        first = load.told[wish]
        same = (UUID(str(again.ids["payment_id"])), again.position)
        _require(same == (first.payment, first.position), Doubled, (wish, first, same))
        _require(again.repeated, Doubled, wish)


def caught_up(connection: Connection[Any], projections: tuple[Projection, ...]) -> None:
    """Wait until every read model has taken in every log, without a complaint."""
    names = [projection.name for projection in projections]

    def is_so() -> bool:
        stopped = connection.execute(
            "SELECT projection, error FROM read.positions WHERE error IS NOT NULL"
        ).fetchall()
        _require(not stopped, Unfolded, stopped)
        row = connection.execute(
            "SELECT count(*) = %s * (SELECT count(*) FROM heads) AND bool_and("
            "p.position = h.position) FROM heads h JOIN read.positions p USING (agency)"
            " WHERE p.projection = ANY(%s)",
            [len(names), names],
        ).fetchone()
        return row == (True,)

    until(is_so, "read models that have caught up", PATIENCE_SECONDS)


Fact = tuple[str, Mapping[str, Any]]


def _facts(connection: Connection[Any]) -> dict[UUID, list[Fact]]:
    """Name and content of all that each agency's log holds, as it is stored."""
    rows = connection.execute("SELECT agency, name, state FROM events ORDER BY agency, position")
    facts: dict[UUID, list[Fact]] = defaultdict(list)
    for agency, name, state in rows:
        facts[agency].append((name, json.loads(state)))
    return facts


def nothing_lost_or_doubled(facts: Mapping[UUID, list[Fact]], load: Load) -> None:
    wishes: Counter[tuple[UUID, int]] = Counter()
    payments: dict[tuple[UUID, int], str] = {}
    confirmed: Counter[str] = Counter()
    for agency, told in facts.items():
        for name, fact in told:
            if name == "PaymentInitiated":
                wishes[agency, fact["amount_cents"]] += 1
                payments[agency, fact["amount_cents"]] = fact["payment_id"]
            elif name in ("PaymentConfirmed", "PaymentBooked"):
                confirmed[fact["payment_id"]] += 1
    lost: list[Wish] = [wish for wish in load.told if not wishes[wish.agency, wish.cents]]
    lost += [wish for payment, wish in load.confirmed.items() if not confirmed[str(payment)]]
    _require(not lost, Lost, lost)
    doubled = [wish for wish, times in wishes.items() if times > 1]
    _require(not doubled, Doubled, doubled)
    doubled_payments = [payment for payment, times in confirmed.items() if times != 2]
    _require(not doubled_payments, Doubled, doubled_payments)
    for wish, told_then in load.told.items():
        stored = payments[wish.agency, wish.cents]
        _require(stored == str(told_then.payment), Lost, (wish, stored))


def balanced(connection: Connection[Any], facts: Mapping[UUID, list[Fact]]) -> None:
    """Every balance is the sum of its events, and no account is missing or without events."""
    sums: Counter[tuple[UUID, UUID]] = Counter()
    for agency, told in facts.items():
        for name, fact in told:
            if name in SIGNS:
                sums[agency, UUID(fact["lease_id"])] += SIGNS[name] * fact["amount_cents"]
    shown = connection.execute("SELECT agency, lease_id, booked_cents FROM read.accounts")
    accounts = {(agency, lease): cents for agency, lease, cents in shown.fetchall()}
    _require(accounts == dict(sums), OutOfBalance, {"shown": accounts, "events": dict(sums)})


def folded_afresh(
    connection: Connection[Any], rooms: Premises, projections: tuple[Projection, ...]
) -> None:
    for agency in (HOUSE, *AGENCIES):
        entries = list(rooms.journal.read_all(agency))
        for projection in projections:
            rows = projected(projection, entries)
            for kind in projection.rows:
                found = find(connection, kind, "agency = %s", [agency])
                same = sorted(found, key=kind.key_of) == rows.all(kind)
                _require(same, Unfolded, (projection.name, kind.__name__, agency))
