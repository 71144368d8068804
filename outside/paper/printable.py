"""Makes what people wrote fit to print: composed letters, no control characters, known glyphs."""

from __future__ import annotations

import re
import struct
import unicodedata
from functools import lru_cache
from pathlib import Path

FONTS = Path(__file__).parent / "fonts"

REPLACEMENT = "\ufffd"
"""Stands, visibly, for a character that no vendored font can draw."""

_LONG_WORD = re.compile(r"[^\s\u200b-]{28}(?=[^\s\u200b-])")
_LINE_ENDS = frozenset("\t\n\v\f\r\x85")


@lru_cache(maxsize=1)
def drawable() -> frozenset[int]:
    """The code points that some font of the folder has a glyph for."""
    found: set[int] = set()
    for font in sorted(FONTS.glob("*.ttf")):
        found |= _code_points(font.read_bytes())
    return frozenset(found)


def _code_points(font: bytes) -> set[int]:
    """Read the character map (`cmap`, format 4) of a TrueType font; others are not vendored."""
    tables = struct.unpack_from(">H", font, 4)[0]
    offsets = {
        font[at : at + 4]: struct.unpack_from(">I", font, at + 8)[0]
        for at in range(12, 12 + 16 * tables, 16)
    }
    cmap = offsets[b"cmap"]
    found: set[int] = set()
    for record in range(struct.unpack_from(">H", font, cmap + 2)[0]):
        subtable = cmap + struct.unpack_from(">I", font, cmap + 4 + 8 * record + 4)[0]
        if struct.unpack_from(">H", font, subtable)[0] == 4:
            found |= _format_4(font, subtable)
    return found


def _format_4(font: bytes, at: int) -> set[int]:
    segments = struct.unpack_from(">H", font, at + 6)[0] // 2
    ends = struct.unpack_from(f">{segments}H", font, at + 14)
    starts = struct.unpack_from(f">{segments}H", font, at + 16 + 2 * segments)
    deltas = struct.unpack_from(f">{segments}H", font, at + 16 + 4 * segments)
    ranges_at = at + 16 + 6 * segments
    found: set[int] = set()
    for i, (first, last, delta) in enumerate(zip(starts, ends, deltas, strict=True)):
        offset = struct.unpack_from(">H", font, ranges_at + 2 * i)[0]
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = code
            if offset:
                glyph_at = ranges_at + 2 * i + offset + 2 * (code - first)
                glyph = struct.unpack_from(">H", font, glyph_at)[0]
                if glyph == 0:
                    continue
            if (glyph + delta) % 0x10000:
                found.add(code)
    return found


@lru_cache(maxsize=8_192)
def printable(text: str) -> str:
    """The same text, safe to lay out; nothing in it is markup, so `#`, `*` and `$` stay.

    Line ends and tabs become spaces; control and invisible characters go, since a right-to-left
    override could make an amount read backwards; a letter without a glyph becomes U+FFFD, since
    PDF/A forbids an empty one. Words too long for a line may be broken.
    """
    composed = unicodedata.normalize("NFC", text)
    if composed.isprintable() and drawable().issuperset(map(ord, composed)):
        shown = composed.strip()
    else:
        shown = "".join(map(_shown, composed)).strip()
    return _LONG_WORD.sub("\\g<0>\u200b", shown) or "—"


def _shown(letter: str) -> str:
    category = unicodedata.category(letter)
    if letter in _LINE_ENDS or category in {"Zl", "Zp"}:
        return " "
    if category in {"Cc", "Cf", "Cs"}:
        return ""
    if ord(letter) in drawable():
        return letter
    return " " if category == "Zs" else REPLACEMENT
