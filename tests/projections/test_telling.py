"""Every fact is told to a person, in two languages, and names nobody."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from domain import ERASED, Event
from domain.period import Period
from domain.words import Language
from projections.telling import KINDS, tell
from system.office import know_everything

know_everything()
SECRET = "Schmitt"
OURS = {name: kind for name, kind in Event.named.items() if kind.__module__.startswith("domain.")}


def sample(annotation: Any, field: FieldInfo | None = None) -> Any:
    """A value of this type; the first of several."""
    origin, options = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return sample(next(option for option in options if option is not type(None)))
    if origin is Literal:
        return options[0]
    if origin is tuple:
        return (sample(options[0]), sample(options[0]))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation(**samples(annotation))
    values = {int: 1, str: "mot", bool: True, date: date(2026, 5, 1), UUID: UUID(int=7)}
    values |= {datetime: datetime(2026, 5, 1, tzinfo=UTC), Period: Period(2026, 5)}
    if annotation in values:
        return values[annotation]
    return sample(options[0])


def samples(kind: type[BaseModel], **given: Any) -> dict[str, Any]:
    """Values for all the fields of a kind; what is personal is the secret."""
    personal = getattr(kind, "personal", {})
    return {
        name: given.get(name, SECRET if name in personal and _is_text(field) else None)
        or sample(field.annotation, field)
        for name, field in kind.model_fields.items()
    }


def _is_text(field: FieldInfo) -> bool:
    return str in (field.annotation, *get_args(field.annotation))


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("kind", OURS.values(), ids=OURS.keys())
def test_every_fact_has_a_sentence_that_names_nobody(kind: type[Event], language: Language) -> None:
    told = tell(kind(**samples(kind)), language)
    assert told == told.strip()
    assert len(told) > 5
    assert "None" not in told
    assert SECRET not in told
    assert "1990" not in told


@pytest.mark.parametrize("kind", [kind for kind in OURS.values() if kind.personal])
def test_an_erased_fact_is_told_as_before(kind: type[Event]) -> None:
    known = kind(**samples(kind))
    erased = kind(**samples(kind, **dict.fromkeys(kind.personal, ERASED)))
    assert tell(known, "fr") == tell(erased, "fr")


@pytest.mark.parametrize("kind", OURS.values(), ids=OURS.keys())
def test_the_two_languages_are_two(kind: type[Event]) -> None:
    event = kind(**samples(kind))
    assert tell(event, "fr") != tell(event, "en")


@pytest.mark.parametrize("kind", OURS.values(), ids=OURS.keys())
def test_optional_fields_may_be_missing(kind: type[Event]) -> None:
    required = {name for name, field in kind.model_fields.items() if field.is_required()}
    fields = {name: value for name, value in samples(kind).items() if name in required}
    optional = {
        name for name in required if type(None) in get_args(kind.model_fields[name].annotation)
    }
    told = tell(kind(**fields | dict.fromkeys(optional, None)), "fr")
    assert "None" not in told


def codes(kind: type[Event]) -> set[tuple[str, str]]:
    """(field, code) of everything that is written as a code."""
    found = set()
    for name, field in kind.model_fields.items():
        if get_origin(field.annotation) is Literal:
            found |= {(name, code) for code in get_args(field.annotation)}
    return found


@pytest.mark.parametrize(
    "name", ["ChargePosted", "CreditPosted", "PaymentAllocated", "CreditAllocated",
             "PaymentUnbooked", "TaskRaised", "PartyErased"]
)  # fmt: skip
def test_every_code_has_words(name: str) -> None:
    kind = OURS[name]
    for field, code in codes(kind):
        assert code in KINDS
        told = tell(kind(**samples(kind) | {field: code}), "fr")
        assert KINDS[code][0] in told
        assert KINDS[code][1] in tell(kind(**samples(kind) | {field: code}), "en")
