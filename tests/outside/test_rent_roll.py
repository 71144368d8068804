"""A rent roll is read whole or refused; a faulty row is rejected whole, with where and why."""

from __future__ import annotations

import dataclasses
import random
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import Refused
from outside.rent_roll import (
    MAX_BYTES,
    Rejection,
    RentRoll,
    RentRollRow,
    UnreadableFile,
    fingerprint,
    in_euros,
    read_rent_roll,
    write_rejected,
)
from outside.rent_roll import source as source_limits

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
real_files = pytest.mark.skipif(
    not (SHARED / "rent-roll.csv").exists(), reason="the shared example files are not here"
)

VALID = {
    "Réf. client": "C-004217",
    "Civilité": "Mme",
    "Nom": "D'Almeida",
    "Prénom": "Anaïs",
    "Né(e) le": "24/04/1950",
    "E-mail": "anais.d_almeida@exemple.fr",
    "Téléphone": "06 05 34 40 26",
    "Réf. bail": "B-00012",
    "N° lot": "L-96-0012",
    "Nature": "logement vide",
    "Adresse": "40 rue des Allemands",
    "CP": "57000",
    "Ville": "Metz",
    "Classe DPE": "E",
    "Date d'entrée": "14/10/2020",
    "Date de sortie": "",
    "Loyer HC": "612,40",
    "Charges": "98,60",
    "Mode charges": "provision",
    "APL": "",
    "Dépôt de garantie": "612,40 €",
    "Terme": "à échoir",
    "Jour d'échéance": "5",
    "Trimestre IRL": "T2",
    "IBAN": "FR7614707218205842353508935",
    "Solde au 31/10/2026": "0,00",
}
HEADER = list(VALID)
BALANCE = "Solde au 31/10/2026"


def row(**changes: str) -> dict[str, str]:
    """A valid row with some cells changed, named by the fields of `NAMES`."""
    return VALID | {NAMES[field]: cell for field, cell in changes.items()}


NAMES = {
    "bail": "Réf. bail",
    "nom": "Nom",
    "ne_le": "Né(e) le",
    "email": "E-mail",
    "telephone": "Téléphone",
    "nature": "Nature",
    "adresse": "Adresse",
    "cp": "CP",
    "dpe": "Classe DPE",
    "entree": "Date d'entrée",
    "sortie": "Date de sortie",
    "loyer": "Loyer HC",
    "charges": "Charges",
    "mode": "Mode charges",
    "apl": "APL",
    "depot": "Dépôt de garantie",
    "terme": "Terme",
    "jour": "Jour d'échéance",
    "irl": "Trimestre IRL",
    "iban": "IBAN",
    "solde": BALANCE,
}


def csv_of(*rows: dict[str, str], header: list[str] = HEADER, separator: str = ";") -> str:
    def quoted(cell: str) -> str:
        risky = any(c in cell for c in (separator, '"', "\n", "\r"))
        return '"' + cell.replace('"', '""') + '"' if risky else cell

    lines = [header, *([r.get(name, "") for name in header] for r in rows)]
    return "".join(separator.join(map(quoted, line)) + "\r\n" for line in lines)


def read(*rows: dict[str, str]) -> RentRoll:
    return read_rent_roll(csv_of(*rows).encode())


def only_rejection(roll: RentRoll) -> Rejection:
    assert roll.rows == []
    (rejection,) = roll.rejected
    return rejection


def without_line(rent_row: RentRollRow) -> RentRollRow:
    return dataclasses.replace(rent_row, line=0)


# What an accepted row says


def test_a_valid_row_is_read_into_its_fields():
    roll = read(row(solde="1\u202f951,02 €", apl="126,70"))

    assert roll.rejected == []
    assert roll.rows == [
        RentRollRow(
            line=2,
            client_reference="C-004217",
            title="Mme",
            last_name="D'Almeida",
            first_name="Anaïs",
            born_on=date(1950, 4, 24),
            email="anais.d_almeida@exemple.fr",
            phone="06 05 34 40 26",
            lease_reference="B-00012",
            lot_reference="L-96-0012",
            lease_kind="unfurnished",
            address="40 rue des Allemands",
            postcode="57000",
            city="Metz",
            energy_class="E",
            entered_on=date(2020, 10, 14),
            left_on=None,
            rent_cents=61240,
            charges_cents=9860,
            charges_mode="provision",
            benefit_cents=12670,
            deposit_cents=61240,
            payment_term="advance",
            due_day=5,
            index_quarter="T2",
            iban="FR7614707218205842353508935",
            balance_cents=195102,
        )
    ]
    assert roll.balance_on == date(2026, 10, 31)


