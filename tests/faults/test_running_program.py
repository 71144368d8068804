"""Whatever is killed, cut or held while people work: the program goes on, and is right."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from random import Random

import pytest

from tests.faults.business import until
from tests.faults.load import asking
from tests.faults.program import Customer, Program, running_program
from tests.faults.promises import check
from tests.faults.recovery import recovery
from tests.faults.victims import VICTIMS, Victim

THREADS = 4
PAPERS_SECONDS = 30.0
LOOK_SECONDS = 0.3
_PAPERS = """
SELECT count(*) FILTER (WHERE name = 'PaymentTicketIssued'),
    count(*) FILTER (WHERE name = 'DocumentStored') FROM events
"""

log = logging.getLogger("tests.faults")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with running_program(tmp_path_factory.mktemp("program")) as started:
        yield started


def test_it_survives(program: Program, chance: int) -> None:
    dice = Random(chance)
    for victim in dice.sample(VICTIMS, len(VICTIMS)):
        try:
            strike(program, victim, dice)
        except BaseException as fault:
            queue = program.ask(
                "SELECT state, available_at, message->>'options' FROM dramatiq.queue"
            )
            fault.add_note(
                f"after {victim.__name__}; {queue}; {program.output.read_text()[-3000:]}"
            )
            raise


def strike(program: Program, victim: Victim, dice: Random) -> None:
    with Customer(program) as way:
        with asking(program.business, [way] * THREADS) as load:
            load.wait_for(dice.randrange(5, 30))
            with victim(program):
                found = recovery(program, load, way)
            load.wait_for(10)
        log.info("%s: %.3f s, slowness %.1f", victim.__name__, found.took_seconds, found.slowness)
        assert found.in_time, found
        papers_are_kept(program)
        check(program.rooms, load, way)


def papers_are_kept(program: Program) -> None:
    """Every ticket has been rendered and kept, once, however often its message came."""

    def is_so() -> bool:
        ((tickets, papers),) = program.ask(_PAPERS)
        assert papers <= tickets
        return bool(papers == tickets)

    until(is_so, "a paper for every ticket", PAPERS_SECONDS, LOOK_SECONDS)
