"""What is a person of the agency asked to do?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from domain.task import TaskDone, TaskRaised
from journal import Recorded
from projections import Key, Projection, Row, Rows


@dataclass(frozen=True, slots=True)
class TaskRow(Row):
    table: ClassVar = "tasks"
    key: ClassVar = ("task_id",)
    indexes: ClassVar = ("(agency, position) WHERE outcome IS NULL",)

    task_id: UUID
    position: int
    kind: str
    about_id: UUID
    lease_id: UUID | None
    raised_at: datetime
    outcome: str | None


class Tasks(Projection):
    name = "tasks"
    rows = (TaskRow,)
    reads = (TaskRaised, TaskDone)

    def touches(self, entry: Recorded) -> Iterable[tuple[type[Row], Key]]:
        if isinstance(entry.event, TaskDone):
            yield TaskRow, (entry.event.task_id,)

    def fold(self, rows: Rows, entry: Recorded) -> None:
        match entry.event:
            case TaskRaised() as e:
                rows.put(
                    TaskRow(
                        e.task_id, entry.position, e.kind, e.about_id, e.lease_id, e.raised_at, None
                    )
                )
            case TaskDone() as e if task := rows.get(TaskRow, e.task_id):
                rows.put(replace(task, outcome=e.outcome))
            case _:
                pass


def open_tasks(
    connection: Connection, agency: UUID, after: int = 0, limit: int = 100
) -> list[TaskRow]:
    """What is to be done, oldest first."""
    cursor = connection.cursor(row_factory=class_row(TaskRow))
    return cursor.execute(
        "SELECT task_id, position, kind, about_id, lease_id, raised_at, outcome FROM read.tasks"
        " WHERE agency = %s AND outcome IS NULL AND position > %s ORDER BY position LIMIT %s",
        [agency, after, limit],
    ).fetchall()
