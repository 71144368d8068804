"""A batch on its way: what of it gets into each log, with positions and hashes given ahead."""

from __future__ import annotations

from time import time_ns

from journal import columns
from journal.append import Append, Entry, Once, Read
from journal.chain import header, link
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

    def keep(self) -> None:
        """It is committed."""
        # A memory that was learnt anew meanwhile knows more than this plan did.
        if self.generation == self.log.generation:
            self.log.confirm(self.ends[-1], self.versions)
        for append, end in zip(self.appends, self.ends, strict=True):
            append.succeed(end)


def parameters(plans: list[Plan]) -> list[columns.Column]:
    """The batch as columns, in the order that the statement names them."""
    entries: list[Entry] = []
    agencies: list[bytes] = []
    positions: list[int] = []
    instants: list[int] = []
    hashes: list[bytes] = []
    answers: list[tuple[bytes, int, Once]] = []
    for plan in plans:
        own = [entry for append in plan.appends for entry in append.entries]
        entries += own
        agencies += [plan.log.agency] * len(own)
        positions += range(plan.expected + 1, plan.expected + 1 + len(own))
        instants += [plan.recorded_at_us] * len(own)
        hashes += plan.hashes
        answers += [
            (plan.log.agency, end, append.once)
            for append, end in zip(plan.appends, plan.ends, strict=True)
            if append.once is not None
        ]
    (
        streams, versions, names, schema_versions, event_ids, dates, actors, behalves,
        commands, correlations, causations, subjects, states, _,
    ) = zip(*entries, strict=True)  # fmt: skip
    uuids, texts, byteas = columns.Uuids.of, columns.Texts.of, columns.Byteas.of
    return [
        uuids([plan.log.agency for plan in plans]),
        columns.Bigints.of([plan.expected for plan in plans]),
        byteas([plan.expected_hash for plan in plans]),
        columns.Bigints.of([plan.ends[-1] for plan in plans]),
        byteas([plan.last for plan in plans]),
        columns.Instants.of([plan.recorded_at_us for plan in plans]),
        uuids(agencies),
        columns.Bigints.of(positions),
        uuids(streams),
        uuids(event_ids),
        uuids(commands),
        uuids(correlations),
        uuids(causations),
        columns.Instants.of(instants),
        columns.Integers.of(versions),
        columns.Integers.of(schema_versions),
        columns.Dates.of(dates),
        texts(names),
        texts(actors),
        texts(behalves),
        texts(subjects),
        byteas(hashes),
        byteas(states),
        uuids([agency for agency, _, _ in answers]),
        texts([once.principal for _, _, once in answers]),
        texts([once.key for _, _, once in answers]),
        byteas([once.body_hash for _, _, once in answers]),
        columns.Bigints.of([end for _, end, _ in answers]),
        byteas([once.answer for _, _, once in answers]),
        columns.Instants.of([once.kept_until_us for _, _, once in answers]),
    ]
