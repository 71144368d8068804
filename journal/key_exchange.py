"""Persons' keys on their way to another house: wrapped anew, under a key made for this journey.

The master key never leaves, as it opens every agency; and a file of keys in clear would be read
by every backup of the disk that it lies on. So each file has a transfer key of its own, which is
told once: the file alone opens nothing, nor does the transfer key. Whom it is said of to have been
erased stays erased where the keys arrive.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import Connection

from domain import Refused
from journal.keys import NONCE_BYTES, Keyring

FORMAT = "quittance-keys-1"


class BadKeyFile(Refused):
    """The file is not a whole export of keys, or the transfer key is another file's."""


class KeyDiffers(Refused):
    """A person has another key here already: what it sealed would be lost."""


@dataclass(frozen=True, slots=True)
class Handed:
    """The keys of one agency."""

    agency: UUID
    keys: dict[UUID, bytes]
    destroyed: tuple[UUID, ...]


def taken_out(connection: Connection[Any], ring: Keyring, agency: UUID) -> Handed:
    """All keys of an agency. Raises cryptography's InvalidTag under another master key."""
    rows = connection.execute(
        "SELECT subject, wrapped FROM data_keys WHERE agency = %s ORDER BY subject", [agency]
    ).fetchall()
    return Handed(
        agency,
        {subject: ring.unwrap(agency, subject, sealed) for subject, sealed in rows if sealed},
        tuple(subject for subject, sealed in rows if sealed is None),
    )


def packed(handed: Handed, transfer_key: bytes) -> bytes:
    """The file."""
    cipher = AESGCM(transfer_key)
    keys = []
    for subject, key in handed.keys.items():
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + cipher.encrypt(nonce, key, handed.agency.bytes + subject.bytes)
        keys.append({"subject": str(subject), "key": b64encode(sealed).decode()})
    body = {
        "format": FORMAT,
        "agency": str(handed.agency),
        "keys": keys,
        "destroyed": [str(subject) for subject in handed.destroyed],
    }
    digest = sha256(json.dumps(body).encode()).hexdigest()
    return json.dumps(body | {"sha256": digest}, indent=1).encode() + b"\n"


def unpacked(content: bytes, transfer_key: bytes) -> Handed:
    """What a file holds. Raises BadKeyFile."""
    try:
        body = json.loads(content)
        digest = body.pop("sha256")
        if body["format"] != FORMAT or digest != sha256(json.dumps(body).encode()).hexdigest():
            raise ValueError(FORMAT)
        agency, cipher = UUID(body["agency"]), AESGCM(transfer_key)
        keys = {}
        for each in body["keys"]:
            subject, sealed = UUID(each["subject"]), b64decode(each["key"], validate=True)
            place = agency.bytes + subject.bytes
            keys[subject] = cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)
        return Handed(agency, keys, tuple(UUID(subject) for subject in body["destroyed"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadKeyFile(
            "Ce fichier n'est pas un export de clés entier ; rien n'a été importé.",
            "This file is not a whole export of keys; nothing was imported.",
        ) from None
    except InvalidTag:
        raise BadKeyFile(
            "La clé de transfert n'est pas celle de ce fichier ; rien n'a été importé.",
            "The transfer key is not the one of this file; nothing was imported.",
        ) from None


def put_in(connection: Connection[Any], ring: Keyring, handed: Handed) -> int:
    """Take in keys, all or none; how many are new. Who is erased here, or there, stays erased."""
    agency, new = handed.agency, 0
    with connection.transaction():
        here = dict(
            connection.execute(
                "SELECT subject, wrapped FROM data_keys WHERE agency = %s FOR UPDATE", [agency]
            ).fetchall()
        )
        for subject, key in handed.keys.items():
            if subject not in here:
                connection.execute(
                    "INSERT INTO data_keys (agency, subject, wrapped) VALUES (%s, %s, %s)",
                    [agency, subject, ring.wrap(agency, subject, key)],
                )
                new += 1
            elif (sealed := here[subject]) is not None and (
                ring.unwrap(agency, subject, sealed) != key
            ):
                raise KeyDiffers(
                    f"La personne {subject} a déjà une autre clé ici ; rien n'a été importé.",
                    f"Person {subject} has another key here already; nothing was imported.",
                )
        for subject in handed.destroyed:
            connection.execute(
                "INSERT INTO data_keys (agency, subject, wrapped, erased_at)"
                " VALUES (%s, %s, NULL, now()) ON CONFLICT (agency, subject)"
                " DO UPDATE SET wrapped = NULL,"
                " erased_at = coalesce(data_keys.erased_at, now())",
                [agency, subject],
            )
    return new
