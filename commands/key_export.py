"""Write down that an agency's keys are handed out, before they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from aggregates.key_export import KeyExports
from aggregates.store import Store
from commands import Command
from domain.principal import Role


class RecordKeyExport(Command):
    """Asked by who exports the keys at the machine itself; nobody can ask for it from outside."""

    internal: ClassVar[bool] = True
    allowed: ClassVar[frozenset[Role]] = frozenset()

    keys: int
    destroyed: int

    def handle(self, store: Store) -> Mapping[str, object]:
        exports = store.get(KeyExports)
        exports.record(self.keys, self.destroyed)
        return {"export": exports.times}
