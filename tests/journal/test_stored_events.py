"""Facts are for ever: what is stored today is read by every later version of the program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest

from domain import Event, Fields, Personal, from_version, of, stream_id
from journal import UnknownEvent
from tests.journal.counters import Count, Counted
from tests.journal.desk import METZ, Desk

GOLDEN = Path(__file__).with_name("golden_events.json")
HOW = f"""
What is stored is for ever, so the shape of a stored event never changes under its number.
- A new event: add it to {GOLDEN.name} by running this test's `renew()`:
      python -c "from tests.journal.test_stored_events import renew; renew()"
- A changed event: if old ones still read (a field with a default was added), raise its
  `schema_version`, declare the step with `@from_version`, and run `renew()`. It adds the new
  version and keeps the old.
- Anything else (a field renamed, removed, retyped or reinterpreted) is a new event.
`renew()` never changes what the file holds already.
"""


def schemas() -> dict[str, Any]:
    """`Name@version` → JSON schema of the state, for all events of the product."""
    return {
        f"{name}@{kind.schema_version}": _plain(kind.model_json_schema(mode="serialization"))
        for name, kind in Event.named.items()
        if kind.__module__.startswith("domain.")
    }


def _plain(schema: Any) -> Any:
    """Without what is for readers only: descriptions may be reworded."""
    if isinstance(schema, dict):
        dropped = ("description", "title", "examples")
        names = schema.get("properties", {})
        return {
            key: {name: _plain(names[name]) for name in names} if key == "properties" else _plain(v)
            for key, v in sorted(schema.items())
            if key not in dropped
        }
    return [_plain(each) for each in schema] if isinstance(schema, list) else schema


def golden() -> dict[str, Any]:
    known: dict[str, Any] = json.loads(GOLDEN.read_text())
    return known


def renew() -> None:
    """Add what is new to the golden file; what it holds stays as it is."""
    from system.office import know_everything

    know_everything()
    known = golden() if GOLDEN.exists() else {}
    merged = {**schemas(), **known}
    GOLDEN.write_text(json.dumps(dict(sorted(merged.items())), indent=1, ensure_ascii=False) + "\n")


def test_no_stored_event_has_changed_its_shape() -> None:
    known, now = golden(), schemas()

    changed = sorted(name for name in now if name in known and now[name] != known[name])
    missing = sorted(set(now) - set(known))
    gone = sorted({n.split("@")[0] for n in known} - {n.split("@")[0] for n in now})

    assert not changed, f"changed without a new version: {changed}\n{HOW}"
    assert not missing, f"not in {GOLDEN.name} yet: {missing}\n{HOW}"
    assert not gone, f"stored once, and unknown now: {gone}\n{HOW}"


def test_every_version_that_was_ever_stored_can_still_be_read() -> None:
    for name in golden():
        event, _, version = name.partition("@")
        assert int(version) <= Event.named[event].schema_version


def test_a_name_that_nobody_knows_stops_the_reader(
    here: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        here.do(Count(counter="c"))
    monkeypatch.delitem(Event.named, "Counted")

    with pytest.raises(UnknownEvent, match="Counted version 1"):
        here.journal.read(METZ, 0)
    with pytest.raises(UnknownEvent):
        here.journal.load(METZ, [stream_id(METZ, "counter", "c")])


def test_a_version_that_is_newer_than_this_program_stops_the_reader(here: Desk) -> None:
    here.do(Count(counter="c"))
    here.rows("UPDATE events SET schema_version = 2 RETURNING 1")

    with pytest.raises(UnknownEvent, match="Counted version 2"):
        here.journal.read(METZ, 0)


class _AtFirst:
    class Moved(Event):
        """As it was stored at first."""

        person_id: UUID
        place: Personal[str] = of("person_id")


class Moved(Event):
    """As it is stored today: the place in two fields."""

    schema_version: ClassVar[int] = 2
    seen: ClassVar[list[dict[str, Any]]] = []

    person_id: UUID
    place: Personal[str] = of("person_id")
    postcode: Personal[str] = of("person_id")
    since: int = 0

    @from_version(1)
    def _place_in_two_fields(fields: Fields) -> Fields:
        Moved.seen.append(fields)
        postcode, _, place = fields["place"].partition(" ")
        return {**fields, "place": place, "postcode": postcode}


del Event.named["Moved"]


def test_an_old_version_is_upcast_after_it_was_unsealed(
    here: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapper, stream, person = here.journal.mapper(METZ), uuid4(), uuid4()
    old = mapper.encode(stream, 1, _AtFirst.Moved(person_id=person, place="57000 Metz"))
    monkeypatch.setitem(Event.named, "Moved", Moved)
    Moved.seen.clear()

    event = mapper.decode(stream, 1, "Moved", 1, old)

    assert event == Moved(person_id=person, place="Metz", postcode="57000")
    assert Moved.seen == [{"person_id": str(person), "place": "57000 Metz"}]
    assert mapper.decode(stream, 2, "Moved", 2, mapper.encode(stream, 2, event)) == event
    assert len(Moved.seen) == 1


def test_an_event_without_personal_data_is_upcast_too(
    here: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.do(Count(counter="c", by=4))

    class Twice(Counted):
        schema_version: ClassVar[int] = 2

        @from_version(1)
        def _twice(fields: Fields) -> Fields:
            return {**fields, "by": fields["by"] * 2}

    monkeypatch.setitem(Event.named, "Counted", Twice)
    monkeypatch.delitem(Event.named, "Twice")

    (entry,) = here.journal.read_all(METZ)
    assert entry.event.by == 8  # type: ignore[attr-defined]