def test_what_may_be_empty_reads_as_nothing():
    empty = row(email="", telephone="", dpe="", sortie="", mode="", irl="", iban="", charges="0,00")

    (read_row,) = read(empty).rows

    assert read_row.email is read_row.phone is read_row.energy_class is None
    assert read_row.left_on is read_row.charges_mode is None
    assert read_row.index_quarter is read_row.iban is None
    assert read_row.benefit_cents == 0


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("logement vide", "unfurnished"),
        ("Logement Meublé", "furnished"),
        ("LOGEMENT SOCIAL", "social"),
        ("garage", "garage"),
    ],
)
def test_the_kind_of_a_lease_is_read_whatever_its_case(written: str, kind: str):
    assert read(row(nature=written)).rows[0].lease_kind == kind


@pytest.mark.parametrize(
    ("written", "term"), [("à échoir", "advance"), ("échu", "arrears"), ("Echu", "arrears")]
)
def test_the_payment_term_is_read_with_or_without_accents(written: str, term: str):
    assert read(row(terme=written)).rows[0].payment_term == term


def test_charges_are_a_provision_or_a_lump_sum():
    roll = read(row(bail="B-1", mode="provision"), row(bail="B-2", mode="forfait"))

    assert [r.charges_mode for r in roll.rows] == ["provision", "lump_sum"]


@pytest.mark.parametrize(
    ("written", "cents"),
    [
        ("0,00", 0),
        ("1951,02", 195102),
        ("1 951,02", 195102),
        ("1\u00a0951,02 €", 195102),
        ("1\u202f951,02\u00a0€", 195102),
        ("1\u202f234\u202f567,8", 123456780),
        ("45", 4500),
        ("-61,00", -6100),
        ("\u221261,00 €", -6100),
        ("- 61,00", -6100),
    ],
)
def test_an_amount_is_read_in_cents_as_french_software_writes_it(written: str, cents: int):
    assert read(row(solde=written)).rows[0].balance_cents == cents


def test_an_iban_in_groups_of_four_is_read_without_its_spaces():
    roll = read(row(iban="fr76 1470 7218 2058 4235 3508 935"))

    assert roll.rows[0].iban == "FR7614707218205842353508935"


def test_a_row_shows_no_personal_data_in_a_traceback():
    (read_row,) = read(row()).rows

    assert "Almeida" not in repr(read_row)
    assert "B-00012" in repr(read_row)


# What is rejected


@pytest.mark.parametrize(
    ("field", "cell", "reason"),
    [
        ("bail", "", "vide"),
        ("nom", "", "vide"),
        ("nom", "Goff\u200b", "invisible"),
        ("nom", "Andr\ufffd", "perdu"),
        ("nom", "G" * 201, "trop long"),
        ("ne_le", "31/02/1950", "calendrier"),
        ("ne_le", "1950-04-24", "JJ/MM/AAAA"),
        ("ne_le", "24/4/1950", "JJ/MM/AAAA"),
        ("ne_le", "24/04/1899", "1900 à 2100"),
        ("ne_le", "24/04/9999", "1900 à 2100"),
        ("ne_le", "٢٤/٠٤/١٩٥٠", "JJ/MM/AAAA"),
        ("email", "pas d'adresse", "adresse électronique"),
        ("email", "a@b", "adresse électronique"),
        ("email", "a..b@exemple.fr", "adresse électronique"),
        ("telephone", "voir bureau", "téléphone"),
        ("nature", "château", "n'est pas reconnu"),
        ("cp", "1000", "cinq chiffres"),
        ("dpe", "Z", "A à G"),
        ("entree", "", "vide"),
        ("sortie", "01/01/2010", "précède la date d'entrée"),
        ("loyer", "-450,00", "négatif"),
        ("loyer", "6l2,40", "n'est pas un montant"),
        ("loyer", "612,405", "plus de deux décimales"),
        ("loyer", "612.40", "virgule"),
        ("loyer", "6 12,40", "n'est pas un montant"),
        ("loyer", "", "vide"),
        ("loyer", "100 000,01", "plafond"),
        ("loyer", "9" * 400, "n'est pas un montant"),
        ("charges", "-1,00", "négatif"),
        ("mode", "", "provision ou forfait"),
        ("mode", "au réel", "provision ou forfait"),
        ("apl", "-0,01", "négatif"),
        ("depot", "-612,40", "négatif"),
        ("terme", "demain", "n'est pas reconnu"),
        ("jour", "32", "1 à 31"),
        ("jour", "0", "1 à 31"),
        ("irl", "T5", "n'est pas reconnu"),
        ("iban", "FR7614707218205842353508936", "IBAN"),
        ("iban", "XX00", "IBAN"),
        ("solde", "10 000 000,01", "plafond"),
    ],
)
def test_a_faulty_cell_rejects_its_row_and_no_other(field: str, cell: str, reason: str):
    roll = read(row(bail="B-1"), row(**({"bail": "B-2"} | {field: cell})), row(bail="B-3"))

    assert [r.lease_reference for r in roll.rows] == ["B-1", "B-3"]
    (rejection,) = roll.rejected
    assert (rejection.line, rejection.column) == (3, NAMES[field])
    assert reason in rejection.reason
    assert rejection.reason_en
    assert rejection.also == ()
    assert len(rejection.cells) == len(HEADER)


