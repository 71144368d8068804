"""Rent rolls for tests, and agencies to import them into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from commands import Asked, execute
from commands.agency import CreateAgency
from domain.principal import OPERATOR
from journal import HOUSE, agency_id
from system.office import Premises, premises
from system.readiness import bring_to_shape
from system.settings import Settings

REAL_ROLL = Path(__file__).parents[3] / "shared" / "data" / "rent-roll.csv"
SIREN = "732829320"
HEADER = (
    "Réf. client;Civilité;Nom;Prénom;Né(e) le;E-mail;Téléphone;Réf. bail;N° lot;Nature;Adresse;CP;"
    "Ville;Classe DPE;Date d'entrée;Date de sortie;Loyer HC;Charges;Mode charges;APL;"
    "Dépôt de garantie;Terme;Jour d'échéance;Trimestre IRL;IBAN;Solde au 31/10/2026"
)


def row(number: int, **cells: str) -> str:
    """One line of a roll; `cells` replaces cells by the names that follow."""
    said = {
        "client": f"C-{number:06d}", "title": "Mme", "last_name": "Essai", "first_name": "Anne",
        "born_on": "02/01/1980", "email": f"anne{number}@exemple.fr", "phone": "06 39 98 00 00",
        "lease": f"B-{number:05d}", "lot": f"L-{number:04d}", "kind": "logement vide",
        "address": "1 rue de l'Essai", "postcode": "57000", "city": "Metz", "energy": "D",
        "entered_on": "01/03/2020", "left_on": "", "rent": f"{500 + number},10",
        "charges": "60,00", "mode": "provision", "benefit": "", "deposit": "500,00",
        "term": "à échoir", "due_day": "5", "quarter": "T2", "iban": "",
        "balance": f"{number},50",
    }  # fmt: skip
    assert cells.keys() <= said.keys()
    return ";".join((said | cells).values())


def roll(rows: Iterable[str]) -> bytes:
    """A file as the former software writes it."""
    return "\r\n".join([HEADER, *rows, ""]).encode("utf-8-sig")


@contextmanager
def rooms(database_url: str, data_dir: Path) -> Iterator[Premises]:
    """The parts of the program over a test's database."""
    settings = Settings(database_url=database_url, data_dir=data_dir)
    bring_to_shape(database_url)
    with premises(settings, database_url) as parts:
        parts.journal.open_log(HOUSE)
        yield parts


def new_agency(parts: Premises, slug: str = "metz") -> UUID:
    """An agency with open books."""
    command = CreateAgency(slug=slug, legal_name=slug, siren=SIREN, department="57")
    execute(parts.office, command, Asked(OPERATOR, HOUSE))
    parts.journal.open_log(agency_id(slug))
    return agency_id(slug)
