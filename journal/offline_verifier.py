"""Checks what Quittance exported, without Quittance: read it in one sitting, then run it.

    python -I offline_verifier.py FILE --key HEX [--anchor ANCHOR.json]... [--on 2026-11-30]

FILE is made by `quittance export`; HEX is the public key of `quittance anchor key`; an ANCHOR that
you kept must be the one in FILE if it has the same number. Exit code 0: proved; 1: not, and why.

An entry's hash is SHA-256(hash before, header, SHA-256(state)); so the last hash vouches for all.
An anchor is a signed root of a Merkle tree (RFC 6962) of the agencies' last positions and hashes.
An entry may be only header and digest: what is hidden so cannot be invented. A lease's rent account
is a stream, and so is each of its payments; streams stand in the headers: none is hidden unseen.
"""

import argparse
import json
import sys
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAGIC = b"QUITTANCE-1"
HOUSE = UUID("5f0d1a52-7a55-5c0e-9d8c-0e6a7e9f2c11")
SIGNS = {"ChargePosted": 1, "CreditPosted": -1, "PaymentBooked": -1, "PaymentUnbooked": 1}
Said = dict[str, Any]


class NotProved(Exception):
    """Why the file proves nothing."""


def check(holds: bool, why: str) -> None:
    if not holds:
        raise NotProved(why)


