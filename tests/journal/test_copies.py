"""A copy of an aggregate is its own: what happens to one never shows in the other."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from typing import Any, get_args, get_type_hints
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates import Aggregate
from aggregates.rent_account import RentAccount
from domain import Event
from domain.lease import LeaseSigned
from domain.payment import PaymentInitiated
from system.office import know_everything
from tests.journal.made_up import events

know_everything()
STREAM, LEASE = UUID(int=1), UUID(int=2)
FOUNDED_BY: dict[str, type[Event]] = {"lease": LeaseSigned, "payment": PaymentInitiated}
"""What has to come first, where later events lean on it."""


def kinds() -> Iterator[type[Aggregate]]:
    """All aggregates of the product."""
    waiting = Aggregate.__subclasses__()
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("aggregates."):
            yield kind


def histories(kind: type[Aggregate]) -> st.SearchStrategy[list[Event]]:
    hint = get_type_hints(kind.evolve)["event"]
    any_event = st.one_of([events(each) for each in get_args(hint) or (hint,)])
    history = st.lists(any_event, min_size=1, max_size=12)
    founding = FOUNDED_BY.get(kind.kind)
    if founding is None:
        return history
    return st.tuples(events(founding), history).map(lambda both: [both[0], *both[1]])


def held(aggregate: Aggregate) -> dict[str, Any]:
    return deepcopy(aggregate.__dict__)


KINDS = {kind.kind: kind for kind in kinds() if kind is not RentAccount}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_what_happens_to_an_aggregate_never_shows_in_its_copies(name: str) -> None:
    kind = KINDS[name]

    @settings(max_examples=25, deadline=None)
    @given(histories(kind))
    def copies_stay(history: list[Event]) -> None:
        aggregate = kind(STREAM)
        copies: list[tuple[Aggregate, dict[str, Any]]] = []
        for event in history:
            copies.append((aggregate.copy(), held(aggregate)))
            aggregate.evolve(event)
        for copied, before in copies:
            assert copied.__dict__ == before

    copies_stay()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["open", "correct", "book", "unbook", "allocate"]),
        st.integers(-50_000, 50_000),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=15,
)


def step(account: RentAccount, what: str, cents: int, number: int) -> None:
    """One decision about a rent account; none where it could not be taken."""
    on, payment = date(2026, 1 + number, 5), UUID(int=100 + number)
    if what == "open":
        account.open_with(LEASE, cents, on)
    elif what == "correct":
        account.correct(LEASE, cents, on)
    elif what == "book" and cents > 0:
        account.book(LEASE, payment, cents, (), on)
    elif what == "unbook" and payment in account.sources:
        account.unbook(payment, "returned", on)
    elif what == "allocate":
        account.allocate_credit(on)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_what_is_decided_on_a_rent_account_never_shows_in_its_copies(
    steps: list[tuple[str, int, int]],
) -> None:
    account = RentAccount(STREAM)
    copies: list[tuple[RentAccount, dict[str, Any]]] = []
    for what, cents, number in steps:
        copies.append((account.copy(), held(account)))
        step(account, what, cents, number)
        twin = account.copy()
        step(twin, "correct", 1, 0)
    for copied, before in copies:
        assert copied.__dict__ == before

    facts = account.collect_events()
    replayed = RentAccount.replay(STREAM, ((f.originator_version, f.event) for f in facts))
    assert replayed.__dict__ == account.__dict__


def test_class_attributes_are_never_written_through() -> None:
    account = RentAccount(STREAM)
    account.open_with(LEASE, 100, date(2026, 1, 1))

    assert RentAccount.charges == {}
    assert RentAccount.sources == {}
    assert RentAccount(STREAM).balance_cents == 0
