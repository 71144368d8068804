"""A journal goes out and comes in as it was; its keys go by another way, and that is on record."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain import ERASED, Event
from domain.key_export import KeysExported
from domain.party import PartyRegistered
from journal import HOUSE, Recorded
from tests.journal.verifier import broken_at
from tests.system.command_line import REFUSED, WRONG_USE, CommandLine
from tests.system.evidence import LILAS, ROSES, tell_stories
from tests.system.rolls import rooms

pytestmark = pytest.mark.xdist_group("exchange")


@pytest.fixture(scope="module")
def source(
    module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[CommandLine, Path]:
    """A house with two agencies, and what was exported of it."""
    folder = tmp_path_factory.mktemp("source")
    line = CommandLine(module_database_url, folder / "data")
    with rooms(module_database_url, folder / "data") as parts:
        tell_stories(parts)
    for slug in ("lilas", "roses"):
        line("export", "journal", "--agency", slug, "-o", folder / f"{slug}.jsonl")
    for part, bounds in (("a", ("--to", 20)), ("b", ("--from", 21))):
        out = folder / f"lilas-{part}.jsonl"
        line("export", "journal", "--agency", "lilas", *bounds, "-o", out)
    return line, folder


@pytest.fixture
def here(source: tuple[CommandLine, Path]) -> CommandLine:
    return source[0]


@pytest.fixture
def files(source: tuple[CommandLine, Path]) -> Path:
    return source[1]


@pytest.fixture
def there(database_url: str, tmp_path: Path) -> CommandLine:
    """An empty house with a master key of its own."""
    return CommandLine(database_url, tmp_path / "there")


def rows(line: CommandLine, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(line.environment["DATABASE_URL"]) as connection:
        return connection.execute(query, values).fetchall()


EVERYTHING = "SELECT * FROM events WHERE agency = %s ORDER BY position"


def read(line: CommandLine, agency: Any = LILAS) -> list[Recorded]:
    data_dir = Path(line.environment["DATA_DIR"])
    with rooms(line.environment["DATABASE_URL"], data_dir) as parts:
        return list(parts.journal.read_all(agency))


def assert_same(here: CommandLine, there: CommandLine, agency: UUID, least: int = 6) -> None:
    """All that was exported is there as it is here, and ends as it says; here may have gone on."""
    taken_in = rows(there, EVERYTHING, agency)
    assert taken_in == rows(here, EVERYTHING, agency)[: len(taken_in)]
    assert len(taken_in) >= least
    assert broken_at(there.environment["DATABASE_URL"], agency) is None


def names(line: CommandLine) -> set[Any]:
    return {e.event.last_name for e in read(line) if isinstance(e.event, PartyRegistered)}


def test_an_imported_journal_is_the_one_that_was_exported(
    here: CommandLine, there: CommandLine, files: Path
) -> None:
    answer = there.ask("import", "journal", files / "lilas.jsonl", files / "roses.jsonl")

    assert {journal["agency"] for journal in answer["journals"]} == {"lilas", "roses"}
    for agency in (LILAS, ROSES):
        assert_same(here, there, agency)
    assert there.ask("verify")["intact"] is True
    created = "SELECT convert_from(state, 'UTF8') FROM events WHERE agency = %s ORDER BY 1"
    assert rows(there, created, HOUSE) == rows(here, created, HOUSE)


def test_no_reaction_hears_of_what_was_imported(there: CommandLine, files: Path) -> None:
    with psycopg.connect(there.environment["DATABASE_URL"]) as connection:
        connection.execute("INSERT INTO reaction_positions VALUES ('mail', %s, 0)", [HOUSE])

    there("import", "journal", files / "lilas.jsonl", files / "roses.jsonl")

    stands = "SELECT p.agency, p.position - h.position FROM reaction_positions p JOIN heads h"
    assert set(rows(there, f"{stands} USING (agency)")) == {(HOUSE, 0), (LILAS, 0), (ROSES, 0)}


def test_a_journal_in_parts_is_imported_in_whatever_order_they_are_named(
    here: CommandLine, there: CommandLine, files: Path
) -> None:
    there("import", "journal", files / "lilas-b.jsonl", files / "lilas-a.jsonl")

    assert_same(here, there, LILAS)


def test_what_was_imported_goes_on(there: CommandLine, files: Path, tmp_path: Path) -> None:
    there("import", "journal", files / "lilas.jsonl")
    there("export", "keys", "--agency", "lilas", "-o", tmp_path / "keys.json")

    assert broken_at(there.environment["DATABASE_URL"], LILAS) is None
    assert there.ask("verify")["intact"] is True


def test_the_log_of_the_house_is_imported_like_any_other(
    here: CommandLine, there: CommandLine, files: Path
) -> None:
    house = files / "house.jsonl"
    here("export", "journal", "--agency", "(house)", "-o", house)
    there("import", "journal", files / "lilas.jsonl", house)

    assert_same(here, there, HOUSE, least=2)


def changed(file: Path, change: Callable[[list[bytes]], list[bytes]], into: Path) -> Path:
    into.write_bytes(b"".join(change(file.read_bytes().splitlines(keepends=True))))
    return into


BAD: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "cut between lines": (lambda lines: lines[:9], "is cut"),
    "cut in a line": (lambda lines: [*lines[:9], lines[9][:-10]], "is cut"),
    "an edited amount": (
        lambda lines: [line.replace(b"41131", b"11131") for line in lines],
        "tampered with in line",
    ),
    "an entry left out": (lambda lines: [*lines[:5], *lines[6:]], "tampered with in line 6"),
    "no JSON": (lambda lines: [*lines[:5], b"{\n", *lines[5:]], "tampered with in line 6"),
    "a number for a name": (
        lambda lines: [*lines[:5], b'{"position": 5}\n', *lines[5:]],
        "tampered with in line 6",
    ),
    "more after the end": (lambda lines: [*lines, lines[3]], "goes on after its end"),
    "another agency's name": (
        lambda lines: [lines[0].replace(b'"lilas"', b'"roses"'), *lines[1:]],
        "describes another agency",
    ),
    "no agency described": (
        lambda lines: [lines[0].replace(b'"siren"', b'"sirens"'), *lines[1:]],
        "does not describe its agency",
    ),
    "another beginning": (lambda lines: lines[3:], "is not an exported journal"),
    "nothing": (lambda lines: [], "is cut"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_file_that_is_not_whole_or_not_untouched_changes_nothing(
    there: CommandLine, files: Path, tmp_path: Path, fault: str
) -> None:
    change, why = BAD[fault]
    bad = changed(files / "lilas.jsonl", change, tmp_path / "bad.jsonl")

    told = there("import", "journal", files / "roses.jsonl", bad, code=WRONG_USE)

    assert why in told.stderr
    assert "bad.jsonl" in told.stderr
    assert rows(there, "SELECT count(*) FROM events") == [(0,)]
    assert rows(there, "SELECT count(*) FROM heads WHERE agency <> %s", HOUSE) == [(0,)]


def test_parts_that_do_not_meet_are_refused(there: CommandLine, files: Path) -> None:
    told = there("import", "journal", files / "lilas-b.jsonl", code=WRONG_USE)
    assert "begins after position 20" in told.stderr

    twice = [files / "lilas-a.jsonl", files / "lilas.jsonl"]
    there("import", "journal", *twice, code=WRONG_USE)
    assert rows(there, "SELECT count(*) FROM events") == [(0,)]


def test_a_house_where_the_agency_has_written_takes_nothing(
    there: CommandLine, files: Path
) -> None:
    there("import", "journal", files / "roses.jsonl")
    before = rows(there, "SELECT * FROM heads ORDER BY agency")

    told = there("import", "journal", files / "lilas.jsonl", files / "roses.jsonl", code=REFUSED)

    assert "an empty one" in told.stderr
    assert rows(there, "SELECT * FROM heads ORDER BY agency") == before
    there("import", "journal", files / "absent.jsonl", code=WRONG_USE)


@pytest.mark.parametrize(
    ("bounds", "positions"),
    [
        (("--from", "2026-05-06"), None),
        (("--from", "2026-04-25", "--to", "2026-04-25"), None),
        (("--from", 3, "--to", 5), (3, 5)),
    ],
)
def test_a_stretch_is_named_by_days_in_paris_or_by_positions(
    here: CommandLine, tmp_path: Path, bounds: tuple[Any, ...], positions: tuple[int, int] | None
) -> None:
    out = tmp_path / "part.jsonl"
    here("export", "journal", "--agency", "lilas", *bounds, "-o", out)

    told = [json.loads(line) for line in out.read_text().splitlines()]
    found = [line["position"] for line in told if "state" in line]
    if positions is None:
        days = dict(zip(bounds[::2], bounds[1::2], strict=True))
        positions = rows(
            here,
            "SELECT min(position), max(position) FROM events WHERE agency = %s AND"
            " (recorded_at AT TIME ZONE 'Europe/Paris')::date BETWEEN %s AND %s",
            LILAS, days["--from"], days.get("--to", "9999-01-01"),
        )[0]  # fmt: skip
    assert (found[0], found[-1]) == positions
    assert found == list(range(positions[0], positions[1] + 1))
    assert (told[0]["after"], told[-1]["count"]) == (positions[0] - 1, len(found))


@pytest.mark.parametrize(
    ("bounds", "code"),
    [
        (("--from", "2999-01-01"), WRONG_USE),
        (("--to", "2999-01-01"), WRONG_USE),
        (("--from", "yesterday"), WRONG_USE),
        (("--from", "2026-13-45"), WRONG_USE),
        (("--to", "2020-01-01"), REFUSED),
        (("--from", 9, "--to", 8), REFUSED),
        (("--from", 0), REFUSED),
        (("--to", 99_999), REFUSED),
    ],
)
def test_a_stretch_without_entries_is_refused_and_no_file_made(
    here: CommandLine, tmp_path: Path, bounds: tuple[Any, ...], code: int
) -> None:
    here("export", "journal", "--agency", "lilas", *bounds, "-o", tmp_path / "out", code=code)

    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_never_overwritten(here: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("mine")

    here("export", "journal", "--agency", "lilas", "-o", out, code=WRONG_USE)
    here("export", "keys", "--agency", "lilas", "-o", tmp_path / "no" / "where", code=WRONG_USE)

    assert out.read_text() == "mine"


def test_keys_follow_by_a_way_of_their_own(
    here: CommandLine, there: CommandLine, files: Path, tmp_path: Path
) -> None:
    before = names(here)
    there("import", "journal", files / "lilas.jsonl")
    assert names(there) == {ERASED}

    file, transfer = tmp_path / "keys.json", tmp_path / "transfer"
    transfer.write_text(here("export", "keys", "--agency", "lilas", "-o", file).stdout)
    assert file.stat().st_mode & 0o777 == 0o600
    answer = there.ask("import", "keys", file, "--transfer-key", transfer)

    assert answer["new"] == len(rows(here, "SELECT FROM data_keys WHERE agency = %s", LILAS))
    assert names(there) == before != {ERASED}
    assert there.ask("import", "keys", file, "--transfer-key", transfer)["new"] == 0


def test_an_export_of_keys_is_on_record_and_tells_no_secret(
    here: CommandLine, tmp_path: Path
) -> None:
    file = tmp_path / "keys.json"
    told = here.ask("export", "keys", "--agency", "roses", "-o", file)

    last = read(here, ROSES)[-1]
    assert (last.event, last.actor, last.position) == (
        KeysExported(keys=told["keys"], destroyed=0), "operator", told["position"],
    )  # fmt: skip
    kept = file.read_text() + Event.named["KeysExported"].model_dump_json(last.event)
    assert told["transfer_key"] not in kept
    assert last.event_id not in {entry.event_id for entry in read(here, LILAS)}


def test_a_key_file_that_is_cut_or_opened_with_another_key_changes_nothing(
    here: CommandLine, there: CommandLine, tmp_path: Path
) -> None:
    file, transfer, bad = tmp_path / "keys.json", tmp_path / "transfer", tmp_path / "bad.json"
    transfer.write_text(here("export", "keys", "--agency", "lilas", "-o", file).stdout)
    other = tmp_path / "other"
    other.write_text(here("export", "keys", "--agency", "roses", "-o", tmp_path / "r").stdout)
    bad.write_bytes(file.read_bytes()[:-200])

    assert (
        "transfer key"
        in there("import", "keys", file, "--transfer-key", other, code=WRONG_USE).stderr
    )
    there("import", "keys", bad, "--transfer-key", transfer, code=WRONG_USE)
    there("import", "keys", file, "--transfer-key", file, code=WRONG_USE)
    assert rows(there, "SELECT count(*) FROM data_keys") == [(0,)]


def test_who_was_erased_stays_erased_wherever_the_keys_go(
    here: CommandLine, there: CommandLine, files: Path, tmp_path: Path
) -> None:
    there("import", "journal", files / "lilas.jsonl")
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    transfer, again = tmp_path / "transfer", tmp_path / "again"
    transfer.write_text(here("export", "keys", "--agency", "lilas", "-o", first).stdout)
    there("import", "keys", first, "--transfer-key", transfer)
    (subject,) = {one for e in read(there)[:3] for one in e.subjects}
    with rooms(there.environment["DATABASE_URL"], Path(there.environment["DATA_DIR"])) as parts:
        parts.journal.keys.destroy(LILAS, subject)
    there("import", "keys", first, "--transfer-key", transfer)
    again.write_text(there("export", "keys", "--agency", "lilas", "-o", second).stdout)

    assert ERASED in names(there)
    assert there.ask("verify")["intact"] is True
    assert json.loads(second.read_text())["destroyed"] == [str(subject)]


def test_another_key_for_somebody_who_has_one_is_refused(
    here: CommandLine, there: CommandLine, tmp_path: Path
) -> None:
    file, transfer = tmp_path / "keys.json", tmp_path / "transfer"
    transfer.write_text(here("export", "keys", "--agency", "lilas", "-o", file).stdout)
    with rooms(there.environment["DATABASE_URL"], Path(there.environment["DATA_DIR"])) as parts:
        subject = rows(here, "SELECT max(subject::text)::uuid FROM data_keys WHERE agency = %s",
                       LILAS)[0][0]  # fmt: skip
        parts.journal.keys.ensure(LILAS, [subject])

    told = there("import", "keys", file, "--transfer-key", transfer, code=REFUSED)

    assert "another key" in told.stderr
    assert rows(there, "SELECT count(*) FROM data_keys") == [(1,)]
