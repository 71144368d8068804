"""What happens because of what was recorded happens once, over a real queue and real workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from queue import SimpleQueue
from select import select
from threading import Event, Thread
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import dramatiq
import psycopg
import pytest
from dramatiq import Broker, Worker
from psycopg_pool import ConnectionPool

from aggregates.cells import Cells
from commands import Office, utc_now
from commands.task import CompleteTask
from domain.task import TaskDone, TaskRaised
from journal import Envelope, Fact, Recorded
from journal.append import Append
from tests.projections.logs import LILAS, ROSES, Logs, open_logs
from workers.broker import DatabaseBroker, PromptNotifier, open_broker
from workers.reaction_positions import start_at_head
from workers.reactions import Act, When, command_id, declare, run

PATIENCE_SECONDS = 30.0
PROJECT = Path(__file__).parents[2]
BROKER_URL = os.environ.get("BROKER_URL")


@pytest.fixture
def logs(database_url: str) -> Iterator[Logs]:
    with open_logs(database_url) as opened:
        yield opened


@dataclass
class Desk:
    """Reactions at work: what they are asked, in the order in which it ended."""

    logs: Logs
    reacted: SimpleQueue[tuple[str, UUID, int]] = field(default_factory=SimpleQueue)
    stumbles: int = 0

    def complete_task(self, entry: Recorded, act: Act) -> None:
        if self.stumbles:
            self.stumbles -= 1
            raise ConnectionError("the outside is not there")
        assert isinstance(entry.event, TaskRaised)
        act(CompleteTask(task_id=entry.event.task_id, outcome="seen_to"))
        self.reacted.put(("complete_task", entry.agency, entry.position))

    def note_task(self, entry: Recorded, act: Act) -> None:
        self.reacted.put(("note_task", entry.agency, entry.position))

    def next(self) -> tuple[str, UUID, int]:
        return self.reacted.get(timeout=PATIENCE_SECONDS)

    def raise_task(self, agency: UUID = LILAS) -> UUID:
        task_id, its_command = uuid4(), uuid4()
        event = TaskRaised(
            task_id=task_id, kind="payment_unknown", about_id=uuid4(), lease_id=None,
            raised_at=datetime(2026, 11, 5, tzinfo=UTC),
        )  # fmt: skip
        envelope = Envelope("a test", its_command, its_command, date(2026, 11, 5))
        journal = self.logs.journal
        entries = journal.entries(agency, [Fact(task_id, 1, event)], envelope)
        append = Append(agency.bytes, entries)
        journal.submit(append)
        append.result()
        return task_id


@contextmanager
def at_work(desk: Desk, when: When, *, times: int = 1, queue: bool = True) -> Iterator[Broker]:
    """Followers and workers over the queue, stopped and joined at the end."""
    broker = open_broker(desk.logs.url)
    office = Office(desk.logs.journal, Cells(desk.logs.journal), utc_now)
    react = declare(broker, office, when)
    stop = Event()
    threads = [
        Thread(target=run, args=(stop, desk.logs.connect, react, when)) for _ in range(times)
    ]
    worker = Worker(broker, worker_threads=2, worker_timeout=100)
    for thread in threads:
        thread.start()
    if queue:
        worker.start()
    try:
        yield broker
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
        if queue:
            worker.stop()
        broker.close()


def done(logs: Logs, agency: UUID = LILAS) -> list[Recorded]:
    return [entry for entry in logs.entries(agency) if isinstance(entry.event, TaskDone)]


def established(desk: Desk, when: When) -> None:
    """Let the reactions be known, so that they are not new when the test begins."""
    with at_work(desk, when, queue=False):
        wait_until(desk.logs, "SELECT count(*) >= 3 FROM reaction_positions")


def wait_until(logs: Logs, question: str) -> None:
    """Ask again until it is so; another thread is at it."""
    deadline = monotonic() + PATIENCE_SECONDS
    with logs.connect() as connection:
        while connection.execute(question).fetchone() != (True,):
            assert monotonic() < deadline, question


def test_a_reaction_gives_one_command_that_names_its_cause(logs: Logs) -> None:
    desk = Desk(logs)
    when: When = {TaskRaised: [desk.complete_task]}
    established(desk, when)
    with at_work(desk, when):
        for agency in (LILAS, ROSES):
            desk.raise_task(agency)
            assert desk.next() == ("complete_task", agency, 1)
    for agency in (LILAS, ROSES):
        (cause, _), (answer,) = logs.entries(agency), done(logs, agency)
        assert answer.actor == "reaction"
        assert answer.causation_id == cause.event_id
        assert answer.correlation_id == cause.correlation_id
        assert answer.command_id == command_id(cause.event_id, "complete_task")


def test_two_followers_and_every_message_twice_end_in_one_command(logs: Logs) -> None:
    desk = Desk(logs)
    when: When = {TaskRaised: [desk.complete_task]}
    established(desk, when)
    with at_work(desk, when, times=2) as broker:
        for position in range(1, 11):
            desk.raise_task()
            entry = logs.journal.at(LILAS, [2 * position - 1])[0]
            again = broker.get_actor("react").message(
                "complete_task", str(LILAS), entry.position, str(entry.event_id)
            )
            broker.enqueue(again)
            while len(done(logs)) < position:
                desk.next()
    assert len(done(logs)) == 10


def test_a_reaction_that_is_new_starts_at_the_head(logs: Logs) -> None:
    desk = Desk(logs)
    first: When = {TaskRaised: [desk.note_task]}
    established(desk, first)
    desk.raise_task()
    with at_work(desk, first):
        assert desk.next() == ("note_task", LILAS, 1)
    both: When = {TaskRaised: [desk.note_task, desk.complete_task]}
    with at_work(desk, both):
        wait_until(logs, "SELECT count(*) = 6 FROM reaction_positions")
        desk.raise_task()
        assert {desk.next(), desk.next()} == {
            ("note_task", LILAS, 2),
            ("complete_task", LILAS, 2),
        }
    assert len(done(logs)) == 1


def test_what_was_recorded_while_nobody_followed_is_reacted_to(logs: Logs) -> None:
    desk = Desk(logs)
    when: When = {TaskRaised: [desk.note_task]}
    established(desk, when)
    newcomer = uuid4()
    logs.journal.open_log(newcomer)
    for agency in (LILAS, newcomer):
        desk.raise_task(agency)
        desk.raise_task(agency)
    with at_work(desk, when):
        heard = sorted([desk.next() for _ in range(4)], key=str)
    expected = [("note_task", agency, n) for agency in (LILAS, newcomer) for n in (1, 2)]
    assert heard == sorted(expected, key=str)


def test_of_an_imported_journal_no_reaction_hears(logs: Logs) -> None:
    desk = Desk(logs)
    when: When = {TaskRaised: [desk.note_task]}
    established(desk, when)
    for _ in range(3):
        desk.raise_task(ROSES)
    with logs.connect() as connection:
        start_at_head(connection, ROSES)
    with at_work(desk, when):
        desk.raise_task(ROSES)
        assert desk.next() == ("note_task", ROSES, 4)
        desk.raise_task(LILAS)
        assert desk.next() == ("note_task", LILAS, 1)
    assert desk.reacted.empty()


def test_a_reaction_that_stumbles_is_tried_again(logs: Logs) -> None:
    desk = Desk(logs, stumbles=1)
    when: When = {TaskRaised: [desk.complete_task]}
    established(desk, when)
    with at_work(desk, when):
        desk.raise_task()
        assert desk.next() == ("complete_task", LILAS, 1)
    assert len(done(logs)) == 1


def test_a_refusal_is_told_and_not_tried_again(
    logs: Logs, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(logs)
    refused = Event()

    def complete_nothing(entry: Recorded, act: Act) -> None:
        try:
            act(CompleteTask(task_id=uuid4(), outcome="seen_to"))
        finally:
            refused.set()

    when: When = {TaskRaised: [complete_nothing]}
    established(desk, when)
    with at_work(desk, when):
        desk.raise_task()
        assert refused.wait(PATIENCE_SECONDS)
        wait_until(logs, "SELECT count(*) = 1 FROM dramatiq.queue WHERE state = 'rejected'")
    assert [r.message for r in caplog.records if r.name == "quittance.workers"] == [
        "reactions.refused"
    ]


def test_following_survives_that_all_its_connections_are_cut(logs: Logs) -> None:
    desk = Desk(logs)
    when: When = {TaskRaised: [desk.note_task]}
    established(desk, when)
    with at_work(desk, when, queue=False):
        for n in (1, 2):
            logs.cut_connections()
            desk.raise_task()
            wait_until(logs, f"SELECT count(*) = {n} FROM dramatiq.queue")


def test_no_message_waits_for_the_next_poll(database_url: str) -> None:
    """A lost wake-up would cost half a minute here; stock loses one in a hundred."""
    broker = DatabaseBroker(database_url, poll_interval=PATIENCE_SECONDS)
    actor = dramatiq.actor(broker=broker, actor_name="come", queue_name="prompt")(print)
    consumer = broker.consume("prompt", prefetch=2, timeout=int(PATIENCE_SECONDS * 1_000))
    wanted: SimpleQueue[int | None] = SimpleQueue()

    def send_each_when_it_is_wanted() -> None:
        while (n := wanted.get()) is not None:
            actor.send(n)

    sender = Thread(target=send_each_when_it_is_wanted)
    sender.start()
    try:
        wait_for_listeners(database_url)
        started = monotonic()
        for n in range(500):
            # The message comes while the consumer looks whether there is one.
            wanted.put(n)
            while (message := next(consumer)) is None:
                assert monotonic() - started < PATIENCE_SECONDS, f"message {n} waited"
            assert message.args == (n,)
            consumer.ack(message)
    finally:
        wanted.put(None)
        sender.join(PATIENCE_SECONDS)
        consumer.close()
        broker.close()


def test_a_wake_up_that_the_check_of_the_connection_reads_is_passed_on(database_url: str) -> None:
    with ConnectionPool(database_url, min_size=1, open=True) as pool:
        notifier = PromptNotifier(pool)
        wakeup = Event()
        notifier.subscriptions["prompt"] = {wakeup}
        connection = notifier.ensure_conn()
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute("SELECT pg_notify('prompt', '')")
        arrived, _, _ = select([connection.fileno()], [], [], PATIENCE_SECONDS)
        assert arrived
        notifier.ensure_conn()
        assert wakeup.is_set()
        notifier.drop_conn()


def wait_for_listeners(url: str) -> None:
    deadline = monotonic() + PATIENCE_SECONDS
    listening = (
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()"
        " AND query ILIKE 'LISTEN%%prompt%%'"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(listening).fetchone() != (True,):
            assert monotonic() < deadline


VICTIM = """
import sys, threading, dramatiq
from dramatiq import Worker
from workers.broker import DatabaseBroker
broker = DatabaseBroker(sys.argv[1], heartbeat_interval=0.2, heartbeat_ttl=1.0)
def hold(n):
    print(n, flush=True)
    threading.Event().wait()
