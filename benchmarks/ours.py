"""Our side: the product's own premises over a fresh database, with people who can be asked about.

The command that is measured is `ChangeContact`: one event whose fields are sealed, on an
aggregate that exists, with an idempotency key, in the chain of its agency's log.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from random import Random
from typing import ClassVar, NamedTuple
from uuid import UUID

import psycopg
from pydantic import SecretStr

from aggregates.party import Contact, Identity, Party
from aggregates.store import Store
from benchmarks.contacts import contact, key
from commands import Answer, Asked, Command, Office, execute
from commands.party import ChangeContact
from domain.principal import OPERATOR, Principal, Role
from journal import agency_id
from system.office import Premises, premises
from system.readiness import bring_to_shape
from system.settings import Settings

MASTER_KEY = SecretStr(b64encode(b"for measuring alone".ljust(32)).decode())
NUMBERS = count()
"""For contacts and keys; no two threads get the same, as `next()` is one step."""


class IntroducePeople(Command):
    """Register some people at once: the product itself only takes them over with a lease."""

    internal: ClassVar[bool] = True
    allowed: ClassVar[frozenset[Role]] = frozenset()

    references: tuple[str, ...]

    def handle(self, store: Store) -> Mapping[str, object]:
        identity = Identity(title="Mme", last_name="Roÿ", first_name="Zoë", born_on=None)
        for reference in self.references:
            party = store.get(Party, reference)
            party.register(reference, identity, Contact(email=None, phone=None))
        return {}


class Person(NamedTuple):
    """One person in one agency's journal."""

    agency: UUID
    reference: str


def settings_for(url: str) -> Settings:
    """The product's own defaults, over this database and with a key that needs no file."""
    return Settings(database_url=url, master_key=MASTER_KEY)


@contextmanager
def opened(url: str) -> Iterator[Premises]:
    """The running program's parts over a database that is brought to shape first."""
    bring_to_shape(url)
    with premises(settings_for(url), url) as rooms:
        yield rooms


def slugs(agencies: int) -> list[str]:
    return [f"agence-{number}" for number in range(agencies)]


def introduce(office: Office, agencies: int, people: int) -> list[list[Person]]:
    """Open agencies with so many people each; the people of each agency, known to this process."""
    return introduce_into(office, slugs(agencies), people)


def introduce_into(office: Office, places: list[str], people: int) -> list[list[Person]]:
    """The same for agencies of these names, which may be open already."""
    references = tuple(f"C-{number:04d}" for number in range(people))

    def open_books(slug: str) -> list[Person]:
        agency = agency_id(slug)
        office.journal.open_log(agency)
        execute(office, IntroducePeople(references=references), Asked(OPERATOR, agency))
        return [Person(agency, reference) for reference in references]

    with ThreadPoolExecutor(8) as some:
        return list(some.map(open_books, places))


def staff(agencies: int) -> Principal:
    """Somebody with a token for all these agencies, as the edge would let in."""
    places = frozenset(map(agency_id, slugs(agencies)))
    return Principal("token:0193b3c1-0000-7000-8000-000000000000", Role.SERVICE, places)


def change_contact(office: Office, who: Principal, person: Person) -> tuple[Answer, str]:
    """The command that is measured: a new contact for this person, asked with a new key.

    The answer, and the e-mail address that the person has from now on.
    """
    number = next(NUMBERS)
    email, phone = contact(number)
    command = ChangeContact(client_reference=person.reference, email=email, phone=phone)
    asked = Asked(who, person.agency, key=key(number))
    return execute(office, command, asked), email


def shared_out(people: list[list[Person]], threads: int) -> list[list[Person]]:
    """The people of all agencies dealt to threads: each from every agency, none to two.

    Each thread has them in an order of its own, or all would be in the same agency at a time.
    """
    shares = [[person for few in people for person in few[n::threads]] for n in range(threads)]
    for thread, share in enumerate(shares):
        Random(thread).shuffle(share)
    return shares


def stored_bytes(url: str) -> int:
    """How long the payload of the event is that is measured, as it is stored."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT round(avg(octet_length(state)))::int FROM events WHERE name = 'ContactChanged'"
        ).fetchone()
    assert row is not None
    return int(row[0])