def test_all_faults_of_a_row_are_told_the_first_column_first():
    rejection = only_rejection(read(row(jour="32", dpe="Z", loyer="-1,00", ne_le="31/02/1950")))

    told = [rejection.column, *(fault.column for fault in rejection.also)]
    assert told == ["Né(e) le", "Classe DPE", "Loyer HC", "Jour d'échéance"]


def test_faults_follow_the_order_of_the_file_whatever_that_is():
    backwards = csv_of(row(jour="32", dpe="Z"), header=HEADER[::-1])

    rejection = only_rejection(read_rent_roll(backwards.encode()))

    assert [rejection.column, rejection.also[0].column] == ["Jour d'échéance", "Classe DPE"]


def test_a_reason_tells_nothing_of_the_other_cells():
    rejection = only_rejection(read(row(sortie="01/01/2010")))

    told = rejection.reason + rejection.reason_en
    assert "01/01/2010" in told
    assert not any(cell in told for cell in ("14/10/2020", "Almeida", "FR76", "40 rue"))


def test_a_reason_never_shows_more_than_the_beginning_of_a_long_cell():
    rejection = only_rejection(read(row(email="\x1b[31m" + "x" * 5000)))

    assert len(rejection.reason) < 250
    assert rejection.reason.replace("\u00a0", " ").isprintable()


def test_a_second_row_of_a_lease_is_rejected_even_when_it_is_identical():
    roll = read(row(), row(bail="B-2"), row())

    assert [r.line for r in roll.rows] == [2, 3]
    (second,) = roll.rejected
    assert (second.line, second.column) == (4, "Réf. bail")
    assert "ligne 2" in second.reason


def test_the_first_valid_row_of_a_lease_is_kept_though_a_faulty_one_came_before():
    roll = read(row(dpe="Z"), row(solde="10,00"), row(solde="20,00"))

    assert [(r.line, r.balance_cents) for r in roll.rows] == [(3, 1000)]
    assert [(r.line, r.column) for r in roll.rejected] == [(2, "Classe DPE"), (4, "Réf. bail")]


@pytest.mark.parametrize("change", ["cut", "extended"])
def test_a_row_with_the_wrong_number_of_cells_is_rejected_as_a_whole(change: str):
    good, other = csv_of(row()).splitlines(), csv_of(row(bail="B-2")).splitlines()[1]
    odd = other.rsplit(";", 6)[0] if change == "cut" else other + ";"

    roll = read_rent_roll("\r\n".join([*good, odd]).encode())

    (rejection,) = roll.rejected
    assert (rejection.line, rejection.column) == (3, "")
    assert f"{len(HEADER)} sont attendues" in rejection.reason
    assert [r.lease_reference for r in roll.rows] == ["B-00012"]


def test_blank_lines_and_rows_of_empty_cells_are_passed_over():
    header, first = csv_of(row()).splitlines()
    text = "\r\n".join(["", header, "", first, ";" * 25, "   ", ""])

    roll = read_rent_roll(text.encode())

    assert [r.line for r in roll.rows] == [4]
    assert roll.rejected == []


