"""Record that a paper was rendered and stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal
from uuid import UUID

from aggregates.document import Document
from aggregates.store import Store
from commands import Command
from domain.document import DocumentKind
from domain.principal import Role


class RecordDocument(Command):
    """The file is in its place already; what is recorded is never of a file that is not."""

    internal: ClassVar[bool] = True
    allowed: ClassVar[frozenset[Role]] = frozenset()

    kind: DocumentKind
    about_id: UUID
    subject_id: UUID
    language: Literal["fr", "en"]
    content_hash: str
    sha256: str
    size_bytes: int
    template_version: str
    renderer_version: str

    def handle(self, store: Store) -> Mapping[str, object]:
        document = store.get(Document, self.about_id, self.language)
        document.store(**vars(self))
        return {"document_id": document.id}