def hashed(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


def header_of(agency: UUID, said: Said) -> bytes:
    """The header that an entry shown in full was hashed with."""
    since = datetime.fromisoformat(said["recorded_at"]) - datetime(1970, 1, 1, tzinfo=UTC)
    names = ("stream", "event_id", "command_id", "correlation_id")
    ids = [UUID(said[name]).bytes for name in names]
    cause = UUID(said["causation_id"]).bytes if said["causation_id"] else b""
    fields = [
        agency.bytes, said["position"].to_bytes(8, "big"),
        (since // timedelta(microseconds=1)).to_bytes(8, "big", signed=True),
        ids[0], said["version"].to_bytes(8, "big"), said["name"].encode(),
        said["schema_version"].to_bytes(4, "big"), ids[1], said["effective_on"].encode(),
        said["actor"].encode(), (said["on_behalf_of"] or "").encode(), ids[2], ids[3], cause,
        b"".join(UUID(subject).bytes for subject in said["subjects"]),
    ]  # fmt: skip
    return MAGIC + b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def fields_of(header: bytes) -> list[bytes]:
    found, at = [], len(MAGIC)
    while at < len(header):
        size = int.from_bytes(header[at : at + 4], "big")
        found.append(header[at + 4 : at + 4 + size])
        at += 4 + size
    check(header.startswith(MAGIC) and len(found) == 15 and at == len(header), "no such header")
    return found


def lines_of(path: str) -> Iterator[Said]:
    with open(path, "rb") as file:
        for line in file:
            check(line.endswith(b"\n"), "the file is cut: its last line is not whole")
            yield json.loads(line)


def entries_of(first: Said, lines: Iterator[Said]) -> Iterator[Said]:
    """Each entry with what it is known by, once the chain was checked up to it."""
    agency, position, before = UUID(first["agency"]), first["after"], b""
    digest = bytes.fromhex(first["previous"])
    check(position > 0 or digest == hashed(MAGIC), "the journal does not begin as it must")
    for said in lines:
        if "end" in said:
            ends = (said["position"], said["hash"]) == (position, digest.hex())
            check(ends and next(lines, None) is None, "entries are missing, or too many")
            return
        position, full = position + 1, "state" in said
        header = header_of(agency, said) if full else b64decode(said["header"])
        state = hashed(said["state"].encode()) if full else bytes.fromhex(said["digest"])
        digest = hashed(digest, header, state)
        fields, where = fields_of(header), f"position {position}"
        here = [agency.bytes, position.to_bytes(8, "big")]
        check(fields[:2] == here, f"{where}: an entry of another place, or of another agency")
        check(fields[2] >= before, f"{where}: recorded before the entry before it")
        check(not full or said["hash"] == digest.hex(), f"{where}: edited, or what is before it")
        before = fields[2]
        yield {"position": position, "hash": digest.hex(), "stream": UUID(bytes=fields[3]),
               "name": fields[5].decode(), "on": fields[8].decode(),
               "event": json.loads(said["state"]) if full else None}  # fmt: skip
    check(False, "the file is cut: its end is missing")


def check_anchor(anchor: Said, agency: UUID, key: bytes, kept: list[str]) -> Said:
    """The signed statement, once it is sure that it speaks of this agency's log."""
    text, signature = anchor["statement"].encode(), bytes.fromhex(anchor["signature"])
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except InvalidSignature:
        raise NotProved("the anchor is not signed by this key") from None
    statement: Said = json.loads(text)
    check(statement["format"] == "quittance-anchor-1", "the anchor is of an unknown format")
    place = agency.bytes + anchor["position"].to_bytes(8, "big")
    node = hashed(b"\0QUITTANCE-HEAD-1", place, bytes.fromhex(anchor["hash"]))
    index, last = anchor["index"], statement["size"] - 1
    for step in anchor["path"]:
        check(last > 0, "the anchor's proof leads nowhere")
        if index % 2 or index == last:
            node = hashed(b"\1", bytes.fromhex(step), node)
            while index and not index % 2:
                index, last = index // 2, last // 2
        else:
            node = hashed(b"\1", node, bytes.fromhex(step))
        index, last = index // 2, last // 2
    inside = last == 0 <= anchor["index"] < statement["size"]
    check(inside and node.hex() == statement["root"], "the anchor does not name this head")
    for mine in (json.loads(Path(path).read_bytes())["statement"] for path in kept):
        same = json.loads(mine)["number"] != statement["number"] or mine == anchor["statement"]
        check(same, "the anchor contradicts one that you kept")
    return statement


def balance(agency: UUID, lease: UUID, entries: list[Said], on: str) -> Said:
    """What the lease owes in cents: by its books, and counting only money that a bank has seen."""
    account, settled = uuid5(agency, f"rent_account\x1f{lease}"), set()
    sums = {"booked_cents": 0, "settled_cents": 0}
    booked = [e["event"]["payment_id"] for e in entries if e["name"] == "PaymentBooked"
              and e["stream"] == account and e["event"]]  # fmt: skip
    payments = {uuid5(agency, f"payment\x1f{payment}"): payment for payment in booked}
    for entry in entries:
        name, event, payment = entry["name"], entry["event"], payments.get(entry["stream"])
        if entry["stream"] != account and not payment:
            continue
        check(event is not None, f"position {entry['position']}: an entry of the lease is hidden")
        check(event["lease_id"] == str(lease), f"position {entry['position']}: of another lease")
        cents = event["amount_cents"] * SIGNS.get(name, -1) * (entry["on"] <= on)
        if name == "PaymentSettled" and cents:
            settled.add(payment)
        sums["booked_cents"] += cents * (name != "PaymentSettled")
        if name != "PaymentBooked" and event.get("payment_id") in {None, payment, *settled}:
            sums["settled_cents"] += cents
    return sums


def proved(options: argparse.Namespace) -> Said:
    """What the file proves. Raises NotProved, and much else if the file is not what it says."""
    lines = lines_of(options.file)
    first, second = next(lines, {}), next(lines, {})
    check(first.get("format") in ("quittance-journal-1", "quittance-proof-1"), "an unknown format")
    agency, lease = UUID(first["agency"]), first.get("lease")
    check(agency in (HOUSE, uuid5(HOUSE, first["slug"])), "the agency's name is another's")
    check("anchor" in second, "the file holds no anchor")
    anchor: Said = second["anchor"]
    statement = check_anchor(anchor, agency, options.key, options.anchor)
    shown, at_anchor, last = list[Said](), None, 0
    for entry in entries_of(first, lines):
        last = entry["position"]
        at_anchor = entry["hash"] if last == anchor["position"] else at_anchor
        named = lease and (entry["name"] in SIGNS or entry["name"] == "PaymentSettled")
        if last <= anchor["position"] and (named or last == first.get("event")):
            shown.append(entry)
    check(at_anchor == anchor["hash"], "the anchor is of another history")
    found = {"agency": first["slug"], "anchor": statement, "proved_up_to": anchor["position"]}
    if lease:
        check(first["after"] == 0, "a balance needs the journal from its beginning")
        owed = balance(agency, uuid5(agency, f"lease\x1f{lease}"), shown, str(options.on))
        return found | {"lease": lease, "on": str(options.on)} | owed
    if not first.get("event"):
        return found
    check(bool(shown and shown[0]["event"]), "the event that is to be proved is not shown")
    return found | {"event": first["event"], "name": shown[0]["name"]}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("file")
    asked.add_argument("--key", required=True, type=bytes.fromhex)
    asked.add_argument("--anchor", action="append", default=[])
    asked.add_argument("--on", default="9999-12-31", type=date.fromisoformat)
    try:
        print(json.dumps({"proved": True} | proved(asked.parse_args())))
    except (NotProved, OSError, ArithmeticError, LookupError, TypeError, ValueError) as why:
        sys.exit(json.dumps({"proved": False, "why": f"{type(why).__name__}: {why}"}))


if __name__ == "__main__":
    main()
