"""How often somebody tries to come in with a wrong secret, and when that is too often."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock

MOST_WRONG = 10
WITHIN = timedelta(minutes=1)
REMEMBERED_PLACES = 10_000


class Attempts:
    """Counts wrong attempts by the place they come from, for this process alone.

    Nobody guesses a token of 32 random bytes; this keeps those who try from costing anything.
    """

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, list[datetime]] = OrderedDict()
        self._lock = Lock()

    def too_many(self, place: str, now: datetime) -> bool:
        """Whether so many went wrong of late that the next is not even looked at."""
        with self._lock:
            recent = [at for at in self._wrong.get(place, ()) if at > now - WITHIN]
            if recent:
                self._wrong[place] = recent
            else:
                self._wrong.pop(place, None)
            return len(recent) >= MOST_WRONG

    def wrong(self, place: str, now: datetime) -> None:
        """Remember a wrong attempt."""
        with self._lock:
            self._wrong.setdefault(place, []).append(now)
            self._wrong.move_to_end(place)
            while len(self._wrong) > REMEMBERED_PLACES:
                self._wrong.popitem(last=False)
