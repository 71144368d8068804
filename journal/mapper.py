"""Between facts and stored bytes: plain JSON that an auditor can read, personal fields sealed."""

from __future__ import annotations

from base64 import b64decode
from binascii import b2a_base64
from typing import Any
from uuid import UUID

from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent
from pydantic_core import from_json, to_json

from domain import ERASED, Event
from journal import Fact, UnknownEvent
from journal.keys import Keyring, seal


def topic(name: str, schema_version: int) -> str:
    """Name and schema version as the library's one field: `PaymentConfirmed`, or `…@2`."""
    return name if schema_version == 1 else f"{name}@{schema_version}"


class FactMapper(Mapper[UUID]):
    """Maps the facts of one agency; the library's mapper with our own encoding and sealing."""

    def __init__(self, agency: UUID, keys: Keyring) -> None:
        super().__init__(JSONTranscoder())
        self._agency = agency
        self._agency_bytes = agency.bytes
        self._keys = keys

    def encode(self, stream: UUID, version: int, event: Event) -> bytes:
        """The exact bytes that are stored and hashed."""
        kind = type(event)
        if not kind.personal:
            return kind.__pydantic_serializer__.to_json(event)
        fields = kind.__pydantic_serializer__.to_python(event, mode="json")
        place = self._place(stream, version)
        known = self._keys.of(self._agency)
        for name, owner in kind.personal.items():
            if fields[name] is not None:
                subject = getattr(event, owner)
                key = known.get(subject) or self._keys.key(self._agency, subject)
                sealed = seal(key, to_json(fields[name]), place + kind.marks[name])
                fields[name] = {"sealed": b2a_base64(sealed, newline=False).decode()}
        return to_json(fields)

    def decode(
        self, stream: UUID, version: int, name: str, schema_version: int, state: bytes
    ) -> Event:
        """The fact that was stored. Raises UnknownEvent for a name or version not known here."""
        kind = Event.named.get(name)
        if kind is None or schema_version > kind.schema_version:
            known = None if kind is None else kind.schema_version
            raise UnknownEvent(name, schema_version, known)
        if not kind.personal and schema_version == kind.schema_version:
            return kind.__pydantic_validator__.validate_json(state)  # type: ignore[no-any-return]
        fields: dict[str, Any] = from_json(state)
        place = self._place(stream, version)
        for field, owner in kind.personal.items():
            sealed = fields.get(field)
            if isinstance(sealed, dict) and "sealed" in sealed:
                subject = UUID(fields[owner])
                sealed_bytes, where = b64decode(sealed["sealed"]), place + kind.marks[field]
                plain = self._keys.unseal(self._agency, subject, sealed_bytes, where)
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

    def _place(self, stream: UUID, version: int) -> bytes:
        """Where a fact is stored; with the field's mark behind it, what a seal is bound to."""
        return self._agency_bytes + stream.bytes + version.to_bytes(8, "big")
