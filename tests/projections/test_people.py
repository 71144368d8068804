"""Who they are and where they live."""

from __future__ import annotations

from dataclasses import replace

from domain import ERASED
from domain.lot import LotDescribed, LotRegistered
from domain.party import (
    BankDetailsDeclared,
    ContactChanged,
    IdentityCorrected,
    PartyErased,
    PartyRegistered,
)
from projections import projected
from projections.people import AddressRow, People, PersonRow, forget_erased, people
from tests.given import LOT, PARTY, day, recorded
from tests.projections.story import LILAS, NOBODY, ROSES, Story, lot, party, stored

FLAT = PersonRow(
    party("L-0312"), "C-L-0312", "Mme", "Weber", "Anaïs", day("02/01/1990"), "anais@exemple.fr",
    "+33387000000", "FR7630006000011234567890189",
)  # fmt: skip
GARAGE = replace(
    FLAT, party_id=party("L-0313"), client_reference="C-L-0313", last_name="Schmitt", phone=None
)


def test_a_person_is_known_as_they_are_now() -> None:
    rows = projected(People(), Story().entries)
    assert {row.client_reference for row in rows.all(PersonRow)} == {
        "C-L-0312",
        "C-L-0313",
        "C-L-0299",
    }
    assert rows.get(PersonRow, party("L-0312")) == FLAT
    assert rows.get(PersonRow, party("L-0313")) == GARAGE
    assert FLAT.name == "Mme Anaïs Weber"


def test_a_lot_has_an_address() -> None:
    rows = projected(People(), Story().entries)
    where = ("12 rue des Lilas", "57000", "Metz")
    assert rows.get(AddressRow, lot("L-0312")) == AddressRow(
        lot("L-0312"), "LOT-L-0312", "dwelling", *where, "C"
    )
    assert rows.get(AddressRow, lot("L-0313")) == AddressRow(
        lot("L-0313"), "LOT-L-0313", "garage", *where, None
    )


def test_each_change_counts_and_leaves_the_rest() -> None:
    known = PartyRegistered(
        party_id=PARTY, client_reference="C", title="M.", last_name="A", first_name="B", email="e"
    )
    rows = projected(
        People(),
        recorded(
            known,
            ContactChanged(party_id=PARTY, email=None, phone="1"),
            BankDetailsDeclared(party_id=PARTY, iban="FR76"),
            IdentityCorrected(party_id=PARTY, title="Mme", last_name="C", first_name="D"),
            LotRegistered(lot_id=LOT, reference="L"),
        ),
    )
    assert rows.all(PersonRow) == [PersonRow(PARTY, "C", "Mme", "C", "D", None, None, "1", "FR76")]
    assert rows.all(AddressRow) == [AddressRow(LOT, "L", None, None, None, None, None)]


def test_what_is_erased_is_gone() -> None:
    erased = PartyRegistered(
        party_id=PARTY,
        client_reference="C",
        title=ERASED,
        last_name=ERASED,
        first_name=ERASED,
        born_on=ERASED,
        email=ERASED,
        phone=ERASED,
    )
    where = LotDescribed(lot_id=LOT, kind="dwelling", street=ERASED, postcode=ERASED, city=ERASED)
    rows = projected(
        People(),
        recorded(
            erased,
            BankDetailsDeclared(party_id=PARTY, iban=ERASED),
            LotRegistered(lot_id=LOT, reference="L"),
            where,
        ),
    )
    (person,) = rows.all(PersonRow)
    assert person == PersonRow(PARTY, "C", None, None, None, None, None, None, None)
    assert person.name == "[effacé]"
    assert rows.all(AddressRow) == [AddressRow(LOT, "L", "dwelling", None, None, None, None)]


def test_erasing_clears_one_person_and_replay_with_the_key_gone_ends_the_same() -> None:
    gone, stays = PARTY, party("L-0313")
    known = [
        PartyRegistered(
            party_id=person, client_reference=f"C-{number}", title="M.", last_name="A",
            first_name="B", email="e", phone="1",
        )
        for number, person in enumerate((gone, stays))
    ]  # fmt: skip
    end = PartyErased(party_id=gone, ground="request")
    live = projected(People(), recorded(*known, end)).all(PersonRow)
    forgotten = known[0].model_copy(
        update={name: ERASED for name in PartyRegistered.personal if name != "born_on"}
    )
    assert projected(People(), recorded(forgotten, known[1], end)).all(PersonRow) == live
    by_id = {row.party_id: row for row in live}
    assert by_id[gone] == PersonRow(gone, "C-0", None, None, None, None, None, None, None)
    assert by_id[gone].name == "[effacé]"
    assert by_id[stays].name == "M. B A"


def test_every_table_of_people_is_cleared_of_whom_the_keys_say_was_erased(
    database_url: str,
) -> None:
    with stored(database_url, Story().entries, People()) as connection:
        # A generation that is kept and no longer folded.
        connection.execute("CREATE SCHEMA kept_before")
        connection.execute("CREATE TABLE kept_before.people (LIKE read.people)")
        connection.execute("INSERT INTO kept_before.people SELECT * FROM read.people")
        connection.execute("SELECT destroy_key(%s, %s)", [LILAS, FLAT.party_id])

        assert forget_erased(connection) == 2
        assert forget_erased(connection) == 0

        (gone, stays) = people(connection, LILAS, [FLAT.party_id, GARAGE.party_id])
        assert (gone.name, gone.client_reference, gone.iban) == ("[effacé]", "C-L-0312", None)
        assert stays == GARAGE
        assert people(connection, ROSES, [FLAT.party_id]) == [FLAT]
        left = connection.execute(
            "SELECT count(*) FROM kept_before.people WHERE last_name = 'Weber'"
        ).fetchone()
        assert left == (1,), "the other agency's row"


def test_people_come_in_the_order_asked_for(database_url: str) -> None:
    with stored(database_url, Story().entries, People()) as connection:
        asked = [GARAGE.party_id, NOBODY, FLAT.party_id]
        assert people(connection, LILAS, asked) == [GARAGE, FLAT]
        assert people(connection, NOBODY, asked) == []
        assert people(connection, LILAS, []) == []
