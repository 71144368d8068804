"""An auditor with a file, a public key and nothing of ours sees what is proved and what is not."""

from __future__ import annotations

import ast
import json
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from domain import stream_id
from journal.anchors import public_key, sealed
from projections.balances import AccountRow
from tests.system.command_line import REFUSED, CommandLine
from tests.system.evidence import LILAS, VERIFIER, auditor, balances, tell_stories
from tests.system.rolls import rooms

PROVED, NOT_PROVED = 0, 1
Lines = list[dict[str, Any]]


@dataclass
class Case:
    """What was exported, once for all tests here."""

    folder: Path
    line: CommandLine
    key: str
    owed: dict[str, AccountRow]
    anchored: int

    def file(self, name: str) -> Path:
        return self.folder / f"{name}.jsonl"

    def changed(self, name: str, change: Callable[[Lines], Lines | None]) -> Path:
        lines = [json.loads(line) for line in self.file(name).read_text().splitlines()]
        lines = change(lines) or lines
        path = self.folder / f"{name}-changed.jsonl"
        path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
        return path


pytestmark = pytest.mark.xdist_group("offline_verifier")


@pytest.fixture(scope="module")
def case(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("audit")
    line = CommandLine(module_database_url, folder / "data")
    with rooms(module_database_url, folder / "data") as parts:
        story = tell_stories(parts)
    assert line.ask("anchor")["anchored"] is True
    return _exported(folder, line, story)


def _exported(folder: Path, line: CommandLine, story: Any) -> Case:
    leases = {"L-0312": story.flat, "L-0313": story.garage, "L-0299": story.gone}
    assert {stream_id(LILAS, "lease", name): lease for name, lease in leases.items()} == {
        lease: lease for lease in leases.values()
    }
    line("export", "journal", "--agency", "lilas", "-o", folder / "journal.jsonl")
    line("export", "proof", "event", 7, "--agency", "lilas", "-o", folder / "event.jsonl")
    for name in leases:
        out = folder / f"{name}.jsonl"
        line("export", "proof", "lease", name, "--agency", "lilas", "-o", out)
    rows = balances(story)
    owed = {name: rows[lease] for name, lease in leases.items()}
    key = line("anchor", "key").stdout.strip()
    return Case(folder, line, key, owed, len(story.entries))


def test_it_is_one_file_of_200_lines_that_imports_nothing_of_ours() -> None:
    text = VERIFIER.read_text()
    tree = ast.parse(text)
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= {*sys.stdlib_module_names, "cryptography"}
    assert text.count("\n") <= 200


def test_a_journal_is_proved_up_to_its_anchor(case: Case) -> None:
    code, said = auditor(case.file("journal"), case.key)

    assert code == PROVED
    assert (said["agency"], said["proved_up_to"]) == ("lilas", case.anchored)
    assert said["anchor"]["number"] == 1


@pytest.mark.parametrize("lease", ["L-0312", "L-0313", "L-0299"])
def test_a_lease_s_balance_is_what_the_books_say(case: Case, lease: str) -> None:
    code, said = auditor(case.file(lease), case.key)

    assert code == PROVED
    row = case.owed[lease]
    assert (said["lease"], said["booked_cents"]) == (lease, row.booked_cents)
    assert said["settled_cents"] == row.settled_cents


def test_a_balance_is_told_as_of_a_date(case: Case) -> None:
    _, now = auditor(case.file("L-0312"), case.key)
    code, then = auditor(case.file("L-0312"), case.key, "--on", "2026-04-30")

    assert code == PROVED
    # What was taken over on 31 March, as it was corrected later; neither rent nor payments.
    assert then["booked_cents"] == then["settled_cents"] == 41000
    assert now["booked_cents"] != now["settled_cents"] != 41000


def test_a_proof_shows_nothing_of_other_leases(case: Case) -> None:
    lines = [json.loads(line) for line in case.file("L-0313").read_text().splitlines()]
    shown = [line for line in lines if "state" in line]
    hidden = [line for line in lines if "header" in line]

    assert len(shown) + len(hidden) == case.anchored
    assert {json.loads(line["state"])["lease_id"] for line in shown} == {
        str(stream_id(LILAS, "lease", "L-0313"))
    }
    assert all(line.keys() == {"header", "digest"} for line in hidden)
    assert "roses" not in case.file("L-0313").read_text()


def test_one_event_is_proved_with_nothing_but_headers_beside_it(case: Case) -> None:
    code, said = auditor(case.file("event"), case.key)
    lines = [json.loads(line) for line in case.file("event").read_text().splitlines()]

    assert code == PROVED
    assert (said["event"], said["proved_up_to"]) == (7, case.anchored)
    assert [line["position"] for line in lines if "state" in line] == [7]


def entry(lines: Lines, position: int) -> dict[str, Any]:
    return lines[position + 1]


def _without(position: int) -> Callable[[Lines], Lines]:
    return lambda lines: [*lines[: position + 1], *lines[position + 2 :]]


def _reordered(lines: Lines) -> Lines:
    lines[5], lines[6] = lines[6], lines[5]
    return lines


EDITS: dict[str, Any] = {
    "position": 90, "recorded_at": "2026-04-25T08:00:00.000001+00:00",
    "stream": "0068d1d4-d2b7-5ced-b087-2805bde70a32", "version": 77, "name": "ChargePosted",
    "schema_version": 2, "event_id": "0068d1d4-d2b7-5ced-b087-2805bde70a32",
    "effective_on": "2026-01-01", "actor": "nobody", "on_behalf_of": "nobody",
    "command_id": "0068d1d4-d2b7-5ced-b087-2805bde70a32",
    "correlation_id": "0068d1d4-d2b7-5ced-b087-2805bde70a32",
    "causation_id": "0068d1d4-d2b7-5ced-b087-2805bde70a32",
    "subjects": ["0068d1d4-d2b7-5ced-b087-2805bde70a32"], "state": "{}", "hash": "00" * 32,
}  # fmt: skip


@pytest.mark.parametrize("field", EDITS)
def test_an_edit_of_any_field_is_not_proved(case: Case, field: str) -> None:
    path = case.changed("journal", lambda lines: entry(lines, 8).update({field: EDITS[field]}))

    code, said = auditor(path, case.key)

    assert code == NOT_PROVED
    assert "position 8" in said["why"]


DAMAGES: dict[str, tuple[Callable[[Lines], Lines | None], str]] = {
    "an entry is left out": (_without(8), "position"),
    "the last entry is left out": (lambda lines: [*lines[:-2], lines[-1]], "missing"),
    "the end is cut off": (lambda lines: lines[:-1], "cut"),
    "an entry is put in": (lambda lines: [*lines[:9], lines[9], *lines[9:]], "position 9"),
    "another order": (_reordered, "position 4"),
    "more after the end": (lambda lines: [*lines, lines[-2]], "missing, or too many"),
    "no anchor": (lambda lines: [lines[0], *lines[2:]], "no anchor"),
    "another agency": (lambda lines: lines[0].update(slug="roses"), "another's"),
    "another agency's id": (
        lambda lines: lines[0].update(slug="roses", agency="6e16e8d1-04da-5acb-bc3e-dc40f053dd8e"),
        "",
    ),
    "another beginning": (lambda lines: lines[0].update(previous="00" * 32), "begin"),
    "another format": (lambda lines: lines[0].update(format="x"), "format"),
    "no signature": (lambda lines: lines[1]["anchor"].update(signature=""), "not signed"),
    "another statement": (
        lambda lines: lines[1]["anchor"].update(
            statement=lines[1]["anchor"]["statement"].replace('"number": 1', '"number": 2')
        ),
        "not signed",
    ),
    "another head": (lambda lines: lines[1]["anchor"].update(hash="00" * 32), "head"),
    "another place in the tree": (lambda lines: lines[1]["anchor"].update(index=9), "head"),
    "no path": (lambda lines: lines[1]["anchor"].update(path=[]), "head"),
    "an anchor further on": (lambda lines: lines[1]["anchor"].update(position=8), "head"),
    "nonsense": (lambda lines: [{"format": "quittance-journal-1"}], ""),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_was_done_to_an_export_is_not_proved(case: Case, damage: str) -> None:
    change, why = DAMAGES[damage]

    code, said = auditor(case.changed("journal", change), case.key)

    assert (code, said["proved"]) == (NOT_PROVED, False)
    assert why in said["why"]


def test_a_file_that_was_cut_in_a_line_is_not_proved(case: Case) -> None:
    path = case.folder / "cut.jsonl"
    path.write_bytes(case.file("journal").read_bytes()[:-20])

    assert auditor(path, case.key)[0] == NOT_PROVED
    path.write_bytes(b"")
    assert auditor(path, case.key)[0] == NOT_PROVED
    assert auditor(case.folder / "absent", case.key)[0] == NOT_PROVED


def test_another_key_proves_nothing(case: Case) -> None:
    for name in ("journal", "event", "L-0312"):
        code, said = auditor(case.file(name), public_key(b"x" * 32).hex())
        assert code == NOT_PROVED
        assert "not signed by this key" in said["why"]


def test_an_anchor_that_the_auditor_kept_is_compared(case: Case) -> None:
    ours = case.folder / "data" / "anchors" / "00000001.json"
    other = case.folder / "kept.json"
    whole = json.loads(ours.read_bytes())
    other.write_text(json.dumps(whole | {"statement": whole["statement"].replace("20", "21")}))

    assert auditor(case.file("journal"), case.key, "--anchor", ours)[0] == PROVED
    code, said = auditor(case.file("journal"), case.key, "--anchor", other)
    assert code == NOT_PROVED
    assert "you kept" in said["why"]


def _hide(lines: Lines, name: str) -> None:
    """What an agency would do that wants to show less: header and digest are true."""
    from hashlib import sha256

    from journal.offline_verifier import header_of

    position = next(n for n, line in enumerate(lines) if line.get("name") == name)
    told = lines[position]
    header = header_of(LILAS, told)
    digest = sha256(told["state"].encode()).hexdigest()
    lines[position] = {"header": b64encode(header).decode(), "digest": digest}


@pytest.mark.parametrize(
    "name", ["ChargePosted", "PaymentBooked", "PaymentUnbooked", "PaymentSettled"]
)
def test_an_entry_of_the_lease_that_is_hidden_is_missed(case: Case, name: str) -> None:
    code, said = auditor(case.changed("L-0312", lambda lines: _hide(lines, name)), case.key)

    assert code == NOT_PROVED
    assert "hidden" in said["why"]


def test_another_lease_s_proof_is_not_taken_for_this_one_s(case: Case) -> None:
    path = case.changed("L-0312", lambda lines: lines[0].update(lease="L-0313"))

    code, said = auditor(path, case.key)

    assert code == NOT_PROVED
    assert "hidden" in said["why"]


def test_an_amount_that_was_changed_is_not_proved(case: Case) -> None:
    def change(lines: Lines) -> None:
        booked = next(line for line in lines if line.get("name") == "PaymentBooked")
        booked["state"] = booked["state"].replace("40000", "90000")

    code, _ = auditor(case.changed("L-0312", change), case.key)
    assert code == NOT_PROVED


def test_a_header_that_was_changed_is_not_proved(case: Case) -> None:
    def change(lines: Lines) -> None:
        hidden = next(line for line in lines if "header" in line)
        raw = bytearray(b64decode(hidden["header"]))
        raw[-3] ^= 1
        hidden["header"] = b64encode(raw).decode()

    code, _ = auditor(case.changed("L-0312", change), case.key)
    assert code == NOT_PROVED


def test_the_event_itself_must_be_shown(case: Case) -> None:
    path = case.changed("event", lambda lines: lines[0].update(event=8))

    code, said = auditor(path, case.key)

    assert code == NOT_PROVED
    assert "not shown" in said["why"]


def test_what_no_anchor_covers_is_not_handed_out_as_proof(case: Case) -> None:
    told = case.line("export", "proof", "lease", "L-9999", "--agency", "lilas", code=REFUSED)
    assert "No amount" in told.stderr
    told = case.line("export", "proof", "event", case.anchored + 1, "--agency", "lilas", code=3)
    assert "from 1 to" in told.stderr


def test_an_anchor_of_another_history_proves_nothing(case: Case) -> None:
    """Signed with the right key, but of other heads."""
    from datetime import UTC, datetime

    from journal.anchors import AnchoredHead, opened
    from system.settings import Settings

    settings = Settings(data_dir=case.folder / "data")
    key = settings.read_anchor_key()
    heads = [AnchoredHead(LILAS, case.anchored, b"\1" * 32)]
    anchor = opened(sealed(1, datetime.now(UTC), "", heads, key), public_key(key))
    path = case.changed("journal", lambda lines: lines[1].update(anchor=anchor.proof(LILAS)))

    code, said = auditor(path, case.key)

    assert code == NOT_PROVED
    assert "another history" in said["why"]
