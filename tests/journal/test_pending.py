"""Commands decide on states that are not committed yet; what rested on a lost one never gets in."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import Refused
from journal import Conflict
from journal.append import Append
from tests.journal.counters import Count, Full, Look
from tests.journal.desk import METZ, NANCY, Desk, desk, holding
from tests.journal.verifier import broken_at

POISON = "NUL \0 is what PostgreSQL refuses in a text"


def ends(append: Append) -> str:
    """How an append ended: kept, conflict, or refused by the database."""
    try:
        append.result()
    except Conflict:
        return "conflict"
    except psycopg.DataError:
        return "refused"
    return "kept"


def test_a_chain_of_appends_in_flight_is_kept_as_a_whole(here: Desk) -> None:
    with holding(here.url, METZ):
        chain = [here.begin(Count(counter="c", tag=f"{n}")) for n in range(20)]
        assert all(append.in_flight for append in chain)

    assert [append.result() for append in chain] == list(range(1, 21))
    assert here.tags() == [f"{n}" for n in range(20)]


def test_what_others_were_faster_with_takes_all_that_rested_on_it_along(
    here: Desk, there: Desk
) -> None:
    here.do(Count(counter="c"))
    there.do(Count(counter="c", tag="theirs"))

    with holding(here.url, METZ):
        first = here.begin(Count(counter="c", tag="on an old state"))
        second = here.begin(Count(counter="c", tag="on that"))
        third = here.begin(Count(counter="c", tag="on that again"))
        apart = here.begin(Count(counter="d", tag="apart"))

    assert [ends(each) for each in (first, second, third)] == ["conflict"] * 3
    assert ends(apart) == "kept"
    assert here.tags() == ["", "theirs", "apart"]
    assert here.do(Look(counter="c")).ids["total"] == 2


def test_a_poisoned_append_fails_alone_with_all_that_rested_on_it(here: Desk) -> None:
    here.do(Count(counter="c"))

    with holding(here.url, METZ):
        before = here.begin(Count(counter="c", tag="before"))
        poisoned = here.begin(Count(counter="c", tag="poisoned"), actor=POISON)
        after = [here.begin(Count(counter="c", tag=f"after {n}")) for n in range(5)]
        apart = here.begin(Count(counter="d", tag="apart"))
        elsewhere = here.begin(Count(counter="c", tag="elsewhere"), agency=NANCY)

    assert ends(poisoned) == "refused"
    assert [ends(each) for each in after] == ["conflict"] * 5
    assert [ends(each) for each in (before, apart, elsewhere)] == ["kept"] * 3
    assert here.do(Count(counter="c", tag="next")).ids["total"] == 3
    assert here.tags() == ["", "before", "apart", "next"]
    assert broken_at(here.url, METZ) is None


def test_what_was_decided_on_a_lost_state_stays_out_of_an_empty_log_too(here: Desk) -> None:
    with holding(here.url, METZ):
        poisoned = here.begin(Count(counter="c", tag="poisoned"), actor=POISON)
        decided = here.decide(Count(counter="c", tag="dependent"))
    assert ends(poisoned) == "refused"

    # Decided while the other was on its way, queued when that had failed already.
    decided.queue()

    assert ends(decided.append) == "conflict"
    assert here.tags() == []


def test_a_refusal_that_rests_on_a_lost_state_is_decided_again(
    here: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided = Event()
    monkeypatch.setattr(Count, "looked", decided.set)

    with ThreadPoolExecutor(1) as threads:
        with holding(here.url, METZ):
            poisoned = here.begin(Count(counter="c"), actor=POISON)
            decided.clear()
            refused_at_first = threads.submit(here.do, Count(counter="c", limit=1))
            assert decided.wait(10)
        assert ends(poisoned) == "refused"

        assert refused_at_first.result().ids["total"] == 1


def test_a_refusal_waits_until_what_it_rests_on_is_durable(
    here: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided = Event()
    monkeypatch.setattr(Count, "looked", decided.set)

    with ThreadPoolExecutor(1) as threads:
        with holding(here.url, METZ):
            filling = here.begin(Count(counter="c"))
            decided.clear()
            refused = threads.submit(here.do, Count(counter="c", limit=1))
            assert decided.wait(10)
            assert not refused.done()

        with pytest.raises(Full):
            refused.result()
    assert ends(filling) == "kept"


def test_a_repetition_meets_the_first_that_is_still_on_its_way(here: Desk) -> None:
    with ThreadPoolExecutor(8) as threads:
        with holding(here.url, METZ):
            same = [threads.submit(here.do, Count(counter="c", limit=1), key="k") for _ in range(8)]
        answers = [each.result() for each in same]

    assert sorted(answer.repeated for answer in answers) == [False] + [True] * 7
    assert {answer.position for answer in answers} == {1}
    assert here.tags() == [""]


def test_a_repetition_in_a_batch_takes_no_neighbour_along(here: Desk) -> None:
    here.do(Count(counter="c", tag="first"), key="k")
    with ThreadPoolExecutor(20) as threads:
        with holding(here.url, METZ):
            asked = [threads.submit(here.do, Count(counter=f"c{n}", tag=f"{n}")) for n in range(12)]
            again = [
                threads.submit(here.do, Count(counter="c", tag="first"), key="k") for _ in range(8)
            ]
        assert all(not each.result().repeated for each in asked)
        assert all(each.result().repeated for each in again)

    assert sorted(here.tags()) == sorted(["first", *(f"{n}" for n in range(12))])


def test_a_state_learnt_anew_is_not_made_old_by_an_answer_that_comes_late(
    here: Desk, there: Desk
) -> None:
    for n in range(40):
        here.do(Count(counter="c"))
        with ThreadPoolExecutor(6) as threads:
            work: list[Callable[[], Any]] = [
                lambda: here.do(Count(counter="c")),
                lambda: there.do(Count(counter="c")),
                lambda: here.do(Count(counter="e")),
                lambda: there.do(Look(counter="c")),
                lambda: here.do(Count(counter="c")),
                lambda n=n: here.do(Count(counter=f"f{n}")),  # type: ignore[misc]
            ]
            for each in [threads.submit(step) for step in work]:
                each.result()

    total = here.do(Look(counter="c")).ids["total"]
    assert total == there.do(Look(counter="c")).ids["total"] == 160


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["here", "there", "poison", "limit", "release", "hold", "cut"]),
        st.sampled_from(["a", "b"]),
    ),
    min_size=4,
    max_size=25,
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS)
def test_in_any_order_of_failures_exactly_what_was_promised_is_kept(
    database_url: str, steps: list[tuple[str, str]]
) -> None:
    """Two offices, one held head, poison and cut connections: told and kept must agree."""
    with desk(database_url) as here, desk(database_url) as there:
        before = here.tags()
        told: list[tuple[str, Append]] = []
        holder: Any = None
        for number, (step, counter) in enumerate(steps):
            tag = f"{number} {step}"
            if step == "hold" and holder is None:
                holder = holding(database_url, METZ)
                holder.__enter__()
            elif step == "release" and holder is not None:
                holder.__exit__(None, None, None)
                holder = None
            elif step == "cut":
                cut_writers(here)
            elif step in ("here", "there", "poison", "limit"):
                office = there if step == "there" else here
                limit = 2 if step == "limit" else None
                actor = POISON if step == "poison" else "operator"
                command = Count(counter=counter, tag=tag, limit=limit)
                decided = office.decide(command, actor=actor)
                if not decided.refused:
                    try:
                        decided.queue()
                    except Conflict:
                        continue
                    told.append((tag, decided.append))
        if holder is not None:
            holder.__exit__(None, None, None)
        kept = [tag for tag, append in told if ends(append) == "kept"]

        log = here.tags()[len(before) :]
        assert sorted(log) == sorted(kept)
        assert_versions_continue(here)
        assert broken_at(here.url, METZ) is None
        fresh = {name: here.do(Look(counter=name)).ids["total"] for name in ("a", "b")}
        assert fresh == {name: there.do(Look(counter=name)).ids["total"] for name in ("a", "b")}
        assert sum(fresh.values()) == len(here.tags())


def assert_versions_continue(here: Desk) -> None:
    """Every stream's versions are 1, 2, 3… in the order of the log."""
    rows = here.rows("SELECT stream, version FROM events ORDER BY position")
    seen: dict[object, int] = {}
    for stream, version in rows:
        assert version == seen.get(stream, 0) + 1
        seen[stream] = version


def cut_writers(here: Desk) -> None:
    """Every connection that writes or asks for a writer dies."""
    here.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'quittance-writer'"
    )


def test_a_refused_command_is_no_reason_to_stop(here: Desk) -> None:
    with pytest.raises(Refused):
        here.do(Count(counter="c", limit=0))

    assert here.do(Count(counter="c")).position == 1


def test_what_rests_on_an_append_that_is_not_in_yet_does_not_get_in_before_it(here: Desk) -> None:
    decided = here.decide(Count(counter="c", tag="first"))
    first = decided.append
    # As when the first fell out of its batch and waits, while the second comes to the writer.
    decided.pretend()

    second = here.begin(Count(counter="c", tag="second"))

    assert ends(second) == "conflict"
    here.journal.submit(first)
    assert ends(first) == "kept"
    assert here.tags() == ["first"]