# Quotation marks


def test_a_quoted_cell_may_hold_separators_quotes_and_line_ends():
    text = csv_of(
        row(bail="B-1", adresse='Résidence "Les Lilas" ; bât. B\n40 rue des Allemands'),
        row(bail="B-2", dpe="Z"),
    )

    roll = read_rent_roll(text.encode())

    assert roll.rows[0].address == 'Résidence "Les Lilas" ; bât. B 40 rue des Allemands'
    assert [r.line for r in roll.rejected] == [4]


def test_a_quotation_mark_that_never_closes_rejects_its_row_alone():
    lines = csv_of(*(row(bail=f"B-{n}") for n in range(40))).splitlines()
    lines[3] = lines[3].replace("D'Almeida", "\"D'Almeida")
    lines[6] = lines[6].replace("40 rue", '"40 rue')

    roll = read_rent_roll("\n".join(lines).encode())

    assert [(r.line, r.column) for r in roll.rejected] == [(4, ""), (7, "")]
    assert "guillemet" in roll.rejected[0].reason.lower()
    assert len(roll.rows) == 38


# The file as a whole


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "cp1252"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"])
def test_encoding_separator_and_line_ends_are_found_out(
    encoding: str, separator: str, line_end: str
):
    text = csv_of(row(bail="B-1"), row(bail="B-2"), separator=separator)

    roll = read_rent_roll(text.replace("\r\n", line_end).encode(encoding))

    assert (roll.encoding, roll.separator) == (encoding, separator)
    expected = read(row(bail="B-1"), row(bail="B-2"))
    assert (roll.rows, roll.header) == (expected.rows, tuple(HEADER))


def test_columns_are_found_in_any_order_and_any_usual_spelling():
    spelled = {
        name: name.upper().replace("'", "’").replace("É", "E").replace("Ô", "O") for name in HEADER
    }
    spelled["E-mail"], spelled["Nom"] = "  Email ", "NOM\u00a0"
    respelled = {spelled[name]: cell for name, cell in VALID.items()}
    header = list(respelled)
    random.Random(7).shuffle(header)

    roll = read_rent_roll(csv_of(respelled, header=header).encode())

    assert roll.rows == read(row()).rows


def test_unknown_columns_are_ignored_and_listed():
    extra = VALID | {"Gestionnaire": "Paul", "Étage": "3"}

    roll = read_rent_roll(csv_of(extra, header=["Étage", *HEADER, "Gestionnaire", ""]).encode())

    assert roll.ignored_columns == ("Étage", "Gestionnaire")
    assert roll.rows == read(row()).rows


def test_missing_columns_are_all_named():
    header = [name for name in HEADER if name not in ("Loyer HC", "IBAN", BALANCE)]

    with pytest.raises(UnreadableFile) as refusal:
        read_rent_roll(csv_of(row(), header=header).encode())

    for language in ("fr", "en"):
        told = refusal.value.told(language)
        assert all(name in told for name in ("Loyer HC", "IBAN", "Solde au JJ/MM/AAAA"))
        assert "Charges" not in told
    assert refusal.value.code == "unreadable_file"


def test_a_column_that_stands_twice_is_refused():
    with pytest.raises(UnreadableFile, match=r"deux fois.*Charges"):
        read_rent_roll(csv_of(row(), header=[*HEADER, "charges"]).encode())


@pytest.mark.parametrize("heading", ["Solde au 31/02/2026", "Solde au", "Solde au 31 octobre"])
def test_a_balance_without_a_real_day_is_refused(heading: str):
    header = [*HEADER[:-1], heading]

    with pytest.raises(UnreadableFile, match="jour des soldes"):
        read_rent_roll(csv_of(row(), header=header).encode())


def test_the_day_of_the_balances_is_the_one_the_heading_says():
    header = [*HEADER[:-1], "SOLDE  AU 01/01/2027"]

    roll = read_rent_roll(csv_of(row() | {header[-1]: "5,00"}, header=header).encode())

    assert roll.balance_on == date(2027, 1, 1)
    assert roll.rows[0].balance_cents == 500


