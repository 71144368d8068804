"""Tasks: what the product cannot settle by itself and asks a person of the agency to do."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from domain import Event, NotFound

TaskKind = Literal["payment_unknown", "payment_amount_differs"]


class TaskRaised(Event):
    """A person is needed."""

    task_id: UUID
    kind: TaskKind
    about_id: UUID
    lease_id: UUID | None
    raised_at: datetime


class TaskDone(Event):
    """Somebody saw to it."""

    task_id: UUID
    outcome: str


TaskEvent = TaskRaised | TaskDone


class NoSuchTask(NotFound):
    """No task has this id in this agency."""
