"""A projection says which events it looks at, and looks at all of these."""

from __future__ import annotations

import inspect
from types import CodeType
from typing import Any

import pytest

from domain import Event
from projections import Projection, projected
from system.office import PROJECTIONS
from tests.projections.story import Story


def names_in(code: CodeType) -> set[str]:
    """All global names that a function's code uses, inner functions included."""
    inner = [names_in(const) for const in code.co_consts if isinstance(const, CodeType)]
    return set(code.co_names).union(*inner)


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: projection.name)
def test_every_event_that_a_fold_names_is_read(projection: Projection) -> None:
    if projection.reads is None:
        return
    module = inspect.getmodule(type(projection))
    functions: list[Any] = [projection.touches, projection.fold]
    named = set().union(*(names_in(function.__code__) for function in functions))
    looked_at = {kind for name in named if (kind := Event.named.get(name))}
    assert looked_at <= set(projection.reads)
    assert module is not None
    told = {kind for name, kind in vars(module).items() if Event.named.get(name) is kind}
    assert told <= set(projection.reads)


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: projection.name)
def test_what_is_not_read_changes_nothing(
    projection: Projection, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story()
    rows = projected(projection, story.entries)
    monkeypatch.setattr(type(projection), "reads", None)
    everything = projected(projection, story.entries)
    for kind in projection.rows:
        assert rows.all(kind) == everything.all(kind)
