"""Replay and history on the command line: two dates, the difference, and who did what."""

from __future__ import annotations

import pytest

from tests.system.command_line import (
    METZ,
    REFUSED,
    WRONG_USE,
    CommandLine,
)
from tests.system.rolls import roll, row


@pytest.fixture
def quittance(database_url, tmp_path):
    line = CommandLine(database_url, tmp_path / "data")
    line(*METZ)
    path = tmp_path / "roll.csv"
    path.write_bytes(roll([*map(row, range(1, 4))]))
    line("import", "rent-roll", path, "--agency", "metz")
    return line


def test_a_lease_is_replayed_and_what_came_later_is_shown(quittance):
    known = quittance.ask("history", "period")["moments"][-1]["position"]
    quittance("bill", "2026-11", "--agency", "metz")
    dates = ("--as-of", "2026-11-30", "--known-at", known)

    then = quittance.ask("replay", "lease", "B-00002", *dates)
    now = quittance.ask("replay", "lease", "B-00002", "--as-of", "2026-11-30")
    assert then["dates"]["known_position"] == known
    assert then["account"]["booked_cents"] < now["account"]["booked_cents"]
    assert then["invoices"] == []
    assert then["differences"] is None
    assert then["lease"]["reference"] == "B-00002"

    seen = quittance.ask("replay", "lease", "B-00002", *dates, "--diff")["differences"]
    booked = next(d for d in seen if d["part"] == "booked")
    assert (booked["before"], booked["after"]) == (
        then["account"]["booked_cents"],
        now["account"]["booked_cents"],
    )
    assert {m["name"] for d in seen for m in d["because"]} == {"ChargePosted", "InvoiceIssued"}
    assert all(m["position"] > known and m["who"] for d in seen for m in d["because"])

    shown = quittance("replay", "lease", "B-00002", *dates, "--diff").stdout
    assert "What later knowledge changed" in shown
    assert "≠ Invoice F-" in shown
    french = quittance("replay", "lease", "B-00002", *dates, "--diff", LC_ALL="fr_FR.UTF-8").stdout
    assert "Ce que la suite a changé" in french
    assert "Solde inscrit" in french
    same = quittance("replay", "lease", "B-00002", "--as-of", "2020-05-01", "--diff").stdout
    assert "Nothing, for this date." in same


@pytest.mark.parametrize(
    ("dates", "code", "said"),
    [
        (("--as-of", "hier"), WRONG_USE, "is not a date"),
        (("--as-of", "1234"), WRONG_USE, "is not a date"),
        (("--known-at", "demain"), WRONG_USE, "neither a date, nor an instant, nor a position"),
        (("--known-at", "2199-01-01"), REFUSED, "Nobody knows today"),
        (("--known-at", "999999"), REFUSED, "ends at position"),
    ],
)
def test_two_dates_that_have_no_answer_say_so(quittance, dates, code, said):
    error = quittance.ask("replay", "lease", "B-00001", *dates, code=code)["error"]
    assert said in error["message"]


def test_a_lease_that_was_not_known_yet_is_an_answer(quittance):
    answer = quittance.ask("replay", "lease", "B-00003", "--known-at", "0")
    assert answer["lease"] is None
    assert answer["account"]["booked_cents"] == 0
    first = answer["first_known_position"]
    shown = quittance("replay", "lease", "B-00003", "--known-at", "2000-01-01").stdout
    assert f"its first entry is at position {first}" in shown
    assert quittance.ask("replay", "lease", "B-00003", "--as-of", "1990-01-01")["lease"][
        "status"
    ] == ("to_come")
    error = quittance.ask("replay", "lease", "B-00009", code=REFUSED)["error"]
    assert error["code"] == "nothing_known"


def test_a_period_and_an_agent_are_told_piece_by_piece(quittance):
    whole = quittance.ask("history", "period")["moments"]
    assert [moment["position"] for moment in whole] == list(range(1, len(whole) + 1))
    first = quittance.ask("history", "period", "--limit", 4)
    assert (len(first["moments"]), first["next"]) == (4, 4)
    rest = quittance.ask("history", "period", "--after", 4)
    assert rest["moments"] == whole[4:]
    assert rest["next"] is None
    some = quittance.ask("history", "period", "--from", 3, "--to", 5)["moments"]
    assert some == whole[2:5]
    assert quittance.ask("history", "agent", "operator", "--to", 5)["moments"] == whole[:5]
    assert quittance.ask("history", "account", "B-00002")["moments"][0]["name"] == "ChargePosted"
    shown = quittance("history", "period", "--limit", 4)
    assert "There is more: --after 4" in shown.stderr
    assert "#4" in shown.stdout
    nothing = quittance("history", "period", "--to", "1999-12-31")
    assert "Nothing in this period" in nothing.stderr
    quittance("history", "agent", "nobody", code=REFUSED)
    quittance("history", "period", "--from", "5", "--to", "3", code=WRONG_USE)
    quittance("history", "period", "--to", "999999", code=REFUSED)


def test_a_chain_is_told_from_cause_to_effect(quittance):
    told = quittance.ask("history", "lease", "B-00001", "--chain")["moments"]
    assert {moment["depth"] for moment in told} == {0}
    assert "Lease B-00001" in quittance("history", "lease", "B-00001", "--chain").stdout
