"""Where is the paper that was given out? Stored once, sealed under its subject's key."""

from __future__ import annotations

from uuid import UUID

from domain import stream_id
from domain.words import Language
from journal.keys import Keyring
from outside.files import Files
from outside.paper import Printer, Rendered
from projections.papers import Paper


class Shelf:
    """The stored papers of all agencies."""

    def __init__(self, files: Files, keys: Keyring, printer: Printer) -> None:
        self._files = files
        self._keys = keys
        self._printer = printer

    def put(self, agency: UUID, about: UUID, paper: Paper, language: Language) -> Rendered:
        """Render a paper and keep it, unless one is kept already."""
        rendered = self._printer.render(paper.content, language)
        path = _path(agency, about, language)
        sealed = self._keys.seal(agency, paper.subject, rendered.pdf, path.encode())
        self._files.keep(path, sealed)
        return rendered

    def take(self, agency: UUID, about: UUID, paper: Paper, language: Language) -> bytes:
        """The paper as it was kept; rendered now if its turn has not come yet."""
        path = _path(agency, about, language)
        sealed = self._files.read(path)
        if sealed is not None:
            pdf = self._keys.unseal(agency, paper.subject, sealed, path.encode())
            if pdf is not None:
                return pdf
        return self._printer.render(paper.content, language).pdf


def _path(agency: UUID, about: UUID, language: Language) -> str:
    document = stream_id(agency, "document", about, language)
    return f"{agency}/{document}.pdf.sealed"