def test_a_header_alone_is_a_roll_without_rows():
    heard: list[tuple[int, int]] = []

    roll = read_rent_roll(csv_of().encode(), on_progress=lambda done, of: heard.append((done, of)))

    assert (roll.rows, roll.rejected) == ([], [])
    assert heard == [(1, 1)]


@pytest.mark.parametrize(
    ("raw", "fr", "en"),
    [
        (b"", "est vide", "is empty"),
        (b"\xef\xbb\xbf\r\n  \r\n", "est vide", "is empty"),
        (b"%PDF-1.7\n\xe2\xe3", "PDF", "save it as"),
        (b"PK\x03\x04\x14\x00", "XLSX", "save it as"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "XLS", "save it as"),
        (csv_of(row()).encode("utf-16"), "UTF-16", "UTF-16"),
        (csv_of(row()).encode("utf-16-le"), "UTF-16", "UTF-16"),
        (csv_of(row()).encode() + b"\x00", "octets nuls", "NUL"),
        (b"<html><body><table>", "n'est pas un état locatif", "not a rent roll"),
        (b"\x81\x8d\x8f;\x90\x9d", "ni en UTF-8 ni en Windows-1252", "neither"),
        (b"\xef\xbb\xbf" + csv_of(row()).encode() + b"\xe9t\xe9\r\n", "ligne 3", "line 3"),
        (csv_of(row()).encode() + b"Andr\xe9\r\n", "ligne 3", "line 3"),
        (csv_of().encode() + b"x" * 1_000_000, "ligne 2", "Line 2"),
        (b"x" * 1_000_000, "ligne 1", "Line 1"),
    ],
)
def test_what_is_no_rent_roll_is_refused_with_what_to_do(raw: bytes, fr: str, en: str):
    with pytest.raises(UnreadableFile) as refusal:
        read_rent_roll(raw)

    assert fr.lower() in refusal.value.told("fr").lower()
    assert en.lower() in refusal.value.told("en").lower()


def test_a_file_of_200_mb_is_refused_by_its_size_alone(tmp_path: Path):
    large = tmp_path / "roll.csv"
    with large.open("wb") as opened:
        opened.truncate(200 * 1024 * 1024)

    with pytest.raises(UnreadableFile, match=r"50 Mo.*200"):
        read_rent_roll(large)


def test_bytes_above_the_limit_are_refused_too(monkeypatch: pytest.MonkeyPatch):
    assert MAX_BYTES == 50 * 1024 * 1024
    monkeypatch.setattr(source_limits, "MAX_BYTES", 1024)

    with pytest.raises(UnreadableFile, match="limite"):
        read_rent_roll(b"x" * 1025)


@pytest.mark.parametrize("lines", [b"x\n" * 200_001, b"\n" * 1_000_001])
def test_more_than_200_000_rows_are_refused(lines: bytes):
    raw = csv_of().encode() + lines

    with pytest.raises(UnreadableFile, match="200000"):
        read_rent_roll(raw)


@pytest.mark.parametrize("place", ["missing.csv", ".", "missing/roll.csv", "nul\0.csv"])
def test_a_place_without_a_readable_file_is_refused(tmp_path: Path, place: str):
    with pytest.raises(UnreadableFile):
        read_rent_roll(tmp_path / place)


def test_a_path_reads_like_its_bytes_and_progress_ends_at_the_whole(tmp_path: Path):
    rows = [row(bail=f"B-{n}") for n in range(2500)]
    path = tmp_path / "roll.csv"
    path.write_bytes(csv_of(*rows).encode())
    heard: list[tuple[int, int]] = []

    roll = read_rent_roll(path, on_progress=lambda done, of: heard.append((done, of)))

    assert roll == read(*rows)
    assert heard == sorted(heard)
    assert heard[-1] == (2501, 2501)
    assert len(heard) == 3


# The file of rejected rows


def test_rejected_rows_once_corrected_are_imported_from_their_own_file(tmp_path: Path):
    roll = read(row(bail="B-1"), row(bail="B-2", dpe="Z"), row(bail="B-3", solde="-5,000"))
    path = tmp_path / "roll.rejected.csv"

    write_rejected(path, roll)
    again = read_rent_roll(path)
    corrected = path.read_bytes().decode("utf-8-sig").replace(";Z;", ";D;").replace("5,000", "5,00")
    repaired = read_rent_roll(corrected.encode())

    assert path.read_bytes().startswith(b"\xef\xbb\xbfLigne;Motif du rejet;R")
    assert [(r.line, r.column) for r in again.rejected] == [(2, "Classe DPE"), (3, BALANCE)]
    assert again.ignored_columns == ()
    assert repaired.rejected == []
    expected = read(row(bail="B-2", dpe="D"), row(bail="B-3", solde="-5,00"))
    assert repaired.rows == expected.rows


