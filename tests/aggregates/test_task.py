"""A task is raised once, and done once."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid5

from aggregates.task import Task
from domain.task import TaskDone, TaskRaised
from tests.given import LEASE, PAYMENT, given

AT = datetime(2026, 5, 5, 12, 2, tzinfo=UTC)
TASK = uuid5(PAYMENT, "task")
raised = TaskRaised(
    task_id=TASK, kind="payment_unknown", about_id=PAYMENT, lease_id=LEASE, raised_at=AT
)
done = TaskDone(task_id=TASK, outcome="paid_by_transfer")


def test_a_task_is_raised_once_even_when_it_is_done() -> None:
    task = given(Task, stream=TASK)
    task.when(Task.raise_about, "payment_unknown", PAYMENT, LEASE, AT).then(raised)
    task.when(Task.raise_about, "payment_unknown", PAYMENT, LEASE, AT).then()
    task.when(Task.complete, "paid_by_transfer").then(done)
    task.when(Task.raise_about, "payment_unknown", PAYMENT, LEASE, AT).then()


def test_a_task_is_done_once() -> None:
    given(Task, raised, done, stream=TASK).when(Task.complete, "written_off").then()
