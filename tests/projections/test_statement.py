"""The rows of postings answer two dates as the events do, whatever happened."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from journal import EPOCH
from projections.account import Account
from projections.replay import replayed
from projections.statement import balance_as_of, postings
from projections.tables import LIVE
from projections.two_dates import TwoDates
from tests.given import day
from tests.projections.histories import DAYS, History, naive, steps
from tests.projections.story import LILAS, NOBODY, ROSES, stored


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(told=steps, on=DAYS)
def test_rows_of_postings_say_what_the_events_say(database_url: str, told, on) -> None:
    history = History(told)
    with stored(database_url, history.entries, Account()) as connection:
        for lease in history.leases:
            for known in range(0, len(history.entries) + 1, 3):
                owed, *_ = naive(history.entries, lease, on, known)
                asked = {"on": on, "known": known}
                for agency in (LILAS, ROSES):
                    assert balance_as_of(connection, agency, lease, **asked) == owed
                assert balance_as_of(connection, NOBODY, lease, **asked) == 0
                dates = TwoDates(on, known, EPOCH)
                lines = replayed(history.entries, lease, dates).account.postings
                assert tuple(postings(connection, LILAS, lease, **asked)) == lines
        for kind in Account.rows:
            connection.execute(f"TRUNCATE {LIVE}.{kind.table}")


def test_a_statement_has_pages_at_two_dates_too(database_url: str) -> None:
    history = History([("bill", 0, 1, 1), ("pay", 0, 3, 10), ("bill", 0, 1, 20)])
    lease, on = history.leases[0], day("31/05/2026")
    with stored(database_url, history.entries, Account()) as connection:
        asked = {"on": on, "known": len(history.entries)}
        whole = postings(connection, LILAS, lease, **asked)
        assert [line.kind for line in whole] == ["opening_balance", "rent", "charges", "payment"]
        first = postings(connection, LILAS, lease, limit=3, **asked)
        rest = postings(connection, LILAS, lease, after=first[-1].position, **asked)
        assert first + rest == whole
        assert len(postings(connection, LILAS, lease)) == 6