def test_the_file_of_rejected_rows_says_where_and_why(tmp_path: Path):
    path = tmp_path / "rejected.csv"

    write_rejected(path, read(row(bail="B-1"), row(bail="B-2", dpe="Z", jour="32")))

    line = path.read_text("utf-8-sig").splitlines()[1]
    assert line.startswith('3;"Classe DPE : «')
    assert "Jour d'échéance : «" in line


def test_rejecting_the_rejected_again_adds_no_further_columns(tmp_path: Path):
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    odd = "B-9;" + csv_of(row(dpe="Z")).splitlines()[1]
    text = csv_of(row(dpe="Z")) + odd + "\r\n" + "seul\r\n"

    write_rejected(first, read_rent_roll(text.encode()))
    write_rejected(second, read_rent_roll(first))

    without_ours = [
        [line.rsplit('";', 1)[-1] for line in path.read_text("utf-8-sig").splitlines()[1:2]]
        for path in (first, second)
    ]
    assert without_ours[0] == without_ours[1]
    assert (
        first.read_text("utf-8-sig").splitlines()[0]
        == (second.read_text("utf-8-sig").splitlines()[0])
    )
    kept = [rejection.cells[2:] for rejection in read_rent_roll(second).rejected]
    assert kept == [rejection.cells for rejection in read_rent_roll(text.encode()).rejected]


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_cells_come_back_from_the_file_exactly_as_they_were(tmp_path: Path, separator: str):
    strange = row(
        nom="=1+1", adresse='"@x"; ,\t-\u202f+', solde="-61,00", telephone="+33 6", dpe="Z"
    )
    roll = read_rent_roll(csv_of(strange, separator=separator).encode())
    path = tmp_path / "rejected.csv"

    write_rejected(path, roll)

    again = read_rent_roll(path)
    assert again.separator == separator
    assert again.rejected[0].cells[2:] == roll.rejected[0].cells == tuple(strange.values())


def test_a_reason_is_never_a_formula(tmp_path: Path):
    header = ["=Classe DPE" if name == "Classe DPE" else name for name in HEADER]
    faulty = csv_of(row(dpe="Z") | {"=Classe DPE": "=cmd()"}, header=header)
    path = tmp_path / "rejected.csv"

    write_rejected(path, read_rent_roll(faulty.encode()))

    assert path.read_text("utf-8-sig").splitlines()[1].startswith("2;\"'=Classe DPE :")


# Comparing two imports


def test_typing_does_not_make_two_rows_differ():
    plain = read(row(nom="N'Diaye", adresse="1 rue de l'Abbé", solde="1 951,02")).rows[0]
    typed = read(
        row(bail="B-9"),
        row(
            nom="N’Diaye",
            adresse=" 1  rue de l’Abbe\u0301",
            email="Anais.D_Almeida@exemple.fr",
            telephone="06.05.34.40.26",
            solde="1\u202f951,02 €",
            iban="FR76 1470 7218 2058 4235 3508 935",
            terme="A ECHOIR",
        ),
    ).rows[1]

    assert plain.line != typed.line
    assert plain.canonical() == typed.canonical()
    assert fingerprint(plain) == fingerprint(typed)
    assert fingerprint(plain, key=b"secret") != fingerprint(plain)


@pytest.mark.parametrize(
    "change", [{"solde": "0,01"}, {"loyer": "612,41"}, {"email": ""}, {"sortie": "01/11/2026"}]
)
def test_a_changed_value_makes_two_rows_differ(change: dict[str, str]):
    known, given_now = read(row()).rows[0], read(row(**change)).rows[0]

    assert fingerprint(known) != fingerprint(given_now)
    said, known_said = given_now.canonical(), known.canonical()
    assert len([name for name in said if said[name] != known_said[name]]) == 1


def test_the_canonical_values_are_plain_json_without_the_line():
    said = read(row()).rows[0].canonical()

    assert "line" not in said
    assert said["entered_on"] == "2020-10-14"
    assert len(said) == 26


