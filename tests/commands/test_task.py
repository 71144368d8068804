"""To say that a task is done."""

from __future__ import annotations

from uuid import uuid4

import pytest
from pydantic import ValidationError

from commands.task import CompleteTask
from domain import NotFound
from domain.task import NoSuchTask, TaskDone, TaskRaised
from tests.commands.test_payment import Desk


def test_a_task_is_done_once() -> None:
    desk = Desk()
    task = desk.confirm(desk.initiate(71100), 71000).one(TaskRaised)
    done = CompleteTask(task_id=task.task_id, outcome="refunded_rest")
    told = desk.books.when(done)
    told.then(TaskDone(task_id=task.task_id, outcome="refunded_rest"))
    assert told.answer == {"task_id": task.task_id}
    desk.books.when(done).then()


def test_only_a_known_task_is_done() -> None:
    desk = Desk()
    desk.books.when(CompleteTask(task_id=uuid4(), outcome="done")).refused(NoSuchTask)
    something_else = desk.books.when(CompleteTask(task_id=desk.lease, outcome="done"))
    assert isinstance(something_else.refusal, NotFound)


@pytest.mark.parametrize("outcome", ["", "Mme Schmitt a payé", "x" * 61, "DONE"])
def test_an_outcome_is_a_code_and_no_prose(outcome: str) -> None:
    with pytest.raises(ValidationError):
        CompleteTask(task_id=uuid4(), outcome=outcome)
