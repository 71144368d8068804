"""What is personal is never stored in clear, is bound to its place, and is gone with its key."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier, Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg_pool import ConnectionPool

from commands.payment import InitiatePayment
from commands.rent_roll import TakeOverLease
from domain import ERASED, Erased, Event
from domain.party import PartyRegistered
from journal import Envelope, Fact
from journal.append import Append
from journal.keys import KeyDestroyed, Keyring
from journal.mapper import FactMapper
from system.office import know_everything
from tests.journal.counters import Note
from tests.journal.desk import AGENT, MASTER_KEY, METZ, NANCY, Desk
from tests.journal.made_up import events
from tests.journal.verifier import broken_at

know_everything()
ALL = [kind for _, kind in sorted(Event.named.items()) if kind.__module__.startswith("domain.")]
PERSONAL = [kind for kind in ALL if kind.personal]
ENVELOPE = Envelope("x", UUID(int=1), UUID(int=1), date(2026, 3, 1))
ON_ONE_DATABASE = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def keep(here: Desk, *facts: Fact) -> int:
    append = Append(METZ.bytes, here.journal.entries(METZ, facts, ENVELOPE))
    here.journal.submit(append)
    return append.result()


def in_clear(value: Any) -> Iterator[bytes]:
    """The bytes under which a value would be recognised in JSON, escaped or not."""
    text = value.isoformat() if isinstance(value, date) else str(value)
    yield text.encode()
    yield json.dumps(text)[1:-1].encode()
    yield json.dumps(text, ensure_ascii=False)[1:-1].encode()


@ON_ONE_DATABASE
@given(st.lists(st.one_of([events(kind) for kind in PERSONAL]), min_size=1, max_size=8))
def test_no_personal_field_of_any_event_is_stored_in_clear(
    here: Desk, happened: list[Event]
) -> None:
    facts = [Fact(uuid4(), 1, event) for event in happened]
    last = keep(here, *facts)

    first = last - len(facts) + 1
    rows = here.rows(
        "SELECT state, events::text, subjects FROM events WHERE position >= %s ORDER BY position",
        first,
    )
    for event, (state, row, subjects) in zip(happened, rows, strict=True):
        assert set(subjects) == set(event.subjects())
        for field in event.personal:
            value = getattr(event, field)
            if value is not None:
                assert not any(clear in state or clear in row.encode() for clear in in_clear(value))
    assert [entry.event for entry in here.journal.read(METZ, first - 1)] == happened


@ON_ONE_DATABASE
@given(st.lists(st.one_of([events(kind) for kind in ALL]), min_size=10, max_size=20))
def test_every_event_of_the_product_is_read_as_it_was_stored(
    here: Desk, happened: list[Event]
) -> None:
    mapper = here.journal.mapper(METZ)
    for version, event in enumerate(happened, 1):
        name, stream = type(event).__name__, UUID(int=version)
        stored = mapper.encode(stream, version, event)
        assert mapper.decode(stream, version, name, event.schema_version, stored) == event


ROW: dict[str, Any] = {
    "client_reference": "C-1",
    "title": "Madame",
    "last_name": "Quetzalcoatl",
    "first_name": "Wilhelmine",
    "born_on": "1953-08-17",
    "email": "wilhelmine@quetzal.example",
    "phone": "+33 6 98 76 54 32",
    "lease_reference": "B-1",
    "lot_reference": "L-1",
    "street": "17 rue des Hirondelles",
    "postcode": "57999",
    "city": "Xouaxange",
    "entered_on": "2020-01-01",
    "terms": {
        "kind": "unfurnished",
        "rent_cents": 61240,
        "payment_term": "advance",
        "due_day": 5,
    },
    "iban": "FR7630006000011234567890189",
    "balance_cents": 0,
    "balance_on": "2026-10-31",
}
SECRETS = (
    "Quetzalcoatl", "Wilhelmine", "1953-08-17", "quetzal.example", "98 76 54", "Hirondelles",
    "57999", "Xouaxange", "FR76300060000", "payer@secret.example",
)  # fmt: skip


def test_neither_log_nor_answers_of_real_commands_hold_personal_data_in_clear(here: Desk) -> None:
    lease_id = here.do(TakeOverLease.model_validate(ROW), key="row").ids["lease_id"]
    changed = {**ROW, "city": "Woippy", "last_name": "Autrement"}
    here.do(TakeOverLease.model_validate(changed), key="differing")
    here.do(TakeOverLease.model_validate({**changed, "accept_differences": True}), key="amended")
    paying = InitiatePayment(
        lease_id=lease_id,
        amount_cents=100,
        terms_accepted_version="1",
        receipt_email="payer@secret.example",
    )
    here.do(paying, key="pay", who=AGENT)

    stored = here.rows(
        "SELECT convert_from(state, 'UTF8') || events::text FROM events"
        " UNION ALL SELECT convert_from(answer, 'UTF8') || answers::text FROM answers"
    )
    dump = "\n".join(text for (text,) in stored)
    assert len(stored) > 8
    for secret in (*SECRETS, "Woippy", "Autrement"):
        assert secret not in dump
        assert secret.encode().hex() not in dump


def sealed(mapper: FactMapper, event: Event, stream: UUID, version: int) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(mapper.encode(stream, version, event))
    return fields


def person(**fields: Any) -> PartyRegistered:
    return PartyRegistered(
        **{
            "party_id": uuid4(),
            "client_reference": "C",
            "title": "M.",
            "last_name": "Untel",
            "first_name": "Jean",
            **fields,
        }
    )


def test_a_sealed_value_reads_only_where_it_was_sealed(here: Desk) -> None:
    mapper, elsewhere = here.journal.mapper(METZ), here.journal.mapper(NANCY)
    event, stream = person(), uuid4()
    fields = sealed(mapper, event, stream, 3)
    state = json.dumps(fields).encode()
    swapped = {**fields, "first_name": fields["last_name"], "last_name": fields["first_name"]}
    place: tuple[Any, ...] = ("PartyRegistered", 1, state)
    here.journal.keys.ensure(NANCY, [event.party_id])

    assert mapper.decode(stream, 3, *place) == event
    reads: tuple[Callable[[], Event], ...] = (
        lambda: mapper.decode(uuid4(), 3, *place),
        lambda: mapper.decode(stream, 4, *place),
        lambda: mapper.decode(stream, 3, "PartyRegistered", 1, json.dumps(swapped).encode()),
        lambda: mapper.decode(stream, 3, "IdentityCorrected", 1, _without_contact(fields)),
        lambda: elsewhere.decode(stream, 3, *place),
    )
    for read in reads:
        with pytest.raises(InvalidTag):
            read()


def _without_contact(fields: dict[str, Any]) -> bytes:
    kept = ("party_id", "title", "last_name", "first_name", "born_on")
    return json.dumps({name: fields[name] for name in kept}).encode()


def test_a_sealed_value_does_not_read_under_another_persons_key(here: Desk) -> None:
    mapper, stream = here.journal.mapper(METZ), uuid4()
    fields = sealed(mapper, person(), stream, 1)
    other = uuid4()
    here.journal.keys.ensure(METZ, [other])

    with pytest.raises(InvalidTag):
        mapper.decode(
            stream, 1, "PartyRegistered", 1, json.dumps({**fields, "party_id": str(other)}).encode()
        )


def test_the_same_value_is_never_sealed_the_same_way_twice(here: Desk) -> None:
    mapper, event, stream = here.journal.mapper(METZ), person(), uuid4()

    with ThreadPoolExecutor(8) as threads:
        many = list(threads.map(lambda _: sealed(mapper, event, stream, 1), range(2000)))

    nonces = [b64decode(f["last_name"]["sealed"])[:12] for f in many]
    assert len(set(nonces)) == len(nonces)


def test_a_destroyed_key_erases_one_person_and_leaves_the_chain_whole(
    here: Desk, there: Desk
) -> None:
    gone, stays = uuid4(), uuid4()
    for subject, text in ((gone, "à oublier"), (stays, "à garder"), (gone, "aussi à oublier")):
        here.do(Note(person_id=subject, text=text))
    before = here.rows("SELECT state, hash FROM events ORDER BY position")

    here.journal.keys.destroy(METZ, gone)

    for office in (here, there):
        texts = [entry.event.text for entry in office.journal.read_all(METZ)]  # type: ignore[attr-defined]
        assert texts == [ERASED, "à garder", ERASED]
        assert isinstance(texts[0], Erased)
    assert here.rows("SELECT state, hash FROM events ORDER BY position") == before
    assert broken_at(here.url, METZ) is None
    with pytest.raises(KeyDestroyed):
        there.do(Note(person_id=gone, text="encore"))
    there.do(Note(person_id=stays, text="encore"))


def test_a_person_is_erased_in_one_agency_only(here: Desk) -> None:
    subject = uuid4()
    for agency in (METZ, NANCY):
        here.do(Note(person_id=subject, text="secret"), agency=agency)

    here.journal.keys.destroy(METZ, subject)

    (left,) = here.journal.read_all(NANCY)
    assert left.event.text == "secret"  # type: ignore[attr-defined]


def test_two_keyrings_that_make_one_persons_key_at_once_agree(here: Desk) -> None:
    place = b"somewhere"
    with ConnectionPool(here.url, min_size=4, kwargs={"autocommit": True}, open=True) as pool:
        for _ in range(20):
            subject, barrier = uuid4(), Barrier(4)
            rings = [Keyring(pool, MASTER_KEY) for _ in range(4)]

            def seal(ring: Keyring, subject: UUID = subject, barrier: Barrier = barrier) -> bytes:
                barrier.wait()
                return ring.seal(METZ, subject, b"plain", place)

            with ThreadPoolExecutor(4) as threads:
                found = list(threads.map(seal, rings))

            for ring in (*rings, Keyring(pool, MASTER_KEY)):
                assert {ring.unseal(METZ, subject, each, place) for each in found} == {b"plain"}


def test_a_key_that_is_being_read_while_it_is_destroyed_stays_destroyed(here: Desk) -> None:
    for _ in range(60):
        subject = uuid4()
        ring = Keyring(here.pool, MASTER_KEY)
        sealed_value = here.journal.keys.seal(METZ, subject, b"plain", b"")
        barrier = Barrier(5)

        def read(ring: Keyring = ring, subject: UUID = subject, wait: Barrier = barrier) -> None:
            wait.wait()
            ring.load(METZ, [subject])

        readers = [Thread(target=read) for _ in range(4)]
        for reader in readers:
            reader.start()
        barrier.wait()
        ring.destroy(METZ, subject)
        for reader in readers:
            reader.join()

        assert ring.unseal(METZ, subject, sealed_value, b"") is None


def test_keys_are_wrapped_by_the_master_key(here: Desk) -> None:
    subject = uuid4()
    value = here.journal.keys.seal(METZ, subject, b"plain", b"")

    with pytest.raises(InvalidTag):
        Keyring(here.pool, b"another master key of 32 bytes!!").unseal(METZ, subject, value, b"")
