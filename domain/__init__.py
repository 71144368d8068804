"""What is said: events, values and refusals, in the words of the business; nothing of ours below.

An `Event` is a fact that has happened. It is immutable, stored for ever under its class name,
and carries business fields only: who, when and why are in the journal's envelope. Facts are
for ever: add events, add fields with defaults, upcast; never rename or reinterpret.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

T = TypeVar("T")


class Value(BaseModel):
    """An immutable value without identity; two of the same content are the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __eq__(self, other: object) -> bool:
        # What a value has is in its fields alone; pydantic also looks at what models may have.
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))


class Erased(Value):
    """What stands where personal data stood, once the key of its subject is destroyed."""

    erased: Literal[True] = True

    def __str__(self) -> str:
        return "[effacé]"


ERASED = Erased()


class _PersonalMark:
    """Marks a field as personal data, sealed in the journal under its subject's key."""


Personal = Annotated[T | Erased, _PersonalMark()]
"""A value that names a person: stored sealed, read as the value or as `Erased`."""


def of(subject_field: str, default: Any = ...) -> Any:
    """Say whose personal data a field is, by the field that holds the subject's id.

    `name: Personal[str] = of("party_id")`
    """
    return Field(default, json_schema_extra={"personal_of": subject_field})


def _subject_of(field: FieldInfo) -> str | None:
    extra = field.json_schema_extra
    owner = extra.get("personal_of") if isinstance(extra, dict) else None
    return owner if isinstance(owner, str) else None


Fields = dict[str, Any]
"""A stored fact's fields as JSON has them, personal ones unsealed (or `ERASED`)."""


def from_version(version: int) -> Callable[[Callable[[Fields], Fields]], Any]:
    """Declare, inside an event, how fields stored under `version` read in the next version.

        @from_version(1)
        def _euros_become_cents(fields: Fields) -> Fields: ...

    A pure function of the fields alone. `Event` runs the steps one after the other.
    """

    def declare(step: Callable[[Fields], Fields]) -> Any:
        step._from_version = version  # type: ignore[attr-defined]
        return staticmethod(step)

    return declare


class Event(BaseModel):
    """A fact. Its name is its class name; `schema_version` counts the shapes it has had."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: ClassVar[int] = 1
    named: ClassVar[dict[str, type[Event]]] = {}
    personal: ClassVar[dict[str, str]] = {}
    """Field name → name of the field that holds the subject's id."""
    marks: ClassVar[dict[str, bytes]] = {}
    """Field name → what binds its seal to this field of this event."""
    dated: ClassVar[bool] = False
    """Whether the fact says itself from when on it counts."""
    owners: ClassVar[tuple[str, ...]] = ()
    """The fields that hold the subjects' ids, each once."""
    stored_name: ClassVar[bytes] = b""
    """Its name as the journal stores it."""
    steps: ClassVar[tuple[Callable[[Fields], Fields], ...]] = ()
    """From version 1 to 2, from 2 to 3, and so on up to `schema_version`; none is missing."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if cls.__name__ in Event.named and Event.named[cls.__name__].__module__ != cls.__module__:
            raise TypeError(f"Two events are named {cls.__name__}; a name is for ever.")
        cls.personal = {}
        for name, field in cls.model_fields.items():
            marked = any(isinstance(mark, _PersonalMark) for mark in field.metadata)
            owner = _subject_of(field)
            if marked and owner is None:
                raise TypeError(f"{cls.__name__}.{name} is personal but does not say of whom.")
            if owner is not None:
                cls.personal[name] = owner
        cls.marks = {name: f"{cls.__name__}.{name}".encode() for name in cls.personal}
        cls.stored_name = cls.__name__.encode()
        cls.dated = "effective_on" in cls.model_fields
        cls.owners = tuple(dict.fromkeys(cls.personal.values()))
        cls.steps = cls._all_steps()
        Event.named[cls.__name__] = cls

    @classmethod
    def _all_steps(cls) -> tuple[Callable[[Fields], Fields], ...]:
        """The declared steps in order. TypeError, so at import, unless each older version has one.

        Also a step that changes nothing is written down: it says that somebody has thought of it.
        """
        found: dict[int, Callable[[Fields], Fields]] = {}
        for declared in vars(cls).values():
            step = getattr(declared, "__func__", None)
            version = getattr(step, "_from_version", None)
            if step is None or version is None:
                continue
            if version in found:
                raise TypeError(f"{cls.__name__} says twice how its version {version} reads.")
            found[version] = step
        expected = list(range(1, cls.schema_version))
        if sorted(found) != expected:
            raise TypeError(
                f"{cls.__name__} is at schema_version {cls.schema_version}: it declares steps"
                f" @from_version for {expected}, and has them for {sorted(found)}."
            )
        return tuple(found[version] for version in expected)

    @classmethod
    def upcast(cls, version: int, fields: Fields) -> Fields:
        """Turn the fields of an older `version` into today's; called after unsealing."""
        for step in cls.steps[version - 1 :]:
            fields = step(fields)
        return fields

    def subjects(self) -> tuple[UUID, ...]:
        """The people whose personal data this fact holds."""
        if not self.personal:
            return ()
        return tuple([getattr(self, owner) for owner in self.owners])

    def takes_effect_on(self) -> date | None:
        """The business date of the fact, or None for the day on which it is recorded."""
        return self.__dict__["effective_on"] if self.dated else None


class Refused(Exception):
    """A request that the business says no to. Its message is written for the person who asked."""

    message_en: str | None = None

    def __init__(self, fr: str, en: str | None = None) -> None:
        super().__init__(fr)
        self.message_en = en

    @property
    def code(self) -> str:
        """A stable name for machines, in snake_case: `AlreadyIssued` is `already_issued`."""
        name = type(self).__name__
        parts = [("_" + c.lower()) if c.isupper() and i else c.lower() for i, c in enumerate(name)]
        return "".join(parts)

    def told(self, language: str) -> str:
        """The message in `fr` or `en`."""
        return self.message_en if language == "en" and self.message_en else str(self)


class NotFound(Refused):
    """It does not exist here, or belongs to somebody who may not be named."""


class NotAllowed(Refused):
    """The one who asks has no right to ask this."""


@lru_cache(maxsize=100_000)
def stream_id(agency_id: UUID, kind: str, *natural_key: Hashable) -> UUID:
    """The id of a stream: uuid5 of agency, kind and natural key, so a repetition meets itself.

    Never of personal data, which could be guessed and would survive erasure.
    """
    return uuid5(agency_id, "\x1f".join((kind, *map(str, natural_key))))


__all__ = [
    "ERASED",
    "Erased",
    "Event",
    "Fields",
    "NotAllowed",
    "NotFound",
    "Personal",
    "Refused",
    "Self",
    "Value",
    "from_version",
    "of",
    "stream_id",
]
