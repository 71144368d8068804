"""Prints papers with typst: archivable, accessible, and the same bytes every time."""

from __future__ import annotations

import json
import threading
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import typst

from domain import words
from domain.words import Language
from outside.paper import Content, PaperFailed, Rendered, content_hash
from outside.paper.pages import Page, page_of, printed_at
from outside.paper.printable import FONTS

_FOLDER = Path(__file__).parent
_STANDARDS: list[Any] = ["a-2a", "ua-1"]
"""To be kept (ISO 19005-2, level A) and to be read aloud (ISO 14289-1); typst checks both."""

_PRINTED_WITH = ("typst", "babel", "num2words")


@lru_cache(maxsize=1)
def renderer_version() -> str:
    """The libraries that decide what comes out, such as `typst 0.15.2, babel 2.18.0, …`."""
    return ", ".join(f"{name} {version(name)}" for name in _PRINTED_WITH)


@lru_cache(maxsize=1)
def template_version() -> str:
    """A digest of all that we put into a page: templates, phrases, words and fonts.

    Reckoned and not written by hand, so that no change is forgotten.
    """
    ours = [path for path in _FOLDER.rglob("*") if path.suffix in {".typ", ".py", ".ttf"}]
    digest = sha256()
    for path in [*sorted(ours), Path(words.__file__)]:
        digest.update(path.name.encode() + b"\0" + sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    """Only the fonts of this folder: those of the machine would change what is printed."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])


class Renderer:
    """The `Printer` that the product runs on; one may be shared by any number of threads."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    def render(self, content: Content, language: Language = "fr") -> Rendered:
        """Print one paper; PaperFailed, with typst's words, when it cannot be done."""
        fingerprint = content_hash(content)
        page = page_of(content, language) | {"fingerprint": fingerprint}
        return Rendered(
            pdf=self._compile(content, _source(content.kind, page)),
            content_hash=fingerprint,
            template_version=template_version(),
            renderer_version=renderer_version(),
        )

    def _compile(self, content: Content, source: bytes) -> bytes:
        try:
            pdf = self._compiler().compile(
                source,
                format="pdf",
                pdf_standards=_STANDARDS,
                timestamp=int(printed_at(content).timestamp()),
            )
        except typst.TypstError as failure:
            raise PaperFailed(f"The {content.kind} was not printed: {failure}") from failure
        if not isinstance(pdf, bytes):
            raise PaperFailed(f"The {content.kind} came out as {type(pdf).__name__}.")
        return pdf

    def _compiler(self) -> typst.Compiler:
        """The compiler of this thread, kept since it holds the templates that it has read."""
        compiler: typst.Compiler | None = getattr(self._of_thread, "compiler", None)
        if compiler is None:
            compiler = typst.Compiler(root=_FOLDER, font_paths=_fonts(), ignore_system_fonts=True)
            self._of_thread.compiler = compiler
        return compiler


def _source(kind: str, page: Page) -> bytes:
    r"""A program of two lines that hands the page to its template as one string.

    `sys_inputs` would do too, but makes typst build and hash its library again for each paper,
    a tenth of the time. JSON in ASCII has no line ends, so `\` and `"` are all that could end the
    string; nothing inside it is ever read as markup.
    """
    written = json.dumps(page).replace("\\", "\\\\").replace('"', '\\"')
    return f'#import "{kind}.typ": print\n#print(json(bytes("{written}")))'.encode("ascii")