# The example files


@real_files
def test_the_example_roll_has_589_leases_and_eleven_rejected_rows():
    roll = read_rent_roll(SHARED / "rent-roll.csv")

    assert len(roll.rows) == 589
    assert roll.balance_on == date(2026, 10, 31)
    assert roll.encoding == "utf-8-sig"
    assert [(r.line, r.column) for r in roll.rejected] == [
        (3, "Date de sortie"),  # left in 2010, entered in 2025
        (5, "Classe DPE"),  # Z
        (54, ""),  # twenty cells
        (66, "Jour d'échéance"),  # 32
        (190, "Date d'entrée"),  # 31/02/2024
        (259, "E-mail"),  # pas d'adresse
        (411, "Loyer HC"),  # -450,00
        (437, "IBAN"),  # check digits
        (463, "Réf. bail"),  # empty
        (491, "Loyer HC"),  # 6l2,40, with a letter l
        (545, "Réf. bail"),  # the lease of line 253 again
    ]
    assert all(r.also == () and r.reason and r.reason_en for r in roll.rejected)


@real_files
def test_the_windows_1252_example_is_the_first_forty_rows_of_the_other():
    whole = read_rent_roll(SHARED / "rent-roll.csv")
    part = read_rent_roll(SHARED / "rent-roll-cp1252.csv")

    assert part.encoding == "cp1252"
    assert part.header == whole.header
    assert part.rows == [r for r in whole.rows if r.line <= 41]
    assert [(r.line, r.column, r.reason) for r in part.rejected] == [
        (r.line, r.column, r.reason) for r in whole.rejected if r.line <= 41
    ]


# What always holds

FAULTS = [{"dpe": "Z"}, {"loyer": "-1,00"}, {"sortie": "01/01/2010"}, {"iban": "FR76"}]


@st.composite
def rolls_and_reorderings(draw: st.DrawFn) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Rows, some faulty, at most one valid variant per lease; and the same mixed and repeated."""
    rows = []
    for number in range(draw(st.integers(1, 8))):
        lease = {"bail": f"B-{number}", "solde": in_euros(draw(st.integers(-(10**6), 10**6)))}
        if draw(st.booleans()):
            rows.append(row(**lease))
        faults = draw(st.lists(st.sampled_from(FAULTS), max_size=3))
        rows += [row(**(lease | fault)) for fault in faults]
    repeated = rows + draw(st.lists(st.sampled_from(rows), max_size=8)) if rows else []
    return rows, draw(st.permutations(repeated))


@settings(deadline=None)
@given(rolls_and_reorderings())
def test_any_order_and_repetition_of_rows_ends_in_the_same_leases(
    orders: tuple[list[dict[str, str]], list[dict[str, str]]],
):
    rows, mixed = orders

    once, again = read(*rows), read(*mixed)

    assert {without_line(r) for r in once.rows} == {without_line(r) for r in again.rows}
    assert len(again.rows) + len(again.rejected) == len(mixed)


@settings(deadline=None)
@given(
    st.integers(-(10**9), 10**9),
    st.sampled_from(["", " ", "\u00a0", "\u202f"]),
    st.sampled_from(["", " €", "€", "\u00a0€"]),
)
def test_an_amount_written_and_read_is_the_same(cents: int, thousands: str, sign: str):
    written = in_euros(cents).replace("\u202f", thousands) + sign

    assert read(row(solde=written)).rows[0].balance_cents == cents


@settings(deadline=None)
@given(st.binary(max_size=400), st.booleans())
def test_random_bytes_are_read_or_refused_and_never_break(raw: bytes, under_a_header: bool):
    file = csv_of(row()).encode("cp1252") + raw if under_a_header else raw

    with suppress(Refused):  # and nothing else
        roll = read_rent_roll(file)
        assert roll.header


@settings(deadline=None)
@given(st.sampled_from(HEADER), st.text(max_size=60))
def test_any_text_in_any_cell_is_kept_or_rejected(name: str, cell: str):
    file = csv_of(row() | {name: cell.replace("\0", "")}).encode("utf-8", "replace")

    roll = read_rent_roll(file)

    assert len(roll.rows) + len(roll.rejected) <= 1
    assert all(name in (r.column, "Charges") for r in roll.rejected if r.column)
