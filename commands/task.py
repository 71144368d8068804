"""Say that a task is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from pydantic import Field

from aggregates.store import Store
from aggregates.task import Task
from commands import Command
from domain.task import NoSuchTask


class CompleteTask(Command):
    """Somebody saw to what the product had asked a person for."""

    task_id: UUID
    outcome: Annotated[str, Field(pattern=r"^[a-z_]{1,60}$")]
    """A code, not prose: the journal holds no free text in clear."""

    def handle(self, store: Store) -> Mapping[str, object]:
        task = store.by_id(Task, self.task_id)
        if not task.exists:
            raise NoSuchTask("Cette tâche n'existe pas.", "This task does not exist.")
        task.complete(self.outcome)
        return {"task_id": self.task_id}
