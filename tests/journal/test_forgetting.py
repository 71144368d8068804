"""A key that is destroyed anywhere opens nothing anywhere: at once, or when it can be known."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import Connection

from domain import ERASED
from domain.party import PartyErased, PartyRegistered
from journal import Fact
from journal.append import Append
from journal.forgetting import Forgetting, destroy_again
from tests.journal.counters import Notebook
from tests.journal.desk import METZ, NANCY, Desk
from tests.journal.test_sealing import ENVELOPE, person
from tests.journal.verifier import broken_at

SECONDS = 1.0
"""At the latest within which a process has heard."""
EAR = "an ear"


def until(true: Callable[[], bool], seconds: float = SECONDS) -> float:
    """Look until it is so; how long it took. Fails if it does not come to be."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() < begun + seconds, "it has not come to be"
    return time.monotonic() - begun


@contextmanager
def listening(at: Desk, connect: Callable[[], Connection[Any]] | None = None) -> Iterator[None]:
    """The desk hears of erasures as a running process does."""

    def ear() -> Connection[Any]:
        return psycopg.connect(at.url, autocommit=True, application_name=EAR)

    forgetting = Forgetting(connect or ear, at.journal.keys, at.office.cells.forget)
    try:
        yield
    finally:
        forgetting.close()


def ears(at: Desk) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND query LIKE %s"
    return at.rows(query, EAR, "%data_keys%")[0][0]


def register(at: Desk, agency: UUID = METZ, party: UUID | None = None) -> UUID:
    """A person with a stream of their own."""
    event = person(party_id=party or uuid4())
    append(at, agency, Fact(event.party_id, 1, event))
    return event.party_id


def append(at: Desk, agency: UUID, *facts: Fact) -> None:
    waiting = Append(agency.bytes, at.journal.entries(agency, facts, ENVELOPE))
    at.journal.submit(waiting)
    waiting.result()


def erase(at: Desk, party: UUID, agency: UUID = METZ) -> None:
    append(at, agency, Fact(party, 2, PartyErased(party_id=party, ground="request")))


def name(at: Desk, party: UUID, agency: UUID = METZ) -> object:
    """The name as a process reads it now, with the keys that it remembers."""
    entry = at.journal.stream(agency, party)[0]
    assert isinstance(entry.event, PartyRegistered)
    return entry.event.last_name


def test_the_fact_the_key_and_the_word_are_one_commit(here: Desk, there: Desk) -> None:
    gone, stays = register(here), register(here)
    assert name(there, gone) == name(there, stays) == "Untel"

    with listening(there):
        until(lambda: ears(there) == 1)
        erase(here, gone)
        assert here.rows("SELECT wrapped FROM data_keys WHERE subject = %s", gone) == [(None,)]
        took = until(lambda: name(there, gone) == ERASED)

    assert name(there, stays) == "Untel"
    assert took < SECONDS
    assert broken_at(here.url, METZ) is None


def test_an_erasure_that_was_not_kept_destroys_nothing(here: Desk) -> None:
    party = register(here)
    with psycopg.connect(here.url) as connection:
        connection.execute(
            "INSERT INTO events SELECT agency, position + 1, stream, event_id, command_id,"
            " correlation_id, causation_id, recorded_at, version + 1, 1, effective_on,"
            " 'PartyErased', actor, on_behalf_of, subjects, hash, state FROM events"
        )
        connection.rollback()
    assert name(here, party) == "Untel"


def test_a_person_is_erased_in_one_agency_alone(here: Desk) -> None:
    party = register(here)
    register(here, NANCY, party)
    with listening(here):
        erase(here, party)
        until(lambda: name(here, party) == ERASED)
    assert name(here, party, NANCY) == "Untel"


def test_a_word_that_was_swallowed_is_made_up_for_by_looking(here: Desk) -> None:
    party = register(here)
    name(here, party)
    with listening(here):
        until(lambda: ears(here) == 1)
        with psycopg.connect(here.url, autocommit=True) as connection:
            connection.execute(
                "UPDATE data_keys SET wrapped = NULL, erased_at = clock_timestamp()"
                " WHERE subject = %s",
                [party],
            )
        until(lambda: name(here, party) == ERASED)


def test_who_lost_the_connection_looks_again(here: Desk, there: Desk) -> None:
    party = register(here)
    assert name(there, party) == "Untel"
    with listening(there):
        until(lambda: ears(there) == 1)
        here.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
            EAR,
        )
        erase(here, party)
        until(lambda: name(there, party) == ERASED)


def test_who_cannot_listen_at_all_trusts_no_key_that_it_remembers(here: Desk, there: Desk) -> None:
    party = register(here)
    assert name(there, party) == "Untel"

    def deaf() -> Connection[Any]:
        raise psycopg.OperationalError("no connection is to be had")

    with listening(there, deaf):
        erase(here, party)
        until(lambda: name(there, party) == ERASED)


def test_keys_that_a_restore_brought_back_are_destroyed_again(here: Desk) -> None:
    gone, stays = register(here), register(here)
    backup = here.rows("SELECT agency, subject, wrapped FROM data_keys")
    erase(here, gone)
    with psycopg.connect(here.url, autocommit=True) as connection:
        connection.execute("DELETE FROM data_keys")
        for row in backup:
            connection.execute(
                "INSERT INTO data_keys (agency, subject, wrapped) VALUES (%s, %s, %s)", row
            )
        here.journal.keys.forget_all()
        assert name(here, gone) == "Untel"

        assert destroy_again(connection) == 1
        assert destroy_again(connection) == 0

    here.journal.keys.forget_all()
    assert (name(here, gone), name(here, stays)) == (ERASED, "Untel")


def test_a_key_that_is_looked_up_while_all_are_forgotten_is_still_found(here: Desk) -> None:
    """Were it not, a fold would write for good that somebody was erased who was not."""
    party, keys = register(here), here.journal.keys
    before = keys.of(METZ)
    keys.forget_all()
    assert keys.of(METZ) is not before
    for _ in range(50):
        keys.forget_all()
        assert name(here, party) == "Untel"


@pytest.mark.parametrize("others", [0, 3])
def test_the_state_of_an_erased_person_is_dropped_and_no_others(here: Desk, others: int) -> None:
    gone, *stay = (uuid4() for _ in range(1 + others))
    states = [Notebook(stream) for stream in (gone, *stay)]
    metz, nancy = here.office.cells.room(METZ), here.office.cells.room(NANCY)
    metz.remember(states, 0)
    nancy.remember(states, 0)

    here.office.cells.forget(METZ, gone)

    assert metz.get(gone.bytes) is None
    assert nancy.get(gone.bytes) is not None
    assert all(metz.get(stream.bytes) is not None for stream in stay)
