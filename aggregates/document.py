"""A document: stored once for what it shows and the language it is in."""

from __future__ import annotations

from typing import Any

from aggregates import Aggregate
from domain.document import DocumentStored


class Document(Aggregate):
    """Its natural key: what it is about, and its language."""

    kind = "document"

    def store(self, **facts: Any) -> None:
        if not self.exists:
            self.trigger_event(DocumentStored, document_id=self.id, **facts)

    def evolve(self, event: DocumentStored) -> None:
        """That it exists is all there is to know."""
