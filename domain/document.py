"""Documents: papers that were rendered and stored, once, under the key of the person they name."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from domain import Event

DocumentKind = Literal["receipt", "ticket"]


class DocumentStored(Event):
    """A paper was rendered and kept. Its content is proved by `content_hash`, not by the PDF."""

    document_id: UUID
    kind: DocumentKind
    about_id: UUID
    """The receipt or payment that the paper shows."""
    subject_id: UUID
    """Whose key the file is sealed with."""
    language: Literal["fr", "en"]
    content_hash: str
    sha256: str
    """Of the PDF."""
    size_bytes: int
    template_version: str
    renderer_version: str
