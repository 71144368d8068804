"""A batch on its way: what of it gets into each log, with positions and hashes given ahead."""

from __future__ import annotations

from collections.abc import Sequence
from time import time_ns

from journal.append import Append, Read
from journal.chain import header, link
from journal.log import Log
from journal.rows import answered, array, moved, placed


class Plan:
    """The part of a batch that belongs to one agency, with the head as it will be."""

    __slots__ = (
        "answers", "appends", "asked", "ends", "expected", "expected_hash", "generation", "last",
        "log", "position", "recorded_at_us", "rows", "versions",
    )  # fmt: skip

    def __init__(self, known: Log) -> None:
        self.log = known
        self.appends: list[Append] = []
        self.asked: set[tuple[bytes, bytes]] = set()
        self.rows: list[bytes] = []
        self.answers: list[bytes] = []
        self.ends: list[int] = []
        self.expected = self.position = known.position
        self.expected_hash = self.last = known.hash
        self.generation = known.generation
        # Never before the last entry: "known at" follows position even when the clock does not.
        self.recorded_at_us = max(time_ns() // 1000, known.recorded_at_us)
        self.versions: dict[bytes, int] = {}

    def _current(self, stream: bytes, read: Read | None) -> int | None:
        """The version of a stream as of now in this plan; None when it cannot be told."""
        version = self.versions.get(stream)
        if version is None:
            version = self.log.foreseen.get(stream)
        if version is None:
            version = self.log.versions.get(stream)
        if version is None and read is not None and read.as_of >= self.log.since:
            version = read.version
        return version

    def admits(self, append: Append) -> bool:
        """Whether all that it was decided on still stands, and its versions go on from there."""
        for stream, read in append.reads.items():
            current = self._current(stream, read)
            if current is None or max(current, 0) != read.version:
                return False
        seen: dict[bytes, int] = {}
        for stream, version, *_ in append.entries:
            current = seen.get(stream)
            if current is None:
                current = self._current(stream, append.reads.get(stream))
            if current is None or version <= current:
                return False
            seen[stream] = version
        return True

    def add(self, append: Append) -> None:
        agency, position, at = self.log.agency, self.position, self.recorded_at_us
        last, rows, versions = self.last, self.rows, self.versions
        for stream, version, _, state, header_tail, fields in append.entries:
            position += 1
            last = link(last, header(agency, position, at, header_tail), state)
            rows.append(placed(agency, position, at, last, fields))
            versions[stream] = version
        self.last = last
        self.position = position
        if append.once is not None:
            principal, key, fields = append.once
            self.asked.add((principal, key))
            self.answers.append(answered(agency, position, fields))
        self.appends.append(append)
        self.ends.append(position)

    def moved(self) -> bytes:
        """The log's head as it must be and as it will be, as a row."""
        return moved(
            self.log.agency, self.expected, self.expected_hash, self.position, self.last,
            self.recorded_at_us,
        )  # fmt: skip

    def foresee(self) -> None:
        """It is sent: the next plan for this log starts where this one will have ended."""
        self.log.foresee(self.position, self.last, self.recorded_at_us, self.versions)

    def keep(self) -> list[tuple[Append, int]]:
        """It is committed: the log knows; the appends and their positions are to be told."""
        # A memory that was learnt anew meanwhile knows more than this plan did.
        if self.generation == self.log.generation:
            self.log.confirm(self.position, self.versions)
        return list(zip(self.appends, self.ends, strict=True))


def parameters(plans: list[Plan], types: Sequence[int]) -> list[bytes]:
    """The batch as arrays of rows, in the order of the statement; `types` are the rows' oids."""
    heads, entries, answers = types
    return [
        array(heads, [plan.moved() for plan in plans]),
        array(entries, [row for plan in plans for row in plan.rows]),
        array(answers, [row for plan in plans for row in plan.answers]),
    ]
