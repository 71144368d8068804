"""The exports of an agency's keys: each is written down, none is ever undone."""

from __future__ import annotations

from aggregates import Aggregate
from domain.key_export import KeysExported


class KeyExports(Aggregate):
    """One for each agency."""

    kind = "key_exports"

    times: int = 0

    def record(self, keys: int, destroyed: int) -> None:
        self.trigger_event(KeysExported, keys=keys, destroyed=destroyed)

    def evolve(self, event: KeysExported) -> None:
        self.times += 1
