"""The keys that personal data is sealed with: one per person and agency, wrapped by a master key.

A key is durable before its first use. Destroying it erases the person: what was sealed stays in
the journal, the chain still verifies, and nobody can read it again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from threading import Lock, local
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import Connection
from psycopg_pool import ConnectionPool

NONCE_BYTES = 12


class KeyDestroyed(Exception):
    """Nothing more can be sealed for this person: the key was destroyed on request."""


class _Nonces(local):
    """Random nonces, fetched for many seals at once: asking the kernel costs more than sealing."""

    def __init__(self) -> None:
        self._fetched = b""
        self._taken = 0

    def next(self) -> bytes:
        begin = self._taken
        if begin == len(self._fetched):
            self._fetched, begin = os.urandom(NONCE_BYTES * 256), 0
        self._taken = end = begin + NONCE_BYTES
        return self._fetched[begin:end]


_nonces = _Nonces()


def seal(key: AESGCM, plain: bytes, place: bytes) -> bytes:
    """Nonce and ciphertext; `place` (where it will be stored) is authenticated with it."""
    nonce = _nonces.next()
    return nonce + key.encrypt(nonce, plain, place)


class Keyring:
    """Keys by agency and subject, made on demand and remembered while the program runs."""

    def __init__(self, pool: ConnectionPool[Connection], master_key: bytes) -> None:
        self._pool = pool
        self._master = AESGCM(master_key)
        self._known: dict[UUID, dict[UUID, AESGCM | None]] = {}
        """By agency and subject; None once destroyed."""
        self._lock = Lock()

    def ensure(self, agency: UUID, subjects: Iterable[UUID]) -> None:
        """Make sure that every subject has a durable key; one round trip for all."""
        known = self.of(agency)
        missing = list({subject for subject in subjects if subject not in known})
        if not missing:
            return
        wrapped = [self.wrap(agency, subject, AESGCM.generate_key(256)) for subject in missing]
        with self._pool.connection() as connection:
            connection.execute(
                "INSERT INTO data_keys (agency, subject, wrapped)"
                " SELECT %s, s, w FROM unnest(%s::uuid[], %s::bytea[]) AS k(s, w)"
                " ON CONFLICT (agency, subject) DO NOTHING",
                [agency, missing, wrapped],
            )
        self._load(agency, missing)

    def key(self, agency: UUID, subject: UUID) -> AESGCM:
        """The key to seal with, made now if there is none. Raises KeyDestroyed."""
        try:
            key = self._known[agency][subject]
        except KeyError:
            self.ensure(agency, [subject])
            key = self._find(agency, subject)
        if key is None:
            raise KeyDestroyed(str(subject))
        return key

    def seal(self, agency: UUID, subject: UUID, plain: bytes, place: bytes) -> bytes:
        """Seal for a person. Raises KeyDestroyed."""
        return seal(self.key(agency, subject), plain, place)

    def unseal(self, agency: UUID, subject: UUID, sealed: bytes, place: bytes) -> bytes | None:
        """What was sealed there, or None once the key is destroyed.

        Raises cryptography's InvalidTag if it was tampered with or moved.
        """
        key = self._find(agency, subject)
        if key is None:
            return None
        return key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)

    def load(self, agency: UUID, subjects: Iterable[UUID]) -> None:
        """Fetch the keys of many subjects at once, before reading what they sealed."""
        known = self.of(agency)
        missing = list({subject for subject in subjects if subject not in known})
        if missing:
            self._load(agency, missing)

    def of(self, agency: UUID) -> dict[UUID, AESGCM | None]:
        """The keys of one agency that are in memory."""
        known = self._known.get(agency)
        if known is None:
            known = self._known.setdefault(agency, {})
        return known

    def destroy(self, agency: UUID, subject: UUID) -> None:
        """Erase a person in this agency, for good."""
        with self._pool.connection() as connection:
            connection.execute("SELECT destroy_key(%s, %s)", [agency, subject])
        self.forget(agency, subject)

    def forget(self, agency: UUID, subject: UUID) -> None:
        """The key was destroyed, here or elsewhere."""
        with self._lock:
            self.of(agency)[subject] = None

    def forget_all(self) -> None:
        """Keys may have been destroyed unheard: read each one anew before its next use."""
        with self._lock:
            # A new map: who is looking into the old one finds there what was true a moment ago.
            self._known = {}

    def _find(self, agency: UUID, subject: UUID) -> AESGCM | None:
        try:
            return self._known[agency][subject]
        except KeyError:
            return self._load(agency, [subject]).get(subject)

    def _load(self, agency: UUID, subjects: list[UUID]) -> dict[UUID, AESGCM | None]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT subject, wrapped FROM data_keys WHERE agency = %s AND subject = ANY(%s)",
                [agency, subjects],
            ).fetchall()
        with self._lock:
            known = self.of(agency)
            for subject, wrapped in rows:
                key = None if wrapped is None else AESGCM(self.unwrap(agency, subject, wrapped))
                # A row read before the key was destroyed must not bring it back.
                if known.setdefault(subject, key) is not None:
                    known[subject] = key
            return {subject: known[subject] for subject, _ in rows}

    def wrap(self, agency: UUID, subject: UUID, key: bytes) -> bytes:
        """A key as it is stored, under the master key."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._master.encrypt(nonce, key, agency.bytes + subject.bytes)

    def unwrap(self, agency: UUID, subject: UUID, wrapped: bytes) -> bytes:
        """A key as it is used. Raises cryptography's InvalidTag under another master key."""
        place = agency.bytes + subject.bytes
        return self._master.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], place)
