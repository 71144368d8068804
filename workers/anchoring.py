"""Anchoring: from time to time, what all heads are is signed and kept outside the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from obstore.exceptions import BaseError
from psycopg import Connection
from psycopg_pool import ConnectionPool

from journal.anchors import (
    Anchor,
    AnchoredHead,
    BadAnchor,
    file_name,
    opened,
    public_key,
    root,
    sealed,
)
from outside.files import Files

TRIES = 5

_LAST = "SELECT number, anchored_at, root, sha256 FROM anchors ORDER BY number DESC LIMIT 1"
_HEADS = "SELECT agency, position, hash FROM heads WHERE position > 0 ORDER BY agency"
_REMEMBER = """
INSERT INTO anchors (number, anchored_at, root, sha256) VALUES (%s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""


class AnchorsUnreachable(Exception):
    """The place where anchors are kept cannot be read or written."""


class ForeignAnchor(Exception):
    """The place holds, under the next number, what is no anchor of this program's key."""


class Anchoring:
    """Makes anchors, one after the other, however many processes try at once."""

    def __init__(
        self,
        pool: ConnectionPool[Connection[Any]],
        files: Files,
        key: bytes,
        clock: Callable[[], datetime],
    ) -> None:
        self._pool = pool
        self._files = files
        self._key = key
        self._clock = clock

    def anchor(self, *, every: timedelta = timedelta(0)) -> Anchor | None:
        """Anchor all heads, unless the last anchor is younger than `every` or says the same.

        Raises AnchorsUnreachable, ForeignAnchor.
        """
        for _ in range(TRIES):
            with self._pool.connection() as connection:
                last = connection.execute(_LAST).fetchone()
                if last is not None and self._clock() - last[1] < every:
                    return None
                # After the last anchor is known: who comes second finds its number taken, and
                # looks again, so that no later anchor tells of earlier heads.
                heads = [AnchoredHead(*row) for row in connection.execute(_HEADS)]
            if not heads or (last and last[2] == root([head.leaf() for head in heads])):
                return None
            number, previous = (last[0] + 1, last[3]) if last else (1, "")
            content = sealed(number, self._clock(), previous, heads, self._key)
            with _reachable():
                ours = self._files.keep(file_name(number), content)
                kept = content if ours else self._files.read(file_name(number))
            anchor = self._remember(number, kept)
            if ours:
                return anchor
        return None

    def _remember(self, number: int, content: bytes | None) -> Anchor:
        """What is kept, the database is told too: also of who was killed before saying so."""
        if content is None:
            raise AnchorsUnreachable(file_name(number))
        try:
            anchor = opened(content, public_key(self._key))
        except BadAnchor as bad:
            raise ForeignAnchor(f"{file_name(number)}: {bad.fault}") from None
        digest = sha256(content).hexdigest()
        with self._pool.connection() as connection:
            connection.execute(_REMEMBER, [number, anchor.anchored_at, anchor.root, digest])
        return anchor


def kept_anchors(files: Files) -> dict[int, bytes]:
    """Everything that is kept as an anchor, by number. Raises AnchorsUnreachable."""
    with _reachable():
        return {n: files.read(file_name(n)) or b"" for n in kept_numbers(files)}


def kept_numbers(files: Files) -> list[int]:
    """The numbers under which anchors are kept. Raises AnchorsUnreachable."""
    with _reachable():
        stems = [name.removesuffix(".json") for name in files.names() if name.endswith(".json")]
    return [
        int(stem) for stem in stems if stem.isdecimal() and file_name(int(stem)) == f"{stem}.json"
    ]


def remembered_anchors(connection: Connection[Any]) -> dict[int, str]:
    """The SHA-256 of each anchor that the database knows of."""
    return dict(connection.execute("SELECT number, sha256 FROM anchors").fetchall())


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as lost:
        raise AnchorsUnreachable(type(lost).__name__) from lost
