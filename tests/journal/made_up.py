"""Makes up values for any event from the types of its fields, so that a test covers them all."""

from __future__ import annotations

import string
from datetime import UTC, date, datetime
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from domain import Erased, Event
from domain.period import Period

WORDS = st.text(string.ascii_letters + string.digits + "éœ –'\"\\", min_size=4, max_size=12)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: WORDS,
    bool: st.booleans(),
    date: st.dates(date(1990, 1, 1), date(2150, 1, 1)),
    datetime: st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    Period: st.builds(Period, st.integers(1905, 2150), st.integers(1, 12)),
    type(None): st.none(),
}
SECRET: dict[Any, st.SearchStrategy[Any]] = {
    str: WORDS.map(lambda word: f"Ω secret {word}"),
    date: st.dates(date(1905, 1, 1), date(1950, 1, 1)),
}
"""What is personal is made up so that nothing else looks like it."""


def events(kind: type[Event]) -> st.SearchStrategy[Event]:
    """Any event of this kind."""
    return _model(kind)


def _model(kind: type[BaseModel]) -> st.SearchStrategy[Any]:
    personal = kind.personal if issubclass(kind, Event) else ()
    fields = {
        name: _value(field.annotation, field.metadata, SECRET if name in personal else PLAIN)
        for name, field in kind.model_fields.items()
    }
    # What the types allow and a validator refuses is not an event.
    built = st.fixed_dictionaries(fields).map(lambda values: _built(kind, values))
    return built.filter(lambda model: model is not None)


def _built(kind: type[BaseModel], values: dict[str, Any]) -> BaseModel | None:
    try:
        return kind(**values)
    except ValidationError:
        return None


def _value(
    hint: Any, bounds: list[Any], words: dict[Any, st.SearchStrategy[Any]] = PLAIN
) -> st.SearchStrategy[Any]:
    if hint in words:
        return words[hint]
    if hint in PLAIN:
        return PLAIN[hint]
    if hint is int:
        return _whole_number(bounds)
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _value(inner[0], [*bounds, *_flat(inner[1:])], words)
    if origin is Literal:
        return st.sampled_from(inner)
    if origin is tuple:
        return st.lists(_value(inner[0], []), max_size=3).map(tuple)
    if origin in (Union, UnionType):
        return st.one_of([_value(each, bounds, words) for each in inner if each is not Erased])
    if issubclass(hint, Enum):
        return st.sampled_from(hint)
    if issubclass(hint, BaseModel):
        return _model(hint)
    return st.from_type(hint)


def _flat(marks: tuple[Any, ...]) -> list[Any]:
    return [
        each
        for mark in marks
        for each in (mark.metadata if isinstance(mark, FieldInfo) else [mark])
    ]


def _whole_number(bounds: list[Any]) -> st.SearchStrategy[int]:
    low, high = -(10**6), 10**6
    for bound in bounds:
        match bound:
            case Ge():
                low = max(low, int(bound.ge))  # type: ignore[call-overload]
            case Gt():
                low = max(low, int(bound.gt) + 1)  # type: ignore[call-overload]
            case Le():
                high = min(high, int(bound.le))  # type: ignore[call-overload]
            case Lt():
                high = min(high, int(bound.lt) - 1)  # type: ignore[call-overload]
            case _:
                pass
    return st.integers(low, high)
