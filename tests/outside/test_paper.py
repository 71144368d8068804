"""Papers come out the same every time, say what their content says, and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.words import Language
from outside.paper import Content, Line, Paid, content_hash
from outside.paper.printable import FONTS, drawable, printable
from outside.paper.renderer import Renderer, renderer_version, template_version
from tests.outside.paper_samples import (
    ALL,
    BY_CARD,
    BY_CHEQUE,
    INVOICE,
    PRINTER,
    QUITTANCE,
    RECU,
    TENANCY,
    TICKET,
    changed,
    printed,
    text_of,
    tight,
    words_of,
)

ROOT = Path(__file__).parents[2]

# What a paper is


@pytest.mark.parametrize("content", ALL, ids=lambda content: content.number)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_paper_is_pdf_a_2a_and_accessible(content: Content, language: Language) -> None:
    with printed(content, language) as pdf:
        with pdf.open_metadata() as meta:
            assert (meta["pdfaid:part"], meta["pdfaid:conformance"]) == ("2", "A")
            assert meta["pdfuaid:part"] == "1"
            assert content.number in meta["dc:title"]
            assert meta["dc:creator"] == ["Agence Exemple"]
        assert "/StructTreeRoot" in pdf.Root
        assert pdf.Root.MarkInfo.Marked
        assert str(pdf.Root.Lang).split("-")[0] == language
        assert pdf.Root.OutputIntents[0].S == "/GTS_PDFA1"
        assert "/Encrypt" not in pdf.trailer
        assert pdf.Root.ViewerPreferences.DisplayDocTitle
        assert len(pdf.pages) == 1


@pytest.mark.parametrize("content", ALL, ids=lambda content: content.number)
def test_every_font_is_one_of_ours_and_embedded(content: Content) -> None:
    with printed(content) as pdf:
        names = set()
        for page in pdf.pages:
            for font in page.resources.Font.values():
                below = font.DescendantFonts[0]
                names.add(str(below.BaseFont).split("+")[1].split("-")[0])
                assert {"/FontFile2", "/FontFile3"} & set(below.FontDescriptor.keys())
        assert names <= {"QuittanceSans", "QuittanceSansExt", "DejaVuSans"}


def test_a_quittance_is_read_in_order_by_a_screen_reader() -> None:
    with printed(QUITTANCE) as pdf:
        kinds = [
            str(entry.S)
            for entry in pdf.objects
            if isinstance(entry, pikepdf.Dictionary) and "/S" in entry and "/P" in entry
        ]
    assert kinds.count("/Table") == 2
    assert kinds.count("/TH") == 5
    assert {"/H1", "/H2"} & set(kinds)


# What a paper says


def test_a_quittance_tells_rent_and_charges_apart() -> None:
    words = words_of(QUITTANCE)
    for said in (
        *("Quittance de loyer", "N° Q-2026-000123", "Du 1er mai 2026 au 31 mai 2026"),
        *("Loyer hors charges", "612,40\u00a0€", "Provision pour charges", "98,60\u00a0€"),
        *("711,00\u00a0€", "sept cent onze euros", "Payé en entier", "Mai 2026"),
        *("04/05/2026", "Carte bancaire, se terminant par 0000", "400,00\u00a0€"),
        *("12/05/2026", "Chèque, n° 7012345, Banque", "311,00\u00a0€"),
        *("SCI du Graoully", "Mme Zoë Roÿ-Bœuf", "12 rue de l’Exemple"),
        *("Fait à Metz, le 12 mai 2026", "Pour le bailleur, Agence Exemple"),
        *("Délivrée gratuitement", "annule tous les reçus", "R-2026-000098"),
        content_hash(QUITTANCE),
    ):
        assert said in words


def test_a_recu_tells_them_not_apart_and_says_what_is_missing() -> None:
    words = words_of(RECU)
    assert "Loyer hors charges" not in words
    assert "Provision pour charges" not in words
    for said in (
        *("Reçu de loyer", "400,00\u00a0€", "quatre cents euros", "Payé en partie"),
        "Il reste 311,00\u00a0€ à payer pour cette période avant la quittance.",
        "La somme de 1\u202f234,56\u00a0€ reste due sur les échéances précédentes.",
        *("Sous réserve d’encaissement.", "pas une quittance", "Délivré gratuitement"),
    ):
        assert said in words


def test_a_ticket_says_that_it_is_no_quittance() -> None:
    words = words_of(TICKET)
    for said in (
        *("Ticket de paiement", "TK-7F3A-92C1", "711,00\u00a0€", "pi_3Qx81a"),
        "Confirmé par votre banque le 4 mai 2026 à 14\u202fh\u202f02",
        *("Mai 2026", "vous avez 38,00\u00a0€ d’avance", "Ce n’est pas une quittance"),
    ):
        assert said in words


def test_an_invoice_has_its_two_columns_and_its_net() -> None:
    words = words_of(INVOICE)
    for said in (
        *("Avis d’échéance", "Débit", "Crédit", "612,40\u00a0€", "245,00\u00a0€"),
        *("Total du mois 466,00\u00a0€", "Solde antérieur 200,00\u00a0€"),
        *("Net à payer", "666,00\u00a0€", "à payer au plus tard le 5 novembre 2026"),
        "Vous pouvez payer par carte bancaire, virement ou chèque.",
    ):
        assert said in words


def test_no_paper_for_the_tenant_has_a_bare_minus() -> None:
    words = words_of(
        changed(INVOICE, previous_balance_cents=-60_000, net_cents=-13_400, means=("card",))
    )
    assert not re.search(r"(?<!\w)[-−]\s?\d", words)
    assert "En votre faveur 134,00\u00a0€" in words
    assert "Solde antérieur en votre faveur 600,00\u00a0€" in words
    assert "payer par" not in words


def test_an_invoice_of_nothing_asks_for_nothing() -> None:
    words = words_of(changed(INVOICE, previous_balance_cents=-46_600, net_cents=0))
    assert "Rien à payer 0,00\u00a0€" in words
    assert "au plus tard" not in words


def test_a_debited_invoice_says_when_it_is_debited() -> None:
    words = words_of(changed(INVOICE, debited_on=date(2026, 11, 6)))
    assert "sera prélevé le 6 novembre 2026 sur votre compte" in words
    assert "payer par" not in words


def test_every_paper_can_be_had_in_english() -> None:
    assert "seven hundred and eleven euros" in words_of(QUITTANCE, "en")
    assert "The sum of €1,234.56 is still owed for earlier periods." in words_of(RECU, "en")
    assert "on 4 May 2026 at 14:02" in words_of(TICKET, "en")
    assert "Net to pay €666.00" in words_of(INVOICE, "en")


def test_the_lines_of_a_quittance_may_be_many() -> None:
    lines = tuple(Line(kind="other", label=f"Ligne {i}", amount_cents=100) for i in range(60))
    content = changed(
        QUITTANCE,
        other_lines=lines,
        total_cents=77_100,
        payments=(BY_CARD, changed_paid(37_100)),
    )
    with printed(content) as pdf:
        pages = len(pdf.pages)
        words = re.sub(r"[ \n]+", " ", text_of(pdf))
    assert "Ligne 59" in words
    assert pages > 1
    assert all(f"Page {page} sur {pages}" in words for page in range(1, pages + 1))


def changed_paid(cents: int) -> Paid:
    return BY_CHEQUE.model_copy(update={"amount_cents": cents})


# What content cannot say


@pytest.mark.parametrize(
    "fields",
    [
        {"rent_cents": None},
        {"rent_cents": 61_241},
        {"still_due_cents": 1},
        {"payments": (BY_CARD,)},
        {"until_on": date(2026, 4, 30)},
        {"total_cents": 71_101},
    ],
)
def test_a_quittance_that_does_not_add_up_is_none(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        changed(QUITTANCE, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"rent_cents": 30_000, "charges_cents": 10_000},
        {"annuls": ("R-1",)},
        {"payments": (), "total_cents": 0},
        {"other_lines": (Line(kind="insurance", amount_cents=1),)},
    ],
)
def test_a_recu_that_tells_more_than_it_may_is_none(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        changed(RECU, **fields)


@pytest.mark.parametrize("fields", [{"net_cents": 66_601}, {"total_cents": 46_601}])
def test_an_invoice_that_does_not_add_up_is_none(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        changed(INVOICE, **fields)


def test_a_lone_surrogate_is_no_content() -> None:
    with pytest.raises(ValidationError):
        changed(QUITTANCE, issued_in="\ud800")


# The same bytes


def test_a_content_hash_is_for_ever() -> None:
    """Golden: these hashes are stored in events; a change of them is a change of the past."""
    assert [content_hash(content)[:16] for content in ALL] == [
        "25ee6c271e81bfc7",
        "c463145e78f176bd",
        "506fb97d6225402d",
        "d36f0010915d5210",
    ]


@pytest.mark.parametrize("content", ALL, ids=lambda content: content.number)
def test_a_paper_made_twice_is_the_same_bytes(content: Content) -> None:
    assert Renderer().render(content) == Renderer().render(content)
    assert Renderer().render(content, "en").pdf != Renderer().render(content).pdf
    assert Renderer().render(content, "en").content_hash == content_hash(content)


def test_another_process_in_another_zone_makes_the_same_bytes() -> None:
    program = (
        "import sys\n"
        "from outside.paper import ReceiptContent\n"
        "from outside.paper.renderer import Renderer\n"
        "content = ReceiptContent.model_validate_json(sys.stdin.buffer.read())\n"
        "sys.stdout.buffer.write(Renderer().render(content).pdf)\n"
    )
    made = subprocess.run(
        [sys.executable, "-c", program],
        input=QUITTANCE.model_dump_json().encode(),
        capture_output=True,
        check=True,
        cwd=ROOT,
        env={"TZ": "Pacific/Auckland", "LC_ALL": "C", "PYTHONHASHSEED": "7"},
        timeout=120,
    )
    assert made.stdout == PRINTER.render(QUITTANCE, "fr").pdf


def test_one_renderer_serves_many_threads() -> None:
    expected = PRINTER.render(QUITTANCE, "fr").pdf
    made: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: made.append(PRINTER.render(QUITTANCE, "fr").pdf))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [expected] * 4


def test_the_date_of_the_file_is_that_of_the_paper() -> None:
    with printed(QUITTANCE) as pdf:
        assert str(pdf.docinfo.CreationDate).startswith("D:20260512")
    with printed(TICKET) as pdf:
        assert str(pdf.docinfo.CreationDate).startswith("D:20260504120200")


def test_the_versions_name_what_printed() -> None:
    assert re.fullmatch(r"typst \S+, babel \S+, num2words \S+", renderer_version())
    assert re.fullmatch(r"[0-9a-f]{16}", template_version())


# Names are names


@pytest.mark.parametrize(
    "name",
    [
        '#import "receipt.typ"',
        "*gras* _it_ $x^2$ `code` <a> @b ~ \\ -- ---",
        '"))) #panic("lu")',
        "#sys.version [x] {y} /* z */ // w",
        "= Titre",
        "- liste 'a' \"b\"",
        "https://exemple.fr",
        "\\u{41}",
    ],
)
def test_a_name_is_never_markup(name: str) -> None:
    assert name in words_of(changed(RECU, tenancy=TENANCY.model_copy(update={"tenants": (name,)})))


@pytest.mark.parametrize(
    "name",
    [
        *("Roÿ Bœuf", "Öztürk Şahin ığİ", "Nguyễn Thị Ạ", "Łukasz Żółć", "Ÿ ő ș ț đ ħ ŋ"),
        *("Ελένη", "Дмитрий Шевченко", "Ð Þ ß ẞ", "Հայկ", "ქეთი", "O’Brien-N’Guessan"),
    ],
)
def test_the_names_of_europe_are_printed(name: str) -> None:
    tenancy = TENANCY.model_copy(update={"tenants": (name,)})
    assert tight(name) in tight(words_of(changed(RECU, tenancy=tenancy)))


def test_what_no_font_can_draw_is_seen_to_be_missing() -> None:
    tenancy = TENANCY.model_copy(update={"tenants": ("Li 李 Wei 😀",)})
    assert "Li\ufffdWei\ufffd" in tight(words_of(changed(RECU, tenancy=tenancy)))


def test_hidden_characters_do_not_reach_the_paper() -> None:
    assert printable("a\x00b\u202e\u200fc\td\ne\u2028f") == "abc d e f"
    assert printable("e\u0301") == "é"
    assert printable("\x00") == "—"
    assert printable("12\u202f345\u00a0€") == "12\u202f345\u00a0€"


def test_a_word_without_end_stays_on_the_page() -> None:
    tenancy = TENANCY.model_copy(update={"tenants": ("W" * 500,)})
    with printed(changed(RECU, tenancy=tenancy)) as pdf:
        assert text_of(pdf).count("W") == 500
        assert len(pdf.pages) <= 2


def test_every_letter_of_our_fonts_can_be_printed() -> None:
    letters = [chr(code) for code in sorted(drawable()) if printable(chr(code)) == chr(code)]
    assert len(letters) > 1_900
    lines = ["".join(letters[at : at + 300]) for at in range(0, len(letters), 300)]
    tenancy = TENANCY.model_copy(update={"dwelling": tuple(lines)})
    PRINTER.render(changed(RECU, tenancy=tenancy), "fr")


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1, max_size=80))
def test_any_text_is_printed(text: str) -> None:
    tenancy = TENANCY.model_copy(update={"tenants": (text,), "dwelling": (text,)})
    content = changed(QUITTANCE, tenancy=tenancy, issued_in=text, number=text)
    assert PRINTER.render(content, "fr").pdf.startswith(b"%PDF-")


def test_the_fonts_travel_with_their_licences() -> None:
    listed = (FONTS / "README.md").read_text()
    for font in FONTS.glob("*.ttf"):
        assert f"`{font.name}`" in listed
    assert "SIL Open Font License" in (FONTS / "OFL.txt").read_text()
    assert "Bitstream Vera" in (FONTS / "DEJAVU-LICENSE.txt").read_text()
