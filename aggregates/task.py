"""A task: raised once about something, done by somebody."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never
from uuid import UUID

from aggregates import Aggregate
from domain.task import TaskDone, TaskEvent, TaskKind, TaskRaised


class Task(Aggregate):
    """Its natural key: kind, and what it is about."""

    kind = "task"

    done: bool = False

    def raise_about(
        self, task: TaskKind, about_id: UUID, lease_id: UUID | None, at: datetime
    ) -> None:
        if not self.exists:
            self.trigger_event(
                TaskRaised,
                task_id=self.id,
                kind=task,
                about_id=about_id,
                lease_id=lease_id,
                raised_at=at,
            )

    def complete(self, outcome: str) -> None:
        if not self.done:
            self.trigger_event(TaskDone, task_id=self.id, outcome=outcome)

    def evolve(self, event: TaskEvent) -> None:
        match event:
            case TaskRaised():
                self.done = False
            case TaskDone():
                self.done = True
            case _:
                assert_never(event)
