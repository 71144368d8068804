"""The import of a rent roll keeps every row that can be kept, once, whatever the order."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import stream_id
from domain.lease import LeaseAmended, LeaseSigned
from domain.rent_account import ChargePosted
from outside.rent_roll import UnreadableFile, write_rejected
from projections import projected
from projections.balances import AccountRow, Balances
from projections.leases import LeaseRow, Leases
from system.rent_roll import Difference, import_rent_roll
from tests.system.rolls import REAL_ROLL, new_agency, roll, rooms, row


@pytest.fixture
def parts(database_url, tmp_path):
    with rooms(database_url, tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def agency(parts):
    return new_agency(parts)


def counts(done):
    return (
        done.imported, done.unchanged, done.amended, len(done.differing), len(done.roll.rejected)
    )  # fmt: skip


def state_of(parts, agency):
    """Leases by reference with their terms and balance, folded from the journal."""
    entries = list(parts.journal.read_all(agency))
    accounts = projected(Balances(), entries)
    balances = {row.lease_id: row.booked_cents for row in accounts.all(AccountRow)}
    return {
        lease.reference: (lease.rent_cents, lease.ended_on, balances.get(lease.lease_id, 0))
        for lease in projected(Leases(), entries).all(LeaseRow)
    }


def head(parts, agency):
    return parts.journal.head(agency)[0]


def test_all_good_rows_are_kept_and_the_faulty_ones_told(parts, agency):
    source = roll([row(1), row(2, rent="450,5O"), row(3, left_on="30/06/2026"), row(1)])

    done = import_rent_roll(parts.office, agency, source)

    assert counts(done) == (2, 0, 0, 0, 2)
    assert [(r.line, r.column) for r in done.roll.rejected] == [(3, "Loyer HC"), (5, "Réf. bail")]
    assert state_of(parts, agency) == {
        "B-00001": (50110, None, 150),
        "B-00003": (50310, date(2026, 6, 30), 350),
    }


def test_balances_are_postings_of_the_columns_day(parts, agency):
    import_rent_roll(parts.office, agency, roll([row(1), row(2, balance="-12,00")]))

    postings = [
        (entry.name, entry.effective_on)
        for entry in parts.journal.read_all(agency)
        if entry.name in ("ChargePosted", "CreditPosted")
    ]

    assert sorted(postings) == [
        ("ChargePosted", date(2026, 10, 31)),
        ("CreditPosted", date(2026, 10, 31)),
    ]


def test_an_identical_file_changes_nothing(parts, agency):
    source = roll(map(row, range(20)))
    import_rent_roll(parts.office, agency, source)
    before = head(parts, agency)

    again = import_rent_roll(parts.office, agency, source)

    assert counts(again) == (0, 20, 0, 0, 0)
    assert head(parts, agency) == before


def test_a_difference_is_told_and_applied_only_when_accepted(parts, agency):
    import_rent_roll(parts.office, agency, roll([row(1), row(2)]))
    before = state_of(parts, agency)
    changed = roll([row(1, rent="510,00", address="2 rue Autre", balance="9,00"), row(2)])

    told = import_rent_roll(parts.office, agency, changed)

    columns = ("Adresse", "Loyer HC", "Solde au 31/10/2026")
    assert told.differing == [Difference(2, "B-00001", columns)]
    assert counts(told) == (0, 1, 0, 1, 0)
    assert state_of(parts, agency) == before

    accepted = import_rent_roll(parts.office, agency, changed, accept_differences=True)

    assert counts(accepted) == (0, 1, 1, 0, 0)
    assert state_of(parts, agency) == before | {"B-00001": (51000, None, 900)}
    names = [entry.name for entry in parts.journal.read_all(agency)]
    assert names.count(LeaseAmended.__name__) == 1
    assert names.count(LeaseSigned.__name__) == 2
    assert counts(import_rent_roll(parts.office, agency, changed)) == (0, 2, 0, 0, 0)


@pytest.mark.parametrize("accept", [False, True])
def test_a_dry_run_tells_the_same_and_keeps_nothing(parts, agency, accept):
    import_rent_roll(parts.office, agency, roll([row(1), row(2)]))
    source = roll(
        [
            row(1, rent="510,00"),
            row(2),
            row(3),
            # The same tenant as the row above, with another address: it depends on that row.
            row(4, client="C-000003", email="autre@exemple.fr"),
            row(5, city=""),
        ]
    )
    before = head(parts, agency)

    rehearsed = import_rent_roll(
        parts.office, agency, source, dry_run=True, accept_differences=accept
    )

    assert head(parts, agency) == before
    done = import_rent_roll(parts.office, agency, source, accept_differences=accept)
    assert counts(rehearsed) == counts(done) == ((2, 1, 1, 0, 1) if accept else (1, 1, 0, 2, 1))
    assert rehearsed.differing == done.differing


def test_what_the_command_refuses_is_rejected_like_any_faulty_row(parts, agency, tmp_path):
    endless = "06" + " " * 1 + ".-.-.-.-.-.-.-.-.-.-.-.-.-.-.-.-.-.-.-.-." + " 39 98 00"
    source = roll([row(1), row(2, phone=endless), row(3)])

    for dry_run in (True, False):
        done = import_rent_roll(parts.office, agency, source, dry_run=dry_run)
        assert [(r.line, r.column) for r in done.roll.rejected] == [(3, "Téléphone")]
        assert counts(done) == (2, 0, 0, 0, 1)

    rejected = tmp_path / "again.csv"
    write_rejected(rejected, done.roll)
    assert endless in rejected.read_text("utf-8-sig")


def test_an_unreadable_file_keeps_nothing(parts, agency):
    for source in (b"", b"bonjour\n", roll([])[:40]):
        with pytest.raises(UnreadableFile):
            import_rent_roll(parts.office, agency, source)
    assert head(parts, agency) == 0


def test_stopped_in_the_middle_it_keeps_whole_rows_and_the_next_does_the_rest(parts, agency):
    source = roll(map(row, range(1, 301)))

    def stop(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_rent_roll(parts.office, agency, source, on_keeping=stop)

    kept = state_of(parts, agency)
    assert all(state == (50010 + n * 100, None, n * 100 + 50) for n, state in numbered(kept))
    for reference in kept:
        lease_id = stream_id(agency, "lease", reference)
        entries = [e for e in parts.journal.read_all(agency) if is_of(e.event, lease_id)]
        assert [entry.name for entry in entries] == ["LeaseSigned", "ChargePosted"]

    rest = import_rent_roll(parts.office, agency, source)

    assert counts(rest) == (300 - len(kept), len(kept), 0, 0, 0)
    assert len(state_of(parts, agency)) == 300


def numbered(state):
    return [(int(reference.removeprefix("B-")), said) for reference, said in state.items()]


def is_of(event, lease_id):
    return isinstance(event, LeaseSigned | ChargePosted) and event.lease_id == lease_id


@pytest.mark.skipif(not REAL_ROLL.exists(), reason="the real-shaped rent roll is not here")
def test_the_real_roll_its_repetition_and_its_corrections(parts, agency, tmp_path):
    first = import_rent_roll(parts.office, agency, REAL_ROLL)
    assert counts(first) == (589, 0, 0, 0, 11)

    assert counts(import_rent_roll(parts.office, agency, REAL_ROLL)) == (0, 589, 0, 0, 11)

    rejected = tmp_path / "rejected.csv"
    write_rejected(rejected, first.roll)
    corrected = tmp_path / "corrected.csv"
    corrected.write_bytes(correct(rejected.read_text("utf-8-sig")))
    done = import_rent_roll(parts.office, agency, corrected)
    assert done.roll.rejected == []
    assert counts(done) == (11, 0, 0, 0, 0)
    assert len(state_of(parts, agency)) == 600


def correct(text):
    """What an agency would do in its spreadsheet."""
    table = list(csv.reader(io.StringIO(text), delimiter=";"))
    header, rows = table[0], table[1:]
    repairs = {
        "3": {"Date de sortie": ""},
        "5": {"Classe DPE": "E"},
        "66": {"Jour d'échéance": "31"},
        "190": {"Date d'entrée": "29/02/2024"},
        "259": {"E-mail": ""},
        "411": {"Loyer HC": "450,00"},
        "437": {"IBAN": ""},
        "463": {"Réf. bail": "B-90001"},
        "491": {"Loyer HC": "612,40"},
        "545": {"Réf. bail": "B-90002"},
    }
    fixed = [header]
    for cells in rows:
        if cells[0] == "54":
            fixed.append([*cells[:2], *row(90_003).split(";")])
            continue
        named = dict(zip(header, cells, strict=True)) | repairs[cells[0]]
        fixed.append([named[name] for name in header])
    written = io.StringIO()
    csv.writer(written, delimiter=";").writerows(fixed)
    return written.getvalue().encode()


FAMILY = {
    1: row(1),
    2: row(2, left_on="15/05/2026", balance="-40,00"),
    # The same tenant lets a flat and a garage, and two leases follow each other in one lot.
    3: row(3, client="C-000001", email="anne1@exemple.fr", kind="garage"),
    4: row(4, lot="L-0002", entered_on="01/06/2026"),
    5: row(5, balance="0,00"),
}
FILES = st.lists(st.lists(st.sampled_from(sorted(FAMILY)), max_size=7), max_size=3)


def test_any_order_and_repetition_of_rows_ends_the_same(parts):
    runs = iter(range(1_000))
    expected = {}

    @settings(
        max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(files=FILES, last=st.permutations(sorted(FAMILY)))
    def ends_the_same(files, last):
        agency = new_agency(parts, f"agence-{next(runs)}")
        imported = 0
        for numbers in [*files, last]:
            done = import_rent_roll(parts.office, agency, roll(FAMILY[n] for n in numbers))
            assert done.differing == []
            assert len(done.roll.rejected) == len(numbers) - len(set(numbers))
            imported += done.imported
        assert imported == len(FAMILY)
        expected.setdefault("state", state_of(parts, agency))
        assert state_of(parts, agency) == expected["state"]

    ends_the_same()
    assert expected["state"]["B-00002"] == (50210, date(2026, 5, 15), -4000)
