"""The connection ends between a commit and its answer: what was kept is found, not done twice."""

from __future__ import annotations

from tests.faults.business import Business, Desk, projecting
from tests.faults.load import asking
from tests.faults.promises import check
from tests.faults.proxy import Proxy

CUTS = 12


def test_who_commits_and_hears_nothing_learns_what_became_of_it(
    desk: Desk, cut: Desk, between: Proxy, business: Business
) -> None:
    with projecting(cut.rooms), asking(business, [cut, cut, cut, desk]) as load:
        load.wait_for(10)
        between.cut_commits(every=6)
        while between.cuts_after < CUTS:
            load.wait_for(5)
        between.cut_commits(every=0)
        load.wait_for(10)
        load.stop()
        check(desk.rooms, load, cut)
