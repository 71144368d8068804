"""An anchor shows by its signature and its tree what every head was, and nothing else will do."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journal.anchors import AnchoredHead, BadAnchor, Fault, opened, path, public_key, root, sealed

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HEADS = [AnchoredHead(UUID(int=n), n * 10, bytes([n]) * 32) for n in (1, 2, 3)]


def climbs(leaf: bytes, index: int, size: int, nodes: list[bytes], top: bytes) -> bool:
    """Written from RFC 9162, 2.1.3.2, and nothing else."""
    fn, sn, r = index, size - 1, leaf
    for p in nodes:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = sha256(b"\1" + p + r).digest()
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha256(b"\1" + r + p).digest()
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == top


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 70), st.data())
def test_every_leaf_climbs_to_the_root_and_no_other_does(size: int, chosen: Any) -> None:
    leaves = [sha256(bytes([n])).digest() for n in range(size)]
    index = chosen.draw(st.integers(0, size - 1))
    top, nodes = root(leaves), path(leaves, index)

    assert climbs(leaves[index], index, size, nodes, top)
    assert not climbs(sha256(b"no leaf").digest(), index, size, nodes, top)
    assert size == 1 or not climbs(leaves[index], (index + 1) % size, size, nodes, top)


def test_the_root_is_that_of_the_standard() -> None:
    def tree(*inputs: str) -> str:
        return root([sha256(b"\0" + bytes.fromhex(each)).digest() for each in inputs]).hex()

    # The inputs and roots that implementations of Certificate Transparency are tried with.
    inputs = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
              "606162636465666768696a6b6c6d6e6f")  # fmt: skip
    assert tree() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert tree(*inputs[:1]) == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert tree(*inputs[:3]) == "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
    assert tree(*inputs) == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_an_anchor_says_where_every_log_ended() -> None:
    content = sealed(4, NOON, "before", HEADS, KEY)

    anchor = opened(content, public_key(KEY))

    assert (anchor.number, anchor.anchored_at, anchor.previous) == (4, NOON, "before")
    assert anchor.heads == tuple(HEADS)
    assert anchor.digest == sha256(content).hexdigest()


def test_a_proof_leads_from_one_head_to_the_signed_root() -> None:
    anchor = opened(sealed(1, NOON, "", HEADS, KEY), public_key(KEY))

    for index, head in enumerate(HEADS):
        proof = anchor.proof(head.agency)
        nodes = [bytes.fromhex(node) for node in proof["path"]]
        assert (proof["position"], proof["hash"]) == (head.position, head.hash.hex())
        assert climbs(head.leaf(), index, len(HEADS), nodes, anchor.root)
        others = [other for other in HEADS if other != head]
        assert not any(other.hash.hex() in json.dumps(proof) for other in others)


def edited(content: bytes, edit: Callable[[dict[str, Any]], None]) -> bytes:
    whole = json.loads(content)
    edit(whole)
    return json.dumps(whole).encode()


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (lambda whole: whole.pop("signature"), Fault.UNSIGNED),
        (lambda whole: whole.update(signature="00" * 64), Fault.UNSIGNED),
        (lambda whole: whole.update(signature="no hex"), Fault.UNSIGNED),
        (
            lambda whole: whole.update(statement=whole["statement"].replace("2026", "2025")),
            Fault.UNSIGNED,
        ),
        (lambda whole: whole["heads"][1].update(position=19), Fault.ALTERED),
        (lambda whole: whole["heads"].pop(), Fault.ALTERED),
        (lambda whole: whole.pop("heads"), Fault.UNREADABLE),
        (lambda whole: whole["heads"][0].update(agency="metz"), Fault.UNREADABLE),
        (lambda whole: whole.update(statement="[]"), Fault.UNREADABLE),
    ],
)
def test_what_was_changed_in_an_anchor_shows(
    edit: Callable[[dict[str, Any]], None], fault: Fault
) -> None:
    content = sealed(1, NOON, "", HEADS, KEY)

    with pytest.raises(BadAnchor) as bad:
        opened(edited(content, edit), public_key(KEY))
    assert bad.value.fault is fault


def test_an_anchor_of_another_key_is_not_ours() -> None:
    with pytest.raises(BadAnchor) as bad:
        opened(sealed(1, NOON, "", HEADS, OTHER_KEY), public_key(KEY))
    assert bad.value.fault is Fault.FOREIGN


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"null", b'{"statement": 3}'])
def test_what_is_no_anchor_is_unreadable(content: bytes) -> None:
    with pytest.raises(BadAnchor) as bad:
        opened(content, public_key(KEY))
    assert bad.value.fault is Fault.UNREADABLE
