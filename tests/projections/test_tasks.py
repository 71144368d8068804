"""What a person of the agency is asked to do."""

from __future__ import annotations

from dataclasses import replace

from domain.task import TaskRaised
from projections import projected
from projections.tasks import TaskRow, Tasks, open_tasks
from tests.projections.story import LILAS, NOBODY, Story, stored


def expected(story: Story) -> tuple[TaskRow, TaskRow]:
    differs, unknown = (
        TaskRow(e.task_id, entry.position, e.kind, e.about_id, e.lease_id, e.raised_at, None)
        for entry in story.entries
        if isinstance(e := entry.event, TaskRaised)
    )
    assert (differs.about_id, unknown.about_id) == (story.rest, story.lost)
    return replace(differs, outcome="explained"), unknown


def test_a_task_that_is_done_says_how() -> None:
    story = Story()
    done, to_do = expected(story)
    rows = projected(Tasks(), story.entries)
    assert rows.get(TaskRow, done.task_id) == done
    assert rows.get(TaskRow, to_do.task_id) == to_do


def test_only_what_is_not_done_is_to_be_done(database_url: str) -> None:
    story = Story()
    _, to_do = expected(story)
    with stored(database_url, story.entries, Tasks()) as connection:
        assert open_tasks(connection, LILAS) == [to_do]
        assert open_tasks(connection, LILAS, after=to_do.position) == []
        assert open_tasks(connection, NOBODY) == []


def test_tasks_come_oldest_first(database_url: str) -> None:
    story = Story()
    done, to_do = expected(story)
    told = [entry for entry in story.entries if entry.name != "TaskDone"]
    with stored(database_url, told, Tasks()) as connection:
        both = [replace(done, outcome=None), to_do]
        assert open_tasks(connection, LILAS) == both
        assert open_tasks(connection, LILAS, limit=1) == both[:1]
        assert open_tasks(connection, LILAS, after=done.position) == both[1:]
