"""Verifying at the command line: chains and anchors together, and an exit code to rely on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from domain.task import TaskDone
from journal import HOUSE, Envelope, Fact, agency_id
from journal.anchors import file_name, sealed
from journal.append import Append
from outside.files import Files
from system.anchors import anchors_when_due
from system.office import Premises
from tests.system.command_line import UNREACHABLE, WRONG_USE, CommandLine
from tests.system.rolls import new_agency, rooms
from workers.anchoring import Anchoring
from workers.clock import Clock

TAMPERED = 1
AGENCY = agency_id("metz")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def quittance(database_url: str, tmp_path: Path) -> CommandLine:
    """Two agencies with twelve entries each."""
    with rooms(database_url, tmp_path / "data") as parts:
        for slug in ("metz", "nancy"):
            new_agency(parts, slug)
            go_on(parts, slug, 12)
    return CommandLine(database_url, tmp_path / "data")


def go_on(parts: Premises, slug: str, entries: int) -> None:
    """So many entries more."""
    agency = agency_id(slug)
    envelope = Envelope("operator", uuid4(), uuid4(), date(2026, 3, 2))
    done = [Fact(uuid4(), 1, TaskDone(task_id=uuid4(), outcome="seen")) for _ in range(entries)]
    append = Append(agency.bytes, parts.journal.entries(agency, done, envelope))
    parts.journal.submit(append)
    append.result()


@pytest.fixture
def more(database_url: str, tmp_path: Path) -> Callable[[str], None]:
    """Has an agency go on for three entries."""

    def do(slug: str) -> None:
        with rooms(database_url, tmp_path / "data") as parts:
            go_on(parts, slug, 3)

    return do


@pytest.fixture
def database(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "data" / "anchors"


def last(database: psycopg.Connection[Any]) -> int:
    row = database.execute("SELECT position FROM heads WHERE agency = %s", [AGENCY]).fetchone()
    assert row is not None
    return int(row[0])


def kinds(answer: Any) -> list[tuple[Any, ...]]:
    return [(f["kind"], f["agency"], f["position"], f["up_to"]) for f in answer["findings"]]


def cut_with_care(database: psycopg.Connection[Any], entries: int) -> None:
    """The end of metz goes, and the head row says that there never was more."""
    database.execute(
        "DELETE FROM events WHERE agency = %s AND position > %s",
        [AGENCY, last(database) - entries],
    )
    database.execute(
        "UPDATE heads h SET position = e.position, hash = e.hash, recorded_at = e.recorded_at"
        " FROM events e WHERE h.agency = %s AND e.agency = h.agency AND e.position ="
        " (SELECT max(position) FROM events WHERE agency = h.agency)",
        [AGENCY],
    )


def test_what_is_intact_is_said_to_be(quittance: CommandLine) -> None:
    assert quittance.ask("anchor")["number"] == 1
    answer = quittance.ask("verify", "--jobs", 2)

    assert (answer["intact"], answer["agencies"], answer["anchors"]) == (True, 3, 1)
    assert answer["findings"] == []
    assert "All is intact" in quittance("verify", "--agency", "metz").stdout
    assert "Tout est intact" in quittance("verify", LC_ALL="fr_FR.UTF-8").stdout


def test_an_edit_is_named_with_its_place(
    quittance: CommandLine, database: psycopg.Connection[Any]
) -> None:
    stream, version = database.execute(
        "UPDATE events SET actor = 'nobody' WHERE agency = %s AND position = 5"
        " RETURNING stream, version",
        [AGENCY],
    ).fetchone() or (None, None)

    told = quittance("verify", code=TAMPERED).stdout
    (finding,) = quittance.ask("verify", code=TAMPERED)["findings"]

    assert all(str(word) in told for word in ("metz", 5, stream, version, "edited"))
    assert finding["stream"] == str(stream)
    assert (finding["version"], finding["position"]) == (version, 5)
    assert quittance.ask("verify", "--agency", "nancy")["intact"] is True
    assert "modifiée" in quittance("verify", code=TAMPERED, LC_ALL="fr_FR.UTF-8").stdout


def test_an_end_that_was_cut_off_with_care_shows_by_the_anchor(
    quittance: CommandLine, database: psycopg.Connection[Any]
) -> None:
    quittance("anchor")
    before = last(database)
    cut_with_care(database, 4)

    assert kinds(quittance.ask("verify", code=TAMPERED)) == [("cut", "metz", before - 3, before)]
    assert quittance.ask("verify", "--agency", "nancy")["intact"] is True


def test_without_an_anchor_the_same_cut_does_not_show_and_that_is_said(
    quittance: CommandLine, database: psycopg.Connection[Any]
) -> None:
    cut_with_care(database, 4)

    assert "would not show" in quittance("verify").stdout


def test_a_whole_agency_that_is_gone_shows_by_the_anchor(
    quittance: CommandLine, database: psycopg.Connection[Any]
) -> None:
    quittance("anchor")
    before = last(database)
    database.execute("DELETE FROM events WHERE agency = %s", [AGENCY])
    database.execute("DELETE FROM heads WHERE agency = %s", [AGENCY])

    assert kinds(quittance.ask("verify", code=TAMPERED)) == [("cut", "metz", 1, before)]


def test_a_history_that_was_written_anew_shows_by_the_anchor(
    quittance: CommandLine,
    more: Callable[[str], None],
    database: psycopg.Connection[Any],
    place: Path,
) -> None:
    """Every hash from position 6 on is recomputed, so that the chain holds."""
    quittance("anchor")
    more("metz")
    quittance("anchor")
    first_anchored = json.loads((place / file_name(1)).read_bytes())
    until = next(h["position"] for h in first_anchored["heads"] if h["agency"] == str(AGENCY))
    rewrite(database, 6)

    answer = quittance.ask("verify", code=TAMPERED)

    assert kinds(answer) == [("rewritten", "metz", 1, until)]
    assert answer["findings"][0]["anchor"] == 1


def test_what_was_written_anew_after_the_last_good_anchor_is_bounded_by_it(
    quittance: CommandLine, more: Callable[[str], None], database: psycopg.Connection[Any]
) -> None:
    quittance("anchor")
    anchored = last(database)
    more("metz")
    quittance("anchor")
    rewrite(database, anchored + 2)

    assert kinds(quittance.ask("verify", code=TAMPERED)) == [
        ("rewritten", "metz", anchored + 1, last(database))
    ]


def rewrite(database: psycopg.Connection[Any], first: int) -> None:
    """Change the actor of an entry, and hash it and all that follow anew."""
    from tests.journal.verifier import digest

    database.execute(
        "UPDATE events SET actor = 'forger' WHERE agency = %s AND position = %s", [AGENCY, first]
    )
    names = (
        "position, recorded_at, stream, version, name, schema_version, event_id, effective_on,"
        " actor, on_behalf_of, command_id, correlation_id, causation_id, subjects, state, hash"
    )
    rows = database.execute(
        f"SELECT {names} FROM events WHERE agency = %s AND position >= %s ORDER BY position",
        [AGENCY, first - 1],
    ).fetchall()
    previous = rows[0][-1]
    for entry in rows[1:]:
        previous = digest(previous, AGENCY, entry)
        database.execute(
            "UPDATE events SET hash = %s WHERE agency = %s AND position = %s",
            [previous, AGENCY, entry[0]],
        )
    database.execute("UPDATE heads SET hash = %s WHERE agency = %s", [previous, AGENCY])


def _twice(place: Path) -> None:
    (place / file_name(2)).write_bytes((place / file_name(1)).read_bytes())


def _unsigned(place: Path) -> None:
    content = json.loads((place / file_name(2)).read_bytes())
    (place / file_name(2)).write_text(json.dumps({**content, "signature": None}))


def _by_another_key(place: Path) -> None:
    (place / file_name(2)).write_bytes(sealed(2, datetime.now(UTC), "", [], b"x" * 32))


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (lambda place: (place / file_name(2)).unlink(), "anchor_missing"),
        (lambda place: (place / file_name(2)).write_bytes(b"{"), "anchor_unreadable"),
        (_unsigned, "anchor_unsigned"),
        (_by_another_key, "anchor_foreign"),
        (_twice, "anchors_contradict"),
    ],
)
def test_an_anchor_that_proves_nothing_is_a_finding(
    quittance: CommandLine,
    more: Callable[[str], None],
    place: Path,
    damage: Callable[[Path], object],
    kind: str,
) -> None:
    quittance("anchor")
    more("metz")
    quittance("anchor")
    damage(place)

    (finding,) = quittance.ask("verify", code=TAMPERED)["findings"]
    assert (finding["kind"], finding["anchor"]) == (kind, 2)


def test_anchors_are_held_against_the_key_that_the_auditor_holds(quittance: CommandLine) -> None:
    quittance("anchor")
    key = quittance("anchor", "key").stdout.strip()

    assert quittance.ask("verify", "--key", key)["intact"] is True
    (finding,) = quittance.ask("verify", "--key", "ab" * 32, code=TAMPERED)["findings"]
    assert finding["kind"] == "anchor_foreign"
    quittance("verify", "--key", "no key", code=WRONG_USE)


def test_nothing_new_makes_no_new_anchor(
    quittance: CommandLine, more: Callable[[str], None], place: Path
) -> None:
    assert quittance.ask("anchor")["anchored"] is True
    assert quittance.ask("anchor")["anchored"] is False
    more("nancy")
    assert quittance.ask("anchor")["number"] == 2
    assert sorted(path.name for path in place.iterdir()) == ["00000001.json", "00000002.json"]
    assert (place.parent / "anchor.key").stat().st_mode & 0o777 == 0o600


def test_a_place_that_cannot_be_written_is_said_and_nothing_is_anchored(
    quittance: CommandLine, database: psycopg.Connection[Any], tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")

    told = quittance("anchor", code=UNREACHABLE, ANCHOR_URL=str(in_the_way / "anchors"))

    assert "ANCHOR_URL" in told.stderr
    assert database.execute("SELECT count(*) FROM anchors").fetchone() == (0,)


def test_the_clock_anchors_at_set_intervals(database_url: str, tmp_path: Path) -> None:
    with rooms(database_url, tmp_path / "data") as parts:
        new_agency(parts)
        now = [NOON]
        then = replace(parts, office=replace(parts.office, clock=lambda: now[0]))
        clock = Clock(then.office, then.pool, lambda *_: None, anchor=anchors_when_due(then))
        kept: list[int] = []
        for minutes in (0, 5, 59, 60, 61):
            now[0] = NOON + timedelta(minutes=minutes)
            new_agency(parts, f"agence-{minutes}")
            clock.tick()
            kept.append(len(Files(tmp_path / "data" / "anchors").names()))

    assert kept == [1, 1, 1, 2, 2]


def test_two_who_anchor_at_once_keep_one_line_of_anchors(database_url: str, tmp_path: Path) -> None:
    """The second finds its number taken, remembers that anchor, and makes the next."""
    with rooms(database_url, tmp_path / "data") as parts:
        new_agency(parts)
        files, clock = Files(tmp_path / "anchors"), parts.office.clock
        key = parts.settings.read_anchor_key()
        first = Anchoring(parts.pool, files, key, clock).anchor()
        assert first is not None
        with parts.pool.connection() as connection:
            # As if it had been killed between keeping the anchor and saying so.
            connection.execute("DELETE FROM anchors")
        new_agency(parts, "nancy")

        second = Anchoring(parts.pool, files, key, clock).anchor()

        assert second is not None
        assert (second.number, second.previous) == (2, first.digest)
        with parts.pool.connection() as connection:
            found = connection.execute("SELECT number, sha256 FROM anchors ORDER BY 1").fetchall()
    assert found == [(1, first.digest), (2, second.digest)]
    assert {head.agency for head in second.heads} == {HOUSE}
