"""A message is claimed and nobody hears so: it comes back, though its worker lives on."""

from __future__ import annotations

from time import monotonic

import dramatiq
from dramatiq.errors import BrokerConnectionError

from tests.faults.business import PATIENCE_SECONDS, Desk
from tests.faults.proxy import Proxy
from workers.broker import DatabaseBroker

MESSAGES = 20
CUTS = 3


def test_every_message_comes_however_its_claim_is_cut(desk: Desk, between: Proxy) -> None:
    sender = DatabaseBroker(desk.rooms.url)
    broker = DatabaseBroker(
        between.url, heartbeat_interval=0.2, heartbeat_ttl=1.0, maintenance_interval=0.2,
        poll_interval=0.05,
    )  # fmt: skip
    come = dramatiq.actor(broker=sender, actor_name="come", queue_name="cut")(print)
    for n in range(MESSAGES):
        come.send(n)
    came: set[int] = set()
    between.cut_commits(every=3)
    deadline = monotonic() + PATIENCE_SECONDS
    consumer = broker.consume("cut", prefetch=4)
    try:
        while len(came) < MESSAGES:
            assert monotonic() < deadline, f"only {sorted(came)} came"
            try:
                while (message := next(consumer)) is not None:
                    came.add(message.args[0])
                    consumer.ack(message)
            except BrokerConnectionError:
                consumer.close()
                consumer = broker.consume("cut", prefetch=4)
            if between.cuts_after >= CUTS:
                between.cut_commits(every=0)
    finally:
        between.cut_commits(every=0)
        consumer.close()
        broker.close()
        sender.close()
    assert between.cuts_after >= CUTS
