"""The command line: results for people or machines, and exit codes that scripts can trust."""

from __future__ import annotations

import json
from datetime import datetime

import psycopg
import pytest

from tests.system.command_line import (
    DONE,
    METZ,
    REFUSED,
    REJECTED_ROWS,
    UNREACHABLE,
    WRONG_USE,
    CommandLine,
)
from tests.system.rolls import SIREN, roll, row


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


def test_help_is_french_where_the_locale_is(quittance):
    code, out, _ = quittance.told("import", "--help", LC_ALL="", LANG="fr_FR.UTF-8")
    assert code == DONE
    assert "état locatif" in out
    assert "Afficher cette aide" in out

    code, out, _ = quittance.told("bill", "--help", LC_ALL="C.UTF-8", LANG="fr_FR")
    assert code == DONE
    assert "Issue the invoices of a month" in out


def test_an_agency_is_created_once_and_described_once(quittance):
    assert quittance.ask(*METZ)["created"] is True
    assert quittance.ask(*METZ)["created"] is False
    other = quittance(*METZ[:-1], "67", code=REFUSED)
    assert "described otherwise" in other.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("metz",), WRONG_USE, "--siren and --department missing, for example"),
        (("Agence de Metz", "--siren", SIREN, "--department", "57"), WRONG_USE, "agence-de-metz"),
        (("metz", "--siren", SIREN, "--department", "999"), WRONG_USE, "57, 2A or 971"),
        (("metz", "--siren", "732829321", "--department", "57"), REFUSED, "not valid"),
        (("metz", "--siren", "1" * 40, "--department", "57"), WRONG_USE, "nine digits"),
    ],
)
def test_an_agency_that_cannot_be_is_refused_clearly(quittance, arguments, code, said):
    answer = quittance("agency", "create", *arguments, code=code)
    assert said in answer.stderr
    assert answer.stdout == ""


def test_migrate_says_what_it_did_once(quittance):
    assert "read.leases" in quittance.ask("migrate")["applied"]
    assert quittance.ask("migrate") == {"applied": []}


@pytest.mark.parametrize(
    "arguments",
    [
        ("bill", "2026-11", "--agency", "nancy"),
        ("import", "rent-roll", "{roll}", "--agency", "nancy"),
        ("token", "create", "--agency", "metz", "--agency", "nancy", "--role", "agent"),
        ("history", "lease", "B-00001", "--agency", "nancy"),
        ("history", "lease", "B-00001", "--agency", "\udce9\0"),
    ],
)
def test_an_unknown_agency_is_refused_with_what_creates_it(metz, quittance, a_roll, arguments):
    filled = [a_roll if argument == "{roll}" else argument for argument in arguments]
    error = quittance.ask(*filled, code=REFUSED)["error"]
    assert error["code"] == "no_such_agency"
    assert "quittance agency create" in error["message"]


def test_wrong_use_of_the_command_line_is_2(quittance):
    quittance("bill", code=WRONG_USE)
    quittance("token", "create", "--agency", "metz", "--role", "system", code=WRONG_USE)


def test_bad_settings_are_wrong_use(quittance):
    answer = quittance("migrate", code=WRONG_USE, PORT="many")
    assert "PORT" in answer.stderr


def test_an_engine_that_does_not_answer_is_4(quittance):
    nobody = "postgresql://nobody:secret@127.0.0.1:1/nothing"
    answer = quittance("migrate", "--json", code=UNREACHABLE, DATABASE_URL=nobody)
    assert json.loads(answer.stdout)["error"]["code"] == "engine_unavailable"
    assert "secret" not in answer.output


def test_what_a_newer_program_wrote_stops_every_command(metz, quittance, database_url):
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE events SET schema_version = 2 WHERE name = 'AgencyCreated'")
    answer = quittance("history", "lease", "B-1", code=UNREACHABLE)
    assert "A newer version of the program has written" in answer.stderr
    assert "AgencyCreated, version 2" in answer.stderr.replace("\n", " ")


def test_a_token_is_printed_alone_listed_without_secret_and_revoked(metz, quittance):
    token = quittance("token", "create", "--agency", "metz", "--role", "agent").stdout
    assert token.startswith("qt_")
    assert token == token.strip() + "\n"
    named = quittance.ask(
        "token", "create", "--agency", "metz", "--role", "auditor", "--name", "mine",
        "--expires-days", 3,
    )  # fmt: skip

    listed = quittance.ask("token", "list")["tokens"]

    assert [(t["role"], t["agencies"], t["state"]) for t in listed] == [
        ("agent", ["metz"], "valid"),
        ("auditor", ["metz"], "valid"),
    ]
    assert listed[1]["id"] == named["id"]
    assert listed[1]["name"] == "mine"
    life = datetime.fromisoformat(listed[1]["expires_at"]) - datetime.fromisoformat(
        listed[1]["created_at"]
    )
    assert life.days == 3
    assert token.strip().split("_")[2] not in quittance("token", "list").output

    quittance("token", "revoke", named["id"])
    assert [t["state"] for t in quittance.ask("token", "list")["tokens"]] == ["valid", "revoked"]
    quittance("token", "revoke", "0" * 32, code=REFUSED)
    quittance("token", "revoke", "mine", code=WRONG_USE)


