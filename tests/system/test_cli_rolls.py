"""From a rent roll to invoices by the command line, with all that may be wrong on the way."""

from __future__ import annotations

import json
import signal

import psycopg
import pytest

from tests.system.command_line import (
    DONE,
    METZ,
    REFUSED,
    REJECTED_ROWS,
    STOPPED,
    WRONG_USE,
    CommandLine,
)
from tests.system.rolls import roll, row


@pytest.fixture
def quittance(database_url, tmp_path):
    return CommandLine(database_url, tmp_path / "data")


@pytest.fixture
def metz(quittance):
    quittance(*METZ)


@pytest.fixture
def a_roll(tmp_path):
    path = tmp_path / "état locatif.csv"
    path.write_bytes(roll([*map(row, range(1, 6)), row(6, rent="cher"), row(7, postcode="5700")]))
    return path


def test_a_rent_roll_from_import_to_invoices(metz, quittance, a_roll):
    rejected = a_roll.with_name("état locatif.rejected.csv")
    arguments = ("import", "rent-roll", a_roll, "--agency", "metz")

    dry = quittance.ask(*arguments, "--dry-run", code=REJECTED_ROWS)
    assert not rejected.exists()
    done = quittance.ask(*arguments, code=REJECTED_ROWS)

    assert dry == done
    assert {**done, "rejected": []} == {
        "imported": 5, "unchanged": 0, "amended": 0, "differing": [], "rejected": [],
    }  # fmt: skip
    assert [(r["line"], r["column"]) for r in done["rejected"]] == [(7, "Loyer HC"), (8, "CP")]
    assert all(r["reason"] for r in done["rejected"])
    assert rejected.read_text("utf-8-sig").count("\n") == 3

    again = quittance(*arguments, code=REJECTED_ROWS)
    assert "0 imported, 0 amended, 5 unchanged, 0 differing, 2 rejected" in again.stdout
    assert str(rejected) in again.stderr

    bill = ("bill", "2026-11", "--agency", "metz")
    expected = {"invoices": 5, "total_cents": sum(56_010 + n * 100 for n in range(1, 6))}
    assert quittance.ask(*bill, "--dry-run") == {**expected, "already_issued": 0}
    assert quittance.ask(*bill) == {**expected, "already_issued": 0}
    assert quittance.ask(*bill) == {"invoices": 0, "total_cents": 0, "already_issued": 5}


def test_a_file_of_rejected_rows_takes_no_correction_away(metz, quittance, a_roll):
    mine = a_roll.with_name("état locatif.rejected.csv")
    mine.write_text("my corrections")

    quittance("import", "rent-roll", a_roll, "--agency", "metz", code=REJECTED_ROWS)

    assert mine.read_text() == "my corrections"
    assert a_roll.with_name("état locatif.rejected-2.csv").exists()


def test_differences_name_line_lease_and_columns(metz, quittance, tmp_path):
    path = tmp_path / "roll.csv"
    arguments = ("import", "rent-roll", path, "--agency", "metz")
    path.write_bytes(roll([row(1), row(2)]))
    quittance.ask(*arguments)
    path.write_bytes(roll([row(1), row(2, due_day="8", balance="0,00")]))

    different = quittance.ask(*arguments)

    columns = ["Jour d'échéance", "Solde au 31/10/2026"]
    assert different["differing"] == [{"line": 3, "lease": "B-00002", "columns": columns}]
    assert quittance.ask(*arguments, "--accept-differences")["amended"] == 1
    assert quittance.ask(*arguments)["unchanged"] == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"%PDF-1.7 whatever", "a PDF"),
        (b"a;b;c\r\n1;2;3\r\n", "not a rent roll"),
        (roll([row(1)]).replace(b"Loyer HC", b"Loyer"), "Columns are missing"),
    ],
)
def test_an_unreadable_file_is_wrong_use(metz, quittance, tmp_path, content, said):
    path = tmp_path / "roll.csv"
    if content is not None:
        path.write_bytes(content)
    answer = quittance("import", "rent-roll", path, "--agency", "metz", code=WRONG_USE)
    assert said in answer.stderr
    assert list(tmp_path.glob("*.rejected*")) == []


def test_200_megabytes_are_refused_unread(metz, quittance, tmp_path):
    path = tmp_path / "roll.csv"
    with path.open("wb") as sparse:
        sparse.truncate(200 * 1024 * 1024)
    answer = quittance("import", "rent-roll", path, "--agency", "metz", code=WRONG_USE)
    assert "exceeds the limit" in answer.stderr


@pytest.mark.parametrize("month", ["2026-13", "novembre", "2026-1", "0000-00"])
def test_a_month_that_is_none_is_wrong_use(metz, quittance, month):
    quittance("bill", month, "--agency", "metz", code=WRONG_USE)


def test_a_month_far_ahead_needs_force(metz, quittance):
    assert "--force" in quittance("bill", "2199-01", "--agency", "metz", code=REFUSED).stderr
    assert quittance.ask("bill", "2199-01", "--agency", "metz", "--force")["invoices"] == 0


def test_two_processes_bill_one_month_at_once(metz, quittance, tmp_path):
    path = tmp_path / "roll.csv"
    path.write_bytes(roll(map(row, range(1, 101))))
    quittance("import", "rent-roll", path, "--agency", "metz")
    bill = ("bill", "2026-11", "--agency", "metz", "--json")

    with quittance.process(*bill) as one, quittance.process(*bill) as other:
        answers = [json.loads(p.communicate(timeout=60)[0]) for p in (one, other)]

    assert [one.returncode, other.returncode] == [DONE, DONE]
    assert sum(answer["invoices"] for answer in answers) == 100
    assert sum(answer["already_issued"] for answer in answers) == 100


def test_ctrl_c_in_an_import_keeps_what_is_done_and_the_next_does_the_rest(
    metz, quittance, database_url, tmp_path
):
    path = tmp_path / "roll.csv"
    path.write_bytes(roll(map(row, range(1, 1_001))))
    arguments = ("import", "rent-roll", path, "--agency", "metz", "--json")

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("LISTEN journal")
        with quittance.process(*arguments) as importing:
            # The journal rings once it has committed: then the import is under way.
            rung = list(connection.notifies(timeout=30, stop_after=1))
            importing.send_signal(signal.SIGINT)
            out, err = importing.communicate(timeout=60)

    assert rung
    assert importing.returncode == STOPPED, err
    assert json.loads(out)["error"]["code"] == "stopped"
    rest = quittance.ask(*arguments[:-1])
    assert rest["imported"] + rest["unchanged"] == 1_000
    assert rest["imported"] > 0
    assert rest["unchanged"] > 0
