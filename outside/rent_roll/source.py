"""The bytes of a rent roll: how large they may be, what they turn out to be, which alphabet."""

from __future__ import annotations

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path
from typing import Literal

from domain import Refused
from outside.rent_roll.cells import quoted

MAX_BYTES = 50 * 1024 * 1024
Encoding = Literal["utf-8-sig", "utf-8", "cp1252"]


class UnreadableFile(Refused):
    """The file as a whole cannot be read as a rent roll; nothing of it is kept."""


def load(source: bytes | Path) -> bytes:
    """The bytes, at most `MAX_BYTES`; a larger file on disk is refused before it is read."""
    if isinstance(source, bytes):
        _refuse_above_limit(len(source))
        return source
    fr_name, en_name = quoted(source.name)
    try:
        if source.is_dir():
            raise UnreadableFile(
                f"{fr_name} est un dossier : indiquez le fichier de l'état locatif.",
                f"{en_name} is a folder: name the file of the rent roll.",
            )
        _refuse_above_limit(source.stat().st_size)
        with source.open("rb") as opened:  # a pipe tells no size: read no more than is allowed
            raw = opened.read(MAX_BYTES + 1)
    except FileNotFoundError as missing:
        raise UnreadableFile(
            f"Le fichier {fr_name} n'existe pas.", f"The file {en_name} does not exist."
        ) from missing
    except (OSError, ValueError) as closed:
        raise UnreadableFile(
            f"Le fichier {fr_name} ne peut pas être ouvert : vérifiez vos droits sur lui.",
            f"The file {en_name} cannot be opened: check your rights on it.",
        ) from closed
    _refuse_above_limit(len(raw))
    return raw


def _refuse_above_limit(size_bytes: int) -> None:
    if size_bytes <= MAX_BYTES:
        return
    limit_mb, size_mb = MAX_BYTES // 2**20, -(-size_bytes // 2**20)
    raise UnreadableFile(
        f"Le fichier dépasse la limite de {limit_mb} Mo (il en fait au moins {size_mb}) : "
        "découpez-le en plusieurs fichiers qui gardent chacun la ligne de titres.",
        f"The file exceeds the limit of {limit_mb} MB (it has at least {size_mb}): "
        "split it into several files that each keep the header line.",
    )


_SAVE_AS_FR = "ouvrez-le dans votre tableur et enregistrez-le au format « CSV UTF-8 »."
_SAVE_AS_EN = "open it in your spreadsheet and save it as “CSV UTF-8”."

_SIGNATURES = (
    (b"%PDF-", "un PDF", "a PDF"),
    (b"PK\x03\x04", "un classeur (XLSX, ODS) ou une archive ZIP", "a workbook (XLSX, ODS) or ZIP"),
    (b"\xd0\xcf\x11\xe0", "un classeur Excel (XLS)", "an Excel workbook (XLS)"),
    (BOM_UTF16_LE, "un texte en UTF-16 (« Unicode »)", "text in UTF-16 (“Unicode”)"),
    (BOM_UTF16_BE, "un texte en UTF-16 (« Unicode »)", "text in UTF-16 (“Unicode”)"),
)


def decode(raw: bytes) -> tuple[str, Encoding]:
    """The text, with line ends as "\\n", and the encoding it was strictly decoded by."""
    if not raw.removeprefix(BOM_UTF8).strip():
        raise UnreadableFile("Le fichier est vide.", "The file is empty.")
    for signature, kind_fr, kind_en in _SIGNATURES:
        if raw.startswith(signature):
            raise UnreadableFile(
                f"Ce fichier est {kind_fr}, pas un CSV : {_SAVE_AS_FR}",
                f"This file is {kind_en}, not a CSV: {_SAVE_AS_EN}",
            )
    if b"\x00" in raw:
        raise UnreadableFile(
            "Ce fichier contient des octets nuls : ce n'est pas un texte, ou il est en UTF-16 ; "
            + _SAVE_AS_FR,
            "This file contains NUL bytes: it is not text, or it is in UTF-16; " + _SAVE_AS_EN,
        )
    text, encoding = _decode_strictly(raw)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text, encoding


def _decode_strictly(raw: bytes) -> tuple[str, Encoding]:
    encoding: Encoding = "utf-8-sig" if raw.startswith(BOM_UTF8) else "utf-8"
    raw = raw.removeprefix(BOM_UTF8)
    try:
        return raw.decode("utf-8"), encoding
    except UnicodeDecodeError as broken:
        if encoding == "utf-8-sig" or _begins_as_utf8(raw):
            # Read as Windows-1252 it would yield « AndrÃ© » without a word of warning.
            line = raw.count(b"\n", 0, broken.start) + 1
            raise UnreadableFile(
                f"Ce fichier est en UTF-8 mais il est abîmé à la ligne {line} : {_SAVE_AS_FR}",
                f"This file is in UTF-8 but it is damaged on line {line}: {_SAVE_AS_EN}",
            ) from broken
    try:
        return raw.decode("cp1252"), "cp1252"
    except UnicodeDecodeError as broken:
        raise UnreadableFile(
            f"Ce fichier n'est un texte ni en UTF-8 ni en Windows-1252 : {_SAVE_AS_FR}",
            f"This file is text neither in UTF-8 nor in Windows-1252: {_SAVE_AS_EN}",
        ) from broken


def _begins_as_utf8(raw: bytes) -> bool:
    """Whether the first line has accents and they are valid UTF-8."""
    first = raw.lstrip().partition(b"\n")[0]
    if first.isascii():
        return False
    try:
        first.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
