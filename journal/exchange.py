"""A log on its way out and back in: JSON lines with envelope, stored bytes and hashes.

The first line says which log, from where on, and the hash before it; the last line how many
entries there are and where they end, so that a file that was cut shows. Between them stand what
an anchor says, and one entry per line. A proof is the same with some entries replaced by their
header and the digest of their state.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from struct import error
from typing import Any, BinaryIO
from uuid import UUID

from domain import Refused
from journal import EPOCH
from journal.loading import Head, Placed, Told, digest_of
from journal.verifying import Line

JOURNAL = "quittance-journal-1"
PROOF = "quittance-proof-1"
_US = timedelta(microseconds=1)


class BadExport(Refused):
    """The file is not a whole and untouched export."""


class UnreadableState(Refused):
    """What is stored is not the text that it was: it cannot be exported as such."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The first line of an export."""

    agency: UUID
    slug: str
    after: int
    previous: bytes
    """The hash at `after`."""
    created: dict[str, str] | None
    """How the agency is described in the log of the house."""

    def line(self, kind: str = JOURNAL, **more: object) -> bytes:
        said = {
            "format": kind, "agency": str(self.agency), "slug": self.slug, "after": self.after,
            "previous": self.previous.hex(), "created": self.created,
        }  # fmt: skip
        return as_line(said | more)


def as_line(said: object) -> bytes:
    return json.dumps(said, ensure_ascii=False).encode() + b"\n"


def ending_line(count: int, position: int, digest: bytes) -> bytes:
    return as_line({"end": True, "count": count, "position": position, "hash": digest.hex()})


def entry_line(line: Line) -> bytes:
    """An entry in full. Raises UnreadableState."""
    (
        stream, version, name, schema, event_id, day, actor, behalf, command, correlation, cause,
        subjects,
    ) = _fields(line.rest)  # fmt: skip
    try:
        state = line.state.decode()
    except UnicodeDecodeError:
        raise UnreadableState(
            f"L'écriture {line.position} n'est pas du texte : voir « quittance verify ».",
            f"Entry {line.position} is no text: see “quittance verify”.",
        ) from None
    return as_line(
        {
            "position": line.position,
            "recorded_at": (EPOCH + line.recorded_at_us * _US).isoformat(timespec="microseconds"),
            "stream": _uuid(stream),
            "version": int.from_bytes(version, "big"),
            "name": name.decode(),
            "schema_version": int.from_bytes(schema, "big"),
            "event_id": _uuid(event_id),
            "effective_on": day.decode(),
            "actor": actor.decode(),
            "on_behalf_of": behalf.decode() or None,
            "command_id": _uuid(command),
            "correlation_id": _uuid(correlation),
            "causation_id": _uuid(cause) if cause else None,
            "subjects": [_uuid(subjects[n : n + 16]) for n in range(0, len(subjects), 16)],
            "state": state,
            "hash": line.hash.hex(),
        }
    )


def header_line(line: Line) -> bytes:
    """An entry without its state: enough to recompute the chain, and no more."""
    head = line.header(line.agency, line.position)
    return as_line({"header": b64encode(head).decode(), "digest": sha256(line.state).hexdigest()})


def _fields(rest: bytes) -> list[bytes]:
    """The header's fields after the third."""
    found, at = [], 0
    while at < len(rest):
        size = int.from_bytes(rest[at : at + 4], "big")
        found.append(rest[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def _uuid(raw: bytes) -> str:
    return str(UUID(bytes=raw))


class ExportFile:
    """One exported file, checked while it is read."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        self._name = name
        self._file = file
        said = self._line(file.readline(), 1)
        try:
            if said["format"] != JOURNAL:
                raise self.bad("n'est pas un journal exporté", "is not an exported journal")
            self.opening = Opening(
                UUID(said["agency"]), str(said["slug"]), int(said["after"]),
                bytes.fromhex(said["previous"]), said["created"],
            )  # fmt: skip
        except (KeyError, ValueError, TypeError, AttributeError):
            raise self.bad("n'est pas un journal exporté", "is not an exported journal") from None

    def entries(self, after: Head) -> Iterator[Placed]:
        """The entries, each with its hash recomputed, to go on from this head. Raises BadExport."""
        opening = self.opening
        if (opening.after, opening.previous) != after[:2]:
            raise self.bad(
                f"commence après la position {opening.after} et ne prolonge pas la position"
                f" {after.position} de ce journal",
                f"begins after position {opening.after} and does not go on from position"
                f" {after.position} of this journal",
            )
        position, digest = opening.after, opening.previous
        for number, raw in enumerate(self._file, 2):
            said = self._line(raw, number)
            if "end" in said:
                self._ended(said, position, digest)
                return
            if "anchor" in said:
                continue
            position += 1
            event = self._told(said, number)
            try:
                digest = digest_of(digest, opening.agency.bytes, position, event)
            except (error, ValueError, OverflowError):
                raise self._tampered(number, position) from None
            if said.get("position") != position or said.get("hash") != digest.hex():
                raise self._tampered(number, position)
            yield Placed(position, digest, event)
        raise self.bad("est coupé : sa fin manque", "is cut: its end is missing")

    def _ended(self, said: dict[str, Any], position: int, digest: bytes) -> None:
        told = (said.get("count"), said.get("position"), said.get("hash"))
        if told != (position - self.opening.after, position, digest.hex()):
            raise self.bad("n'a pas toutes ses écritures", "does not have all its entries")
        if self._file.read(1):
            raise self.bad("continue après sa fin", "goes on after its end")

    def _told(self, said: dict[str, Any], number: int) -> Told:
        try:
            since = datetime.fromisoformat(said["recorded_at"]) - EPOCH
            ids = [UUID(said[key]).bytes for key in ("stream", "event_id", "command_id")]
            cause = said["causation_id"]
            return Told(
                since // _US, ids[0], int(said["version"]), said["name"].encode(),
                int(said["schema_version"]), ids[1],
                date.fromisoformat(said["effective_on"]).toordinal(), said["actor"].encode(),
                (said["on_behalf_of"] or "").encode(), ids[2],
                UUID(said["correlation_id"]).bytes, UUID(cause).bytes if cause else b"",
                b"".join(UUID(subject).bytes for subject in said["subjects"]),
                said["state"].encode(),
            )  # fmt: skip
        except (KeyError, ValueError, TypeError, AttributeError):
            raise self._tampered(number, None) from None

    def _line(self, raw: bytes, number: int) -> dict[str, Any]:
        if not raw.endswith(b"\n"):
            raise self.bad("est coupé : sa fin manque", "is cut: its end is missing")
        try:
            said = json.loads(raw)
        except ValueError:
            raise self._tampered(number, None) from None
        if not isinstance(said, dict):
            raise self._tampered(number, None)
        return said

    def _tampered(self, number: int, position: int | None) -> BadExport:
        fr, en = f"a été altéré à la ligne {number}", f"was tampered with in line {number}"
        if position is not None:
            fr, en = f"{fr}, position {position}", f"{en}, position {position}"
        return self.bad(fr, en)

    def bad(self, fr: str, en: str) -> BadExport:
        """What is wrong with this file, in words that follow its name."""
        return BadExport(
            f"{self._name} {fr} ; rien n'a été importé.",
            f"{self._name} {en}; nothing was imported.",
        )
