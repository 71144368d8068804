"""A person is erased: from the command line, everywhere, for good; the books and the chain stay."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from commands import Asked, Command, execute
from commands.invoice import IssueInvoices
from commands.party import ChangeContact
from commands.payment import ConfirmPayment, InitiatePayment
from commands.receipt import RequestReceipt
from domain import ERASED, stream_id
from domain.party import PartyRegistered
from domain.period import Period
from domain.principal import OPERATOR
from journal import agency_id
from outside.files import Files
from outside.paper.renderer import Renderer
from projections import projected
from projections.papers import Paper, receipt_paper
from projections.people import People, PersonRow, people
from projections.receipts import receipt
from projections.shelf import Shelf
from system.office import Premises
from system.readiness import catch_up
from tests.journal.verifier import broken_at
from tests.system.command_line import METZ, REFUSED, WRONG_USE, CommandLine
from tests.system.rolls import roll, rooms, row

BOOKS = agency_id("metz")
GONE, STAYS = (stream_id(BOOKS, "party", f"C-{number:06d}") for number in (1, 2))
LEFT = {"left_on": "15/06/2021", "balance": "0,00"}
SECRETS = {"last_name": "Quetzalcoatl", "first_name": "Wilhelmine", "email": "w@quetzal.example"}


@pytest.fixture
def quittance(database_url, tmp_path):
    """Two tenants who left long ago, and one who stays and owes."""
    line = CommandLine(database_url, tmp_path / "data")
    line(*METZ)
    file = tmp_path / "état locatif.csv"
    file.write_bytes(roll([row(1, **LEFT, **SECRETS), row(2, **LEFT), row(3)]))
    line("import", "rent-roll", file, "--agency", "metz")
    return line


def names(parts: Premises) -> dict[UUID, object]:
    """The last names as this process reads them from the journal."""
    return {
        entry.stream: entry.event.last_name
        for entry in parts.journal.read_all(BOOKS)
        if isinstance(entry.event, PartyRegistered)
    }


def in_memory(parts: Premises) -> str:
    """All states that this process keeps of the agency."""
    cells = parts.office.cells.room(BOOKS).cells
    return repr([vars(cell.state) for cell in cells.values()])


def everything(url: str) -> str:
    """All rows of all tables, as text."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        return "\n".join(
            str(row)
            for (table,) in tables
            for row in connection.execute(f"SELECT t::text FROM {table} t").fetchall()
        )


def test_an_erased_person_is_gone_everywhere_within_a_second(
    quittance, database_url, tmp_path
) -> None:
    with rooms(database_url, tmp_path / "data") as other_process:
        catch_up(other_process, BOOKS)
        contact = ChangeContact(
            client_reference="C-000001", email="new@quetzal.example", phone=None
        )
        execute(other_process.office, contact, Asked(OPERATOR, BOOKS))
        assert "new@quetzal.example" in in_memory(other_process)
        assert "Quetzalcoatl" in everything(database_url)
        before = other_process.journal.head(BOOKS)[0]

        told = quittance.ask("erase", "C-000001", "--agency", "metz", "--yes")

        assert told == {"party_id": str(GONE), "position": before + 1, "erased": True}
        deadline = time.monotonic() + 1
        while names(other_process)[GONE] != ERASED or "quetzal" in in_memory(other_process):
            assert time.monotonic() < deadline
        assert names(other_process)[STAYS] == "Essai"
        dump = everything(database_url)
        assert not any(secret in dump for secret in (*SECRETS.values(), "quetzal"))
        catch_up(other_process, BOOKS)
        with other_process.pool.connection() as connection:
            gone, stays = people(connection, BOOKS, [GONE, STAYS])
        assert (gone.name, gone.client_reference) == ("[effacé]", "C-000001")
        assert stays.name == "Mme Anne Essai"
        again = projected(People(), other_process.journal.read_all(BOOKS))
        assert again.get(PersonRow, GONE) == gone
    assert broken_at(database_url, BOOKS) is None
    history = quittance("history", "party", "C-000001", "--agency", "metz").stdout
    assert "Person erased: on request" in history
    again = quittance.ask("erase", "C-000001", "--agency", "metz", "--yes")
    assert (again["erased"], again["position"]) == (False, before + 1)


