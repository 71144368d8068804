"""Between facts and stored bytes: plain JSON that an auditor can read, personal fields sealed."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any
from uuid import UUID

from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent
from pydantic_core import from_json, to_json

from domain import ERASED, Event
from journal import Fact, UnknownEvent
from journal.keys import Keyring


def topic(name: str, schema_version: int) -> str:
    """Name and schema version as the library's one field: `PaymentConfirmed`, or `…@2`."""
    return name if schema_version == 1 else f"{name}@{schema_version}"


class FactMapper(Mapper[UUID]):
    """Maps the facts of one agency; the library's mapper with our own encoding and sealing."""

    def __init__(self, agency: UUID, keys: Keyring) -> None:
        super().__init__(JSONTranscoder())
        self._agency = agency
        self._keys = keys

    def encode(self, stream: UUID, version: int, event: Event) -> bytes:
        """The exact bytes that are stored and hashed."""
        kind = type(event)
        if not kind.personal:
            return kind.__pydantic_serializer__.to_json(event)
        fields = kind.__pydantic_serializer__.to_python(event, mode="json")
        for name, owner in kind.personal.items():
            if fields[name] is not None:
                place = self._place(stream, version, kind.__name__, name)
                plain = to_json(fields[name])
                sealed = self._keys.seal(self._agency, getattr(event, owner), plain, place)
                fields[name] = {"sealed": b64encode(sealed).decode()}
        return to_json(fields)

    def decode(
        self, stream: UUID, version: int, name: str, schema_version: int, state: bytes
    ) -> Event:
        """The fact that was stored. Raises UnknownEvent for a name or version not known here."""
        kind = Event.named.get(name)
        if kind is None or schema_version > kind.schema_version:
            raise UnknownEvent(f"{name} version {schema_version}")
        if not kind.personal and schema_version == kind.schema_version:
            return kind.__pydantic_validator__.validate_json(state)  # type: ignore[no-any-return]
        fields: dict[str, Any] = from_json(state)
        for field, owner in kind.personal.items():
            sealed = fields.get(field)
            if isinstance(sealed, dict) and "sealed" in sealed:
                place = self._place(stream, version, name, field)
                subject = UUID(fields[owner])
                plain = self._keys.unseal(self._agency, subject, b64decode(sealed["sealed"]), place)
                fields[field] = ERASED if plain is None else from_json(plain)
        if schema_version < kind.schema_version:
            fields = kind.upcast(schema_version, fields)
        return kind.__pydantic_validator__.validate_python(fields)  # type: ignore[no-any-return]

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        fact: Fact = domain_event
        stream, version, event = fact
        return StoredEvent(
            originator_id=stream,
            originator_version=version,
            topic=topic(type(event).__name__, type(event).schema_version),
            state=self.encode(stream, version, event),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        name, _, schema_version = stored_event.topic.partition("@")
        stream, version = stored_event.originator_id, stored_event.originator_version
        assert isinstance(stream, UUID)
        event = self.decode(stream, version, name, int(schema_version or 1), stored_event.state)
        return Fact(stream, version, event)

    def _place(self, stream: UUID, version: int, name: str, field: str) -> bytes:
        place = (self._agency.bytes, stream.bytes, version.to_bytes(8, "big"))
        return b"".join(place) + f"{name}.{field}".encode()