dramatiq.actor(broker=broker, actor_name="hold", queue_name="held")(hold)
Worker(broker, worker_threads=1).start()
threading.Event().wait()
"""


def test_the_message_of_a_killed_worker_comes_back(database_url: str) -> None:
    options: dict[str, Any] = {
        "heartbeat_interval": 0.2, "heartbeat_ttl": 1.0, "maintenance_interval": 0.2,
        "poll_interval": 0.1,
    }  # fmt: skip
    broker = DatabaseBroker(database_url, **options)
    came: SimpleQueue[int] = SimpleQueue()
    hold = dramatiq.actor(broker=broker, actor_name="hold", queue_name="held")(came.put)
    hold.send(7)
    with subprocess.Popen(
        [sys.executable, "-c", VICTIM, database_url], stdout=subprocess.PIPE, cwd=PROJECT
    ) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == b"7\n"
        victim.send_signal(signal.SIGKILL)
    worker = Worker(broker, worker_threads=1, worker_timeout=100)
    worker.start()
    try:
        assert came.get(timeout=PATIENCE_SECONDS) == 7
    finally:
        worker.stop()
        broker.close()


@pytest.mark.skipif(BROKER_URL is None, reason="BROKER_URL names no RabbitMQ")
def test_messages_go_over_rabbitmq_where_it_is_set(database_url: str) -> None:
    broker = open_broker(database_url, BROKER_URL)
    came: SimpleQueue[int] = SimpleQueue()
    queue = f"test-{uuid4().hex}"
    come = dramatiq.actor(broker=broker, actor_name="come", queue_name=queue)(came.put)
    worker = Worker(broker, worker_threads=1, worker_timeout=100)
    worker.start()
    try:
        come.send(1)
        assert came.get(timeout=PATIENCE_SECONDS) == 1
    finally:
        worker.stop()
        broker.close()
