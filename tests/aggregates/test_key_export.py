"""Exports of keys are counted, and none is undone."""

from __future__ import annotations

from uuid import uuid4

from aggregates.key_export import KeyExports
from domain.key_export import KeysExported


def test_the_same_export_twice_is_two_exports() -> None:
    exports = KeyExports.replay(uuid4(), [])

    exports.record(3, 0)
    exports.record(3, 0)

    events = [fact.event for fact in exports.collect_events()]
    assert events == [KeysExported(keys=3, destroyed=0)] * 2
    assert exports.times == 2
