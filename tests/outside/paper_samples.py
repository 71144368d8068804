"""Samples of every paper, and what can be read out of the PDF that is printed of them."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import pikepdf

from domain.period import Period
from domain.words import Language
from outside.paper import (
    Content,
    InvoiceContent,
    InvoiceLine,
    Issuer,
    Paid,
    Printer,
    ReceiptContent,
    Tenancy,
    TicketContent,
)
from outside.paper.renderer import Renderer

PRINTER: Printer = Renderer()

TENANCY = Tenancy(
    landlord=Issuer(
        name="SCI du Graoully",
        address=("18 rue des Jardins", "57000 Metz"),
        registration="SIREN 123 456 782",
    ),
    agent=Issuer(name="Agence Exemple", address=("4 place de la Cathédrale", "57000 Metz")),
    tenants=("Mme Zoë Roÿ-Bœuf", "M. Łukasz Nguyễn"),
    dwelling=("Appartement 34", "12 rue de l’Exemple", "57000 Metz"),
    lease_reference="L-0312",
    client_reference="C-004217",
)
BY_CARD = Paid(
    paid_on=date(2026, 5, 4), amount_cents=40_000, means="card", detail="se terminant par 0000"
)
BY_CHEQUE = Paid(
    paid_on=date(2026, 5, 12), amount_cents=31_100, means="cheque", detail="n° 7012345, Banque"
)
QUITTANCE = ReceiptContent(
    number="Q-2026-000123",
    full=True,
    tenancy=TENANCY,
    from_on=date(2026, 5, 1),
    until_on=date(2026, 5, 31),
    rent_cents=61_240,
    charges_cents=9_860,
    total_cents=71_100,
    payments=(BY_CARD, BY_CHEQUE),
    annuls=("R-2026-000098",),
    issued_on=date(2026, 5, 12),
    issued_in="Metz",
)
RECU = ReceiptContent(
    number="R-2026-000098",
    full=False,
    tenancy=TENANCY,
    from_on=date(2026, 5, 1),
    until_on=date(2026, 5, 31),
    total_cents=40_000,
    payments=(BY_CARD,),
    still_due_cents=31_100,
    earlier_due_cents=123_456,
    subject_to_collection=True,
    issued_on=date(2026, 5, 4),
    issued_in="Metz",
)
TICKET = TicketContent(
    number="TK-7F3A-92C1",
    tenancy=TENANCY,
    confirmed_at=datetime(2026, 5, 4, 12, 2, tzinfo=UTC),
    amount_cents=71_100,
    means="card",
    provider_reference="pi_3Qx81a",
    paid_for=Period(2026, 5),
    balance_after_cents=-3_800,
)
INVOICE = InvoiceContent(
    number="F-2026-001204",
    tenancy=TENANCY,
    from_on=date(2026, 11, 1),
    until_on=date(2026, 11, 30),
    lines=(
        InvoiceLine(kind="rent", side="debit", amount_cents=61_240),
        InvoiceLine(kind="charges", side="debit", amount_cents=9_860),
        InvoiceLine(kind="apl", side="credit", amount_cents=24_500),
    ),
    previous_balance_cents=20_000,
    total_cents=46_600,
    net_cents=66_600,
    issued_on=date(2026, 10, 25),
    due_on=date(2026, 11, 5),
    means=("card", "transfer", "cheque"),
)
ALL: tuple[Content, ...] = (QUITTANCE, RECU, TICKET, INVOICE)


def changed(content: Content, **fields: Any) -> Any:
    """The same content with other fields, checked as new content is."""
    return type(content).model_validate(content.model_dump() | fields)


def printed(content: Content, language: Language = "fr") -> pikepdf.Pdf:
    return pikepdf.open(BytesIO(PRINTER.render(content, language).pdf))


def letters_of(font: pikepdf.Object) -> dict[int, str]:
    """What each glyph id of a font stands for, by its ToUnicode map."""
    cmap = font.ToUnicode.read_bytes().decode("latin-1")
    letters = {}
    for block in re.findall(r"beginbfchar(.*?)endbfchar", cmap, re.S):
        for glyph, text in re.findall(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
            letters[int(glyph, 16)] = bytes.fromhex(text).decode("utf-16-be")
    for block in re.findall(r"beginbfrange(.*?)endbfrange", cmap, re.S):
        for first, last, text in re.findall(r"<(\w+)>\s*<(\w+)>\s*<(\w+)>", block):
            for glyph in range(int(first, 16), int(last, 16) + 1):
                start = bytes.fromhex(text).decode("utf-16-be")
                letters[glyph] = chr(ord(start) + glyph - int(first, 16))
    return letters


def text_of(pdf: pikepdf.Pdf) -> str:
    """All text in the order in which it is drawn; a new line wherever a text object begins."""
    said: list[str] = []
    for page in pdf.pages:
        fonts = {name: letters_of(font) for name, font in page.resources.Font.items()}
        letters: dict[int, str] = {}
        spans: list[bool] = []
        for instruction in pikepdf.parse_content_stream(page):
            operands = instruction.operands
            match str(instruction.operator):
                case "BT":
                    said.append("\n")
                case "BDC" | "BMC":
                    told = len(operands) > 1 and "/ActualText" in operands[1]
                    spans.append(told)
                    if told:
                        said.append(str(operands[1].ActualText))
                case "EMC":
                    spans.pop()
                case "Tf":
                    letters = fonts[str(operands[0])]
                case "Tj" | "TJ" if not any(spans):
                    said.append(drawn_by(operands[0], letters))
    return unicodedata.normalize("NFC", "".join(said))


def drawn_by(shown: pikepdf.Object, letters: dict[int, str]) -> str:
    """The letters of one show operator, whose glyph ids are two bytes each."""
    pieces = list(shown) if isinstance(shown, pikepdf.Array) else [shown]
    codes = b"".join(bytes(piece) for piece in pieces if isinstance(piece, pikepdf.String))
    pairs = zip(codes[::2], codes[1::2], strict=True)
    return "".join(letters[256 * high + low] for high, low in pairs)


def words_of(content: Content, language: Language = "fr") -> str:
    """The text with its line ends read as spaces, since where a line ends does not matter here."""
    return re.sub(r"[ \n]+", " ", text_of(printed(content, language)))


def tight(text: str) -> str:
    """Without spaces, since a letter from another font begins a text object within its word."""
    return re.sub(r"\s+", "", text)
