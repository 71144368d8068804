"""Stored samples: the exact bytes of every version of every event that was ever written.

`samples.json` holds two of each version, one with all its fields and one with as few as it may
have: `state`, character for character as the journal keeps it, and `means`, the same fact in
today's fields. `renew()` adds what is missing and never touches what is there. When an event
changes, its older samples keep their `state`; their `means` may be said anew, by hand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple, cast
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain import Event
from journal.keys import Keyring
from journal.mapper import FactMapper
from system.office import know_everything
from tests.projections.test_telling import samples as values

FILE = Path(__file__).with_name("samples.json")
HOW = f"""
{FILE.name} holds the stored bytes of every version of every event. For a new event or a new
version, add samples of it, and nothing else, with
    python -c "from tests.journal.samples import renew; renew()"
A sample that reads otherwise than before is what would happen to every such event in every
journal: mend the upcaster. Only when the words changed and not the meaning, say `means` anew.
docs/changing-an-event.md tells the whole of it.
"""
AGENCY, STREAM, SUBJECT = UUID(int=1), UUID(int=2), UUID(int=7)
KEY = AESGCM(b"a key for samples, known to all.")


class Sample(NamedTuple):
    """Bytes as they were stored, and what they mean."""

    name: str
    version: int
    """The event's schema version."""
    state: str
    means: dict[str, Any]

    @property
    def schema(self) -> str:
        return f"{self.name}@{self.version}"


def stored() -> list[Sample]:
    """All samples that were ever taken."""
    told = json.loads(FILE.read_text()) if FILE.exists() else []
    return [Sample(**sample) for sample in told]


def mapper() -> FactMapper:
    """A mapper whose only key is known, so that sealed samples can be read for ever."""
    keys = Keyring(cast("Any", None), b"m" * 32)
    keys.of(AGENCY)[SUBJECT] = KEY
    return FactMapper(AGENCY, keys)


def read(sample: Sample) -> Event:
    """The sample as today's program reads it."""
    return mapper().decode(STREAM, 1, sample.name, sample.version, sample.state.encode())


def today(sample: Sample) -> Event:
    """What the sample is said to mean, as today's event."""
    return Event.named[sample.name].model_validate_json(json.dumps(sample.means))


def take(kind: type[Event]) -> list[Sample]:
    """Samples of an event as this program stores it: with all fields, and with the least."""
    whole = {
        name: _told_apart(value, number) if name not in (*kind.owners, *kind.personal) else value
        for number, (name, value) in enumerate(values(kind).items(), 1)
    }
    required = {name for name, field in kind.model_fields.items() if field.is_required()}
    least = {name: value for name, value in whole.items() if name in required}
    told = list(
        {event.model_dump_json(): event for event in (kind(**whole), kind(**least))}.items()
    )
    encode = mapper().encode
    return [
        Sample(
            kind.__name__,
            kind.schema_version,
            encode(STREAM, 1, event).decode(),
            json.loads(means),
        )
        for means, event in told
    ]


def _told_apart(value: Any, number: int) -> Any:
    """Another id or count for each field, so that two fields cannot be taken for each other."""
    if type(value) is UUID:
        return UUID(int=100 + number)
    return 100 + number if type(value) is int else value


def of_the_product() -> dict[str, type[Event]]:
    """`Name@version` → event, for all that the product stores today."""
    know_everything()
    return {
        f"{name}@{kind.schema_version}": kind
        for name, kind in sorted(Event.named.items())
        if kind.__module__.startswith("domain.")
    }


def renew() -> None:
    """Add samples of what has none yet."""
    known = stored()
    missing = sorted(of_the_product().keys() - {sample.schema for sample in known})
    known += [sample for name in missing for sample in take(of_the_product()[name])]
    known.sort(key=lambda sample: (sample.name, sample.version))
    told = [sample._asdict() for sample in known]
    FILE.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