def test_the_papers_of_an_erased_person_name_nobody_any_more(
    quittance, database_url, tmp_path
) -> None:
    with rooms(database_url, tmp_path / "data") as parts:
        papers = Shelf(Files(tmp_path / "papers"), parts.journal.keys, Renderer())
        receipts = {number: _receipted(parts, number) for number in (1, 2)}
        catch_up(parts, BOOKS)
        kept = {}
        for number, receipt_id in receipts.items():
            paper = _paper(parts, receipt_id)
            papers.put(BOOKS, receipt_id, paper, "fr")
            kept[number] = papers.take(BOOKS, receipt_id, paper, "fr")
        assert _paper(parts, receipts[1]).content.tenancy.tenants == (
            "Mme Wilhelmine Quetzalcoatl",
        )

        no_term = {"RETENTION_BOOKS_YEARS": "0"}
        quittance("erase", "C-000001", "--agency", "metz", "--yes", **no_term)
        deadline = time.monotonic() + 1
        while names(parts)[GONE] != ERASED:
            assert time.monotonic() < deadline

        gone, stays = (_paper(parts, receipts[number]) for number in (1, 2))
        assert gone.content.tenancy.tenants == ("[effacé]",)
        assert stays.content.tenancy.tenants == ("Mme Anne Essai",)
        assert papers.take(BOOKS, receipts[1], gone, "fr") != kept[1]
        assert papers.take(BOOKS, receipts[2], stays, "fr") == kept[2]


def _receipted(parts: Premises, number: int) -> UUID:
    """A month long ago is billed, paid and receipted."""
    lease_id = stream_id(BOOKS, "lease", f"B-{number:05d}")
    asked, period = Asked(OPERATOR, BOOKS), Period(2021, 5)

    def do(command: Command) -> Mapping[str, Any]:
        return execute(parts.office, command, asked).ids

    cents = do(IssueInvoices(period=period, lease_ids=(lease_id,)))["total_cents"]
    wish = InitiatePayment(lease_id=lease_id, amount_cents=cents, terms_accepted_version="1")
    payment_id = do(wish)["payment_id"]
    said = {"provider_reference": f"cs_{number}", "confirmed_at": datetime(2021, 5, 5, tzinfo=UTC)}
    do(ConfirmPayment(payment_id=payment_id, amount_cents=cents, **said))
    return UUID(str(do(RequestReceipt(lease_id=lease_id, period=period))["receipt_id"]))


def _paper(parts: Premises, receipt_id: UUID) -> Paper:
    with parts.pool.connection() as connection:
        row = receipt(connection, BOOKS, receipt_id)
        assert row is not None
        return receipt_paper(connection, parts.journal, BOOKS, row)


def test_who_is_still_needed_is_not_erased_and_nothing_changed(quittance, database_url) -> None:
    answer = quittance("erase", "C-000003", "--agency", "metz", "--yes", code=REFUSED)
    assert "Lease B-00003 runs" in " ".join(answer.stderr.split())
    unknown = quittance("erase", "C-999999", "--agency", "metz", "--yes", code=REFUSED)
    assert "not known" in unknown.stderr
    books = {"RETENTION_LEASE_YEARS": "30"}
    later = quittance("erase", "C-000002", "--agency", "metz", "--yes", code=REFUSED, **books)
    assert "until 15/06/2051" in " ".join(later.stderr.split())
    with psycopg.connect(database_url) as connection:
        erased = connection.execute("SELECT count(*) FROM data_keys WHERE wrapped IS NULL")
        assert erased.fetchone() == (0,)


def test_nobody_is_erased_without_a_yes(quittance) -> None:
    answer = quittance("erase", "C-000001", "--agency", "metz", code=WRONG_USE)
    assert "Erase C-000001 for ever?" in answer.stderr
    assert "Nothing was erased" in answer.stderr


def test_a_restored_key_is_destroyed_again_before_anybody_reads(
    quittance, database_url, tmp_path
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        backup = connection.execute("SELECT wrapped FROM data_keys WHERE subject = %s", [GONE])
        ((wrapped,),) = backup.fetchall()
        quittance("erase", "C-000001", "--agency", "metz", "--yes")
        connection.execute(
            "UPDATE data_keys SET wrapped = %s, erased_at = NULL WHERE subject = %s",
            [wrapped, GONE],
        )

    with rooms(database_url, tmp_path / "data") as after_the_restore:
        assert names(after_the_restore) | {GONE: ERASED} == names(after_the_restore)
