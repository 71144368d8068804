"""Takes exported journals in: the same positions and hashes, in one transaction, or nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection
from pydantic import ValidationError

from aggregates.agency import Agency
from commands import PARIS
from commands.agency import CreateAgency
from domain import stream_id
from domain.agency import AgencyCreated
from domain.principal import OPERATOR
from journal import HOUSE, Envelope, Fact, agency_id
from journal.exchange import ExportFile
from journal.loading import NOTHING, Head, Placed, Told, extend, load, told
from system.office import Premises
from workers.reaction_positions import start_at_head

Report = Callable[[int], None]


def import_journals(
    parts: Premises, paths: Sequence[Path], report: Report = lambda _: None
) -> dict[UUID, Head]:
    """Load whole logs from their files, several parts of one log in order; no reaction hears.

    Raises BadExport, LogNotEmpty, OSError; nothing is changed then.
    """
    with ExitStack() as stack:
        by_agency: dict[UUID, list[ExportFile]] = defaultdict(list)
        for path in paths:
            file = ExportFile(path.name, stack.enter_context(path.open("rb")))
            by_agency[file.opening.agency].append(file)
        heads: dict[UUID, Head] = {}
        done = 0

        def tell(within: int) -> None:
            report(done + within)

        with parts.pool.connection() as connection, connection.transaction():
            # The log of the house first: it says which agencies there are.
            for agency in sorted(by_agency, key=lambda agency: agency != HOUSE):
                files = sorted(by_agency[agency], key=lambda file: file.opening.after)
                heads[agency] = load(connection, agency, _in_turn(files), report=tell)
                done += heads[agency].position
                start_at_head(connection, agency)
            if missing := _missing(connection, by_agency):
                # Under the head's lock, as any other process would append it.
                extend(connection, HOUSE, [_told(parts, event) for event in missing])
                start_at_head(connection, HOUSE)
        parts.journal.bell.ring()
        return heads


def _in_turn(files: Iterable[ExportFile]) -> Iterator[Placed]:
    head = NOTHING
    for file in files:
        for placed in file.entries(head):
            yield placed
            head = Head(placed.position, placed.hash, placed.told.recorded_at_us)


def _missing(
    connection: Connection[Any], by_agency: Mapping[UUID, list[ExportFile]]
) -> list[AgencyCreated]:
    """The imported agencies that the log of the house does not know, as their files say."""
    rows = connection.execute(
        "SELECT convert_from(state, 'UTF8')::jsonb ->> 'agency_id' FROM events"
        " WHERE agency = %s AND name = 'AgencyCreated'",
        [HOUSE],
    )
    known = {UUID(agency) for (agency,) in rows}
    return [
        _described(files[0])
        for agency, files in by_agency.items()
        if agency not in known and agency != HOUSE
    ]


def _described(file: ExportFile) -> AgencyCreated:
    opening = file.opening
    try:
        asked = CreateAgency.model_validate(opening.created)
    except ValidationError:
        raise file.bad("ne décrit pas son agence", "does not describe its agency") from None
    if agency_id(asked.slug) != opening.agency:
        raise file.bad("décrit une autre agence", "describes another agency")
    return AgencyCreated(agency_id=opening.agency, **asked.model_dump())


def _told(parts: Premises, event: AgencyCreated) -> Told:
    now, command = parts.office.clock(), uuid4()
    envelope = Envelope(OPERATOR.name, command, command, now.astimezone(PARIS).date())
    fact = Fact(stream_id(HOUSE, Agency.kind, event.slug), 1, event)
    return told(fact, parts.journal.mapper(HOUSE).encode(*fact), envelope, now)
