"""Rebuilding at the command line: what is said, and exit codes that scripts can trust."""

from __future__ import annotations

import json
import signal
from typing import Any

import psycopg
import pytest

from projections.generations import only_one
from system.office import PROJECTIONS
from tests.system.command_line import METZ, REFUSED, UNREACHABLE, WRONG_USE, CommandLine
from tests.system.rolls import SIREN, roll, row

DIFFERENT = 1
NAMES = [projection.name for projection in PROJECTIONS]


@pytest.fixture
def quittance(database_url, tmp_path):
    """Two agencies with five leases each, their read models caught up."""
    line = CommandLine(database_url, tmp_path / "data")
    path = tmp_path / "roll.csv"
    path.write_bytes(roll(map(row, range(1, 6))))
    for slug in ("metz", "toul"):
        line(*METZ[:2], slug, "--siren", SIREN, "--department", "57")
        line("import", "rent-roll", path, "--agency", slug)
        line("history", "lease", "B-00001", "--agency", slug)
    return line


def ask(quittance: CommandLine, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(quittance.environment["DATABASE_URL"], autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_a_rebuild_serves_when_nothing_differs_and_keeps_the_old_rows(quittance):
    done = quittance.ask("rebuild", "--all", "--jobs", "1")
    assert done["switched"] is True
    assert done["projections"] == NAMES
    assert (done["differences"], done["not_compared"]) == ([], [])
    assert done["compared_logs"] == 2 * len(NAMES) + len(NAMES)
    assert quittance.ask("check", "--jobs", "1")["differences"] == []
    assert ask(quittance, "SELECT count(*) FROM former.leases") == [(10,)]
    assert quittance.ask("rebuild", "--all", "--drop-old")["dropped"] == NAMES
    assert ask(quittance, "SELECT to_regclass('former.leases')") == [(None,)]


def test_what_differs_is_named_and_refused_until_it_is_accepted(quittance):
    ask(quittance, "UPDATE read.accounts SET booked_cents = 0 WHERE booked_cents = 150")
    different = quittance.ask("check", "balances", "leases", "--jobs", "1", code=DIFFERENT)
    assert [(d["table"], d["agency"], d["differing_rows"]) for d in different["differences"]] == [
        ("accounts", "metz", 1),
        ("accounts", "toul", 1),
    ]
    only = quittance.ask("check", "--agency", "toul", "--jobs", "1", code=DIFFERENT)
    assert [d["agency"] for d in only["differences"]] == ["toul"]
    refused = quittance("rebuild", "balances", "--jobs", "1", code=REFUSED)
    assert "accounts" in refused.stdout
    assert "metz" in refused.stdout
    assert "--accept" in refused.stdout
    assert quittance.ask("rebuild", "balances", "--abandon")["abandoned"] == ["balances"]
    quittance("rebuild", "balances", "--jobs", "1", "--agency", "metz", "--accept")
    only = quittance.ask("check", "--jobs", "1", code=DIFFERENT)
    assert [d["agency"] for d in only["differences"]] == ["toul"]
    quittance("rebuild", "balances", "--jobs", "1", "--accept", LC_ALL="fr_FR.UTF-8")
    quittance("check", "--jobs", "1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rebuild", "acount"), "Unknown read model: acount. There are: agencies, people"),
        (("rebuild",), "Name read models, or say --all. There are: agencies, people"),
        (("check", "balanc", "x"), "Unknown read model: balanc, x."),
        (("projections", "release", "x"), "Unknown read model: x."),
    ],
)
def test_what_is_not_known_is_refused_with_what_there_is(quittance, arguments, said):
    assert said in quittance(*arguments, code=WRONG_USE).stderr


def test_the_second_of_two_rebuilds_is_refused(quittance):
    with psycopg.connect(quittance.environment["DATABASE_URL"], autocommit=True) as other:
        only_one(other, ["account"])
        refused = quittance("rebuild", "account", "leases", "--jobs", "1", code=REFUSED)
        assert "“account” is being rebuilt" in refused.stderr
        quittance("rebuild", "leases", "--jobs", "1")


def test_a_poisonous_event_is_shown_with_its_place_and_nothing_is_changed(quittance):
    ask(
        quittance,
        "UPDATE events SET name = 'Unheard' WHERE name = 'LeaseSigned'"
        " AND position = (SELECT max(position) FROM events WHERE name = 'LeaseSigned')",
    )
    stopped = quittance("rebuild", "--all", "--jobs", "1", code=UNREACHABLE)
    assert "UnknownEvent" in stopped.stderr
    assert "(Unheard)" in stopped.stderr
    assert "journal/mapper.py" in stopped.stderr
    assert quittance.ask("rebuild", "--all", "--abandon")["abandoned"] == NAMES


def test_projections_tell_how_they_stand(quittance):
    ask(
        quittance,
        "UPDATE read.positions SET error = 'ValueError at position 9 (X)',"
        " traceback = 'domain/x.py:1 f', position = 8"
        " WHERE projection = 'leases' AND agency = (SELECT agency FROM read.leases"
        " ORDER BY agency LIMIT 1)",
    )
    told = {each["name"]: each for each in quittance.ask("projections")["projections"]}
    assert list(told) == NAMES
    assert (told["leases"]["state"], told["people"]["state"]) == ("stopped", "following")
    (stopped,) = [a for a in told["leases"]["agencies"] if a["error"]]
    assert stopped["position"] == 8
    assert stopped["lag_events"] > 0
    shown = quittance("projections").stdout
    assert "ValueError at position 9 (X)" in shown
    assert "domain/x.py:1 f" in shown
    released = quittance.ask("projections", "release", "leases")
    assert released == {"projection": "leases", "released": [stopped["agency"]]}
    assert quittance.ask("projections", "release", "leases")["released"] == []


def test_a_rebuild_that_is_killed_is_taken_up_again(quittance):
    with quittance.process("rebuild", "--all", "--jobs", "2") as running:
        started = ""
        while not started and running.poll() is None:
            started = ask(quittance, "SELECT 1 FROM read.generations WHERE state = 'building'")
        running.send_signal(signal.SIGKILL)
        running.communicate(timeout=30)
    done = json.loads(quittance("rebuild", "--all", "--jobs", "1", "--json").stdout)
    assert done["switched"] is True
    assert quittance.ask("check", "--jobs", "1")["differences"] == []
