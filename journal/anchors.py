"""Anchors: what all heads were at an instant, signed, to be kept where the database is not.

A chain does not show that its end was cut off, or that all of it was written anew. An anchor does:
it names every agency's last position and hash, in a Merkle tree (RFC 6962: a leaf is hashed after
the byte 0, a node after the byte 1) whose root is signed, so one agency's head can be proved
without showing the others'. Each anchor names the one before by its SHA-256.

The file is JSON: `statement`, a text that is signed as it stands (Ed25519, over its UTF-8 bytes);
`signature`, in hex; `heads`, from which the root of the statement follows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

FORMAT = "quittance-anchor-1"
LEAF = b"QUITTANCE-HEAD-1"


class Fault(StrEnum):
    """Why something that is kept as an anchor proves nothing."""

    UNREADABLE = "anchor_unreadable"
    UNSIGNED = "anchor_unsigned"
    """The signature is missing, or not of this statement."""
    FOREIGN = "anchor_foreign"
    """Signed by another key than ours."""
    ALTERED = "anchor_altered"
    """Signed, but the heads beside the statement are not those that were signed."""


class BadAnchor(Exception):
    """What was read is no anchor of ours."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class AnchoredHead(NamedTuple):
    """Where an agency's log ended."""

    agency: UUID
    position: int
    hash: bytes

    def leaf(self) -> bytes:
        place = self.agency.bytes + self.position.to_bytes(8, "big")
        return sha256(b"\0" + LEAF + place + self.hash).digest()


@dataclass(frozen=True, slots=True)
class Anchor:
    """An anchor whose signature and root were checked."""

    number: int
    anchored_at: datetime
    previous: str
    """The SHA-256 of the file before, in hex; empty for the first."""
    root: bytes
    heads: tuple[AnchoredHead, ...]
    statement: str
    signature: str
    digest: str
    """The SHA-256 of this file, in hex."""

    def proof(self, agency: UUID) -> dict[str, Any]:
        """What shows to somebody who holds the public key where this agency's log ended."""
        index = next(n for n, head in enumerate(self.heads) if head.agency == agency)
        leaves = [head.leaf() for head in self.heads]
        return {
            "statement": self.statement,
            "signature": self.signature,
            "position": self.heads[index].position,
            "hash": self.heads[index].hash.hex(),
            "index": index,
            "path": [node.hex() for node in path(leaves, index)],
        }


def file_name(number: int) -> str:
    return f"{number:08d}.json"


def root(leaves: Sequence[bytes]) -> bytes:
    """The Merkle tree hash of leaves that are hashed already (RFC 6962, 2.1)."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256().digest()
    split = _split(len(leaves))
    return sha256(b"\1" + root(leaves[:split]) + root(leaves[split:])).digest()


def path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The nodes that lead from a leaf to the root (RFC 6962, 2.1.1)."""
    if len(leaves) < 2:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*path(leaves[:split], index), root(leaves[split:])]
    return [*path(leaves[split:], index - split), root(leaves[:split])]


def _split(size: int) -> int:
    """The largest power of two that is less than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def public_key(key: bytes) -> bytes:
    """The 32 bytes that auditors hold, from the 32 that nobody else may see."""
    return Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()


def sealed(
    number: int, anchored_at: datetime, previous: str, heads: Sequence[AnchoredHead], key: bytes
) -> bytes:
    """The file of an anchor, signed."""
    private = Ed25519PrivateKey.from_private_bytes(key)
    statement = json.dumps(
        {
            "format": FORMAT,
            "number": number,
            "anchored_at": anchored_at.astimezone(UTC).isoformat(),
            "previous": previous,
            "size": len(heads),
            "root": root([head.leaf() for head in heads]).hex(),
            "key": public_key(key).hex(),
        }
    )
    content = {
        "statement": statement,
        "signature": private.sign(statement.encode()).hex(),
        "heads": [
            {"agency": str(head.agency), "position": head.position, "hash": head.hash.hex()}
            for head in heads
        ],
    }
    return json.dumps(content, indent=1).encode() + b"\n"


def opened(content: bytes, key: bytes) -> Anchor:
    """An anchor that was signed with this public key. Raises BadAnchor."""
    try:
        whole = json.loads(content)
        statement, signature = whole["statement"], whole.get("signature") or ""
        told = json.loads(statement)
        signer = told["key"]
        heads = tuple(
            AnchoredHead(UUID(head["agency"]), int(head["position"]), bytes.fromhex(head["hash"]))
            for head in whole["heads"]
        )
        anchor = Anchor(
            int(told["number"]), datetime.fromisoformat(told["anchored_at"]), told["previous"],
            bytes.fromhex(told["root"]), heads, statement, signature, sha256(content).hexdigest(),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadAnchor(Fault.UNREADABLE) from None
    if signer != key.hex():
        raise BadAnchor(Fault.FOREIGN)
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(bytes.fromhex(signature), statement.encode())
    except (InvalidSignature, ValueError):
        raise BadAnchor(Fault.UNSIGNED) from None
    if told.get("format") != FORMAT or told.get("size") != len(heads):
        raise BadAnchor(Fault.ALTERED)
    if root([head.leaf() for head in heads]) != anchor.root:
        raise BadAnchor(Fault.ALTERED)
    return anchor
