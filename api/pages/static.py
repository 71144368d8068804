"""The stylesheet and the font of the pages, under names that change with their content."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter, Response

from api.problems import Problem

router = APIRouter(prefix="/static", include_in_schema=False)

_FOLDER = Path(__file__).parent / "static"
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}


class Static(NamedTuple):
    """A file that never changes under its address."""

    address: str
    content: bytes
    media_type: str


def _kept(name: str, content: bytes, media_type: str) -> Static:
    stem, _, suffix = name.partition(".")
    return Static(
        f"/static/{stem}.{sha256(content).hexdigest()[:16]}.{suffix}", content, media_type
    )


def _stylesheet(font: Static) -> Static:
    """The stylesheet, which names the font by its own changing name."""
    written = (_FOLDER / "app.css").read_text(encoding="utf-8")
    plain, named = "url(quittance-sans.woff2)", f"url({font.address})"
    assert plain in written
    return _kept("app.css", written.replace(plain, named).encode(), "text/css; charset=utf-8")


FONT = _kept("quittance-sans.woff2", (_FOLDER / "quittance-sans.woff2").read_bytes(), "font/woff2")
STYLESHEET = _stylesheet(FONT)
_BY_ADDRESS = {kept.address: kept for kept in (FONT, STYLESHEET)}


@router.api_route("/{name}", methods=["GET", "HEAD"])
async def static(name: str) -> Response:
    """A file of the pages, to be kept by the browser for ever."""
    kept = _BY_ADDRESS.get(f"/static/{name}")
    if kept is None:
        raise Problem("not_found")
    return Response(kept.content, media_type=kept.media_type, headers=_KEPT)
