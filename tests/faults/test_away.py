"""The database is away for longer than anybody's patience: all is back a moment after it is."""

from __future__ import annotations

from threading import Event
from time import monotonic

from tests.faults.business import METZ, Business, Desk, projecting, until
from tests.faults.load import asking
from tests.faults.promises import check
from tests.faults.proxy import Proxy
from tests.faults.recovery import ALLOWED_SECONDS, Probe, shown_up_to

AWAY_SECONDS = 4.0
"""Long enough that a pause which doubles each time would be longer than what is allowed."""


def test_an_outage_costs_no_more_than_a_second_beyond_its_end(
    desk: Desk, cut: Desk, between: Proxy, business: Business
) -> None:
    with projecting(cut.rooms), asking(business, [cut, cut]) as load:
        load.wait_for(10)
        between.away = True
        between.cut_all()
        Event().wait(AWAY_SECONDS)
        between.away = False
        began = monotonic()
        with Probe(desk.rooms.url) as probe, desk.rooms.connect() as connection:
            wish = business.wish(METZ)
            answer = load.insist(lambda: cut.wish(wish))
            until(lambda: shown_up_to(connection, METZ) >= answer.position, "what was written")
            took = monotonic() - began
        load.stop()
        check(desk.rooms, load, cut)
    assert took < ALLOWED_SECONDS * probe.slowness
