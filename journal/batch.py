"""A batch on its way: what of it gets into each log, with positions and hashes given ahead."""

from __future__ import annotations

from time import time_ns

from journal.append import Append, Entry, Read
from journal.chain import header, link
from journal.columns import Bigints, Byteas, Column, Dates, Instants, Integers, Texts, Uuids
from journal.log import Log


class Plan:
    """The part of a batch that belongs to one agency, with the head as it will be."""

    __slots__ = (
        "appends", "asked", "ends", "expected", "expected_hash", "generation", "hashes", "last",
        "log", "recorded_at_us", "versions",
    )  # fmt: skip

    def __init__(self, known: Log) -> None:
        self.log = known
        self.appends: list[Append] = []
        self.asked: set[tuple[bytes, bytes]] = set()
        self.hashes: list[bytes] = []
        self.ends: list[int] = []
        self.expected = known.position
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
        for entry in append.entries:
            current = seen.get(entry.stream)
            if current is None:
                current = self._current(entry.stream, append.reads.get(entry.stream))
            if current is None or entry.version <= current:
                return False
            seen[entry.stream] = entry.version
        return True

    def add(self, append: Append) -> None:
        agency, position = self.log.agency, self.expected + len(self.hashes)
        for entry in append.entries:
            position += 1
            head = header(agency, position, self.recorded_at_us, entry.header_tail)
            self.last = link(self.last, head, entry.state)
            self.hashes.append(self.last)
            self.versions[entry.stream] = entry.version
        if append.once is not None:
            self.asked.add(append.once[:2])
        self.appends.append(append)
        self.ends.append(position)

    def foresee(self) -> None:
        """It is sent: the next plan for this log starts where this one will have ended."""
        self.log.foresee(self.ends[-1], self.last, self.recorded_at_us, self.versions)

    def keep(self) -> list[tuple[Append, int]]:
        """It is committed: the log knows; the appends and their positions are to be told."""
        # A memory that was learnt anew meanwhile knows more than this plan did.
        if self.generation == self.log.generation:
            self.log.confirm(self.ends[-1], self.versions)
        return list(zip(self.appends, self.ends, strict=True))


def parameters(plans: list[Plan]) -> list[Column]:
    """The batch as columns, in the order that the statement names them."""
    return [*_heads(plans), *_entries(plans), *_answers(plans)]


def _heads(plans: list[Plan]) -> list[Column]:
    return [
        Uuids.of([plan.log.agency for plan in plans]),
        Bigints.of([plan.expected for plan in plans]),
        Byteas.of([plan.expected_hash for plan in plans]),
        Bigints.of([plan.ends[-1] for plan in plans]),
        Byteas.of([plan.last for plan in plans]),
        Instants.of([plan.recorded_at_us for plan in plans]),
    ]


def _entries(plans: list[Plan]) -> list[Column]:
    entries: list[Entry] = []
    agencies: list[bytes] = []
    positions: list[int] = []
    instants: list[int] = []
    hashes: list[bytes] = []
    for plan in plans:
        count = len(plan.hashes)
        entries += [entry for append in plan.appends for entry in append.entries]
        agencies += [plan.log.agency] * count
        positions += range(plan.expected + 1, plan.expected + 1 + count)
        instants += [plan.recorded_at_us] * count
        hashes += plan.hashes
    (
        streams, versions, names, schema_versions, event_ids, dates, actors, behalves,
        commands, correlations, causations, subjects, states, _,
    ) = zip(*entries, strict=True)  # fmt: skip
    return [
        Uuids.of(agencies),
        Bigints.of(positions),
        *(Uuids.of(ids) for ids in (streams, event_ids, commands, correlations, causations)),
        Instants.of(instants),
        Integers.of(versions),
        Integers.of(schema_versions),
        Dates.of(dates),
        *(Texts.of(texts) for texts in (names, actors, behalves, subjects)),
        Byteas.of(hashes),
        Byteas.of(states),
    ]


def _answers(plans: list[Plan]) -> list[Column]:
    """The records of idempotency, each with the position that its append ends at."""
    records = [
        (plan.log.agency, end, append.once)
        for plan in plans
        for append, end in zip(plan.appends, plan.ends, strict=True)
        if append.once is not None
    ]
    return [
        Uuids.of([agency for agency, _, _ in records]),
        Texts.of([once.principal for _, _, once in records]),
        Texts.of([once.key for _, _, once in records]),
        Byteas.of([once.body_hash for _, _, once in records]),
        Bigints.of([end for _, end, _ in records]),
        Byteas.of([once.answer for _, _, once in records]),
        Instants.of([once.kept_until_us for _, _, once in records]),
    ]