def test_history_tells_a_lease_an_invoice_and_a_person(metz, quittance, a_roll):
    quittance("import", "rent-roll", a_roll, "--agency", "metz", code=REJECTED_ROWS)
    quittance("bill", "2026-11", "--agency", "metz")

    lease = quittance.ask("history", "lease", "B-00002")
    assert [moment["name"] for moment in lease["moments"]] == [
        "LeaseSigned", "ChargePosted", "InvoiceIssued", "ChargePosted", "ChargePosted",
    ]  # fmt: skip
    assert lease["moments"][0]["actor"] == "operator"
    number = lease["moments"][2]["told"].split()[1]
    invoice = quittance.ask("history", "invoice", number, "--agency", "metz")
    assert [moment["name"] for moment in invoice["moments"]] == [
        "InvoiceIssued", "ChargePosted", "ChargePosted",
    ]  # fmt: skip
    names = [moment["name"] for moment in quittance.ask("history", "party", "C-000002")["moments"]]
    assert names[0] == "PartyRegistered"

    told = quittance("history", "lease", "B-00002", LC_ALL="fr_FR.UTF-8").stdout
    assert "Bail B-00002 à partir du 01/03/2020" in told
    assert "l'opérateur" in told
    assert "Essai" not in told

    for nothing in ("B-00006", "00000000-0000-0000-0000-000000000000", "\0"):
        quittance("history", "lease", nothing, "--agency", "metz", code=REFUSED)
    quittance("history", "payment", "T-2026-000001", code=REFUSED)


def test_history_asks_which_agency_when_there_are_several(metz, quittance):
    quittance("agency", "create", "nancy", "--siren", SIREN, "--department", "54")
    answer = quittance("history", "lease", "B-00001", code=WRONG_USE)
    assert "metz, nancy" in answer.stderr


def test_do_issues_a_command_once_under_its_key(metz, quittance, a_roll, tmp_path):
    quittance("import", "rent-roll", a_roll, "--agency", "metz", code=REJECTED_ROWS)
    lease_id = quittance.ask("history", "lease", "B-00001")["id"]
    body = {"period": "2026-11", "lease_ids": [lease_id]}
    letter = {"command": "IssueInvoices", "agency": "metz", "key": "k", "body": body}
    path = tmp_path / "command.json"
    path.write_text(json.dumps(letter))

    first, second = quittance.ask("do", path), quittance.ask("do", path)

    assert first["ids"]["invoices"] == 1
    assert "InvoiceIssued" in first["events"]
    assert second == first | {"repeated": True}
    path.write_text(json.dumps(body))
    alone = quittance.ask("do", path, "--command", "issue-invoices", "--agency", "metz")
    assert alone["ids"]["already_issued"] == 1
    path.write_text(json.dumps(letter | {"body": body | {"period": "2026-12"}}))
    quittance("do", path, code=REFUSED)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not readable JSON"),
        ('{"period": NaN}', "not readable JSON"),
        ("[]", "--command"),
        ('{"command": 1, "body": {}}', "--command"),
        ('{"command": "Nothing", "body": {}}', "There are: "),
        ('{"command": "CreateAgency", "body": {}}', "agency create"),
        ('{"command": "IssueInvoices", "body": {"period": "Dupont"}}', "lease_ids : This field"),
        ('{"command": "CompleteTask", "body": {"Dupont": 1}}', "task_id"),
        ('{"command": "SettlePayment", "body": {"payment_id": "Dupont"}}', "payment_id : A UUID"),
    ],
)
def test_a_command_that_cannot_be_read_is_told_without_what_it_says(
    metz, quittance, tmp_path, content, said
):
    path = tmp_path / "command.json"
    path.write_text(content)
    answer = quittance("do", path, code=WRONG_USE)
    assert said in answer.stderr
    assert "Dupont" not in answer.output


def test_the_first_command_of_a_new_user_starts_an_engine_of_its_own(quittance, data_dir):
    alone = {"DATABASE_URL": "", "DATA_DIR": str(data_dir)}

    code, out, err = quittance.told(*METZ, "--json", **alone)
    assert code == DONE, err
    assert json.loads(out)["created"] is True

    code, out, _ = quittance.told(*METZ, "--json", **alone)
    assert (code, json.loads(out)["created"]) == (DONE, False)
