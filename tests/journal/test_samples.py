"""What was stored by any version of the program is read by this one, and means what it meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import pytest

from domain import ERASED, Event, Fields, from_version
from domain.task import TaskDone
from tests.journal import samples
from tests.journal.samples import HOW, SUBJECT, mapper, of_the_product, read, stored, today
from tests.journal.test_stored_events import golden


@pytest.mark.parametrize("sample", stored(), ids=lambda sample: sample.schema)
def test_a_stored_sample_still_means_what_it_meant(sample: samples.Sample) -> None:
    assert read(sample) == today(sample), f"{sample.schema} reads otherwise\n{HOW}"


@pytest.mark.parametrize("sample", stored(), ids=lambda sample: sample.schema)
def test_what_is_stored_today_is_stored_in_the_very_bytes_of_the_sample(
    sample: samples.Sample,
) -> None:
    kind = Event.named[sample.name]
    if sample.version < kind.schema_version:
        pytest.skip("no program writes this version any more")
    again = mapper().encode(samples.STREAM, 1, read(sample)).decode()
    if kind.personal:
        again, before = json.loads(again), json.loads(sample.state)
        for name in kind.personal:
            # Sealed anew, never the same; all else is.
            assert (again.pop(name) is None) is (before.pop(name) is None)
        assert again == before
    else:
        assert again == sample.state


def test_every_version_that_was_ever_written_has_a_sample() -> None:
    sampled = {sample.schema for sample in stored()}
    missing = sorted({*of_the_product(), *golden()} - sampled)
    assert not missing, f"no stored sample of {missing}\n{HOW}"


def test_what_is_personal_in_a_sample_is_sealed_and_can_be_erased() -> None:
    erased = mapper()
    erased._keys.of(samples.AGENCY)[SUBJECT] = None
    personal = [sample for sample in stored() if Event.named[sample.name].personal]
    assert len(personal) >= 5
    for sample in personal:
        event = erased.decode(samples.STREAM, 1, sample.name, sample.version, sample.state.encode())
        for name in type(event).personal:
            known = sample.means[name]
            assert getattr(event, name) == (None if known is None else ERASED)
            assert not isinstance(known, str) or known not in sample.state


def test_a_new_event_without_a_sample_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    class TaskForgotten(TaskDone):
        __module__ = "domain.task"

    with pytest.raises(
        AssertionError, match=r"no stored sample of \['TaskForgotten@1'\](.|\n)*renew"
    ):
        test_every_version_that_was_ever_written_has_a_sample()
    del Event.named["TaskForgotten"]


def test_a_changed_event_wants_a_sample_and_keeps_the_old_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = stored()
    copy = tmp_path / "samples.json"
    copy.write_text(samples.FILE.read_text())
    monkeypatch.setattr(samples, "FILE", copy)

    class Changed(TaskDone):
        schema_version: ClassVar[int] = 2
        by_phone: bool = False

        @from_version(1)
        def _nobody_phoned(fields: Fields) -> Fields:
            return {**fields, "by_phone": False}

    del Event.named["Changed"]
    Changed.__module__, Changed.__name__ = "domain.task", "TaskDone"
    monkeypatch.setitem(Event.named, "TaskDone", Changed)

    with pytest.raises(AssertionError, match="TaskDone@2"):
        test_every_version_that_was_ever_written_has_a_sample()
    samples.renew()
    test_every_version_that_was_ever_written_has_a_sample()
    assert [sample for sample in stored() if sample.schema != "TaskDone@2"] == before
    for sample in stored():
        assert read(sample) == today(sample)
