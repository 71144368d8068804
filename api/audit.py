"""The auditor's reading: every history, the state at two dates, and the journal as it is kept."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from psycopg import Connection
from pydantic import BaseModel

from access import tokens
from api.answers import Fresh, Limit, Page, as_of, found, page
from api.dates import AskedDates, Bound
from api.doors import Visit, fresh
from api.kinds import language_of
from api.limits import BIGGEST
from api.problems import documented
from domain.principal import Role
from domain.words import Language
from projections.hindsight import ReplayAnswer, as_answer, hindsight
from projections.leases import lease
from projections.stored_entries import StoredEntry, stored_entries
from projections.story import Link, Moment, Reader, at, chain, first_cause, moments, whole_command
from projections.subjects import Subject, entries_in, ids_of, window
from projections.two_dates import read_known_at

AUDIT = frozenset({Role.AUDITOR, Role.ADMIN})
READ = ("timeline", "people", "leases", "payments", "invoices", "receipts")

router = APIRouter(
    prefix="/v1/agencies/{agency}",
    tags=["audit"],
    responses=documented(401, 403, 404, 422, 503),
)
Auditor = Annotated[Visit, Depends(fresh(*READ, allowed=AUDIT))]
After = Annotated[int, Query(ge=0, le=BIGGEST, description="After this position.")]


class Replay(BaseModel):
    replay: ReplayAnswer
    freshness: Fresh


class Chain(BaseModel):
    """Moments from cause to effect; `depth` counts the steps from what set them off."""

    links: list[Link]
    freshness: Fresh


def reader_of(visit: Visit, connection: Connection[Any], language: Language) -> Reader:
    """Somebody who reads this agency's journal."""
    return Reader(connection, visit.parts.office.journal, visit.agency, language, tokens)


@router.get("/history", response_model=Page[Moment])
def list_history(
    request: Request,
    visit: Auditor,
    subject: Subject,
    reference: Annotated[str, Query(max_length=200)] = "",
    since: Annotated[Bound, Query(alias="from")] = None,
    until: Annotated[Bound, Query(alias="to")] = None,
    after: After = 0,
    limit: Limit = 100,
) -> object:
    """What happened to a subject, or what an agent did, or all of a period, in words."""
    first = None if since is None else read_known_at(since)
    last = None if until is None else read_known_at(until)
    with visit.parts.pool.connection() as connection:
        fresh_as = as_of(connection, visit.agency, *READ)
        reader = reader_of(visit, connection, language_of(request))
        ids = ids_of(reader, subject, reference)
        entries = entries_in(reader, ids, window(reader, first, last), after, limit)
        told = moments(reader, entries)
    return page(told, limit, str(told[-1].position) if told else None, fresh_as)


@router.get("/entries", response_model=Page[StoredEntry])
def list_entries(visit: Auditor, after: After = 0, limit: Limit = 100) -> object:
    """The journal as it is stored: envelope, bytes and hash of every entry, in order.

    Personal fields stay sealed. Each hash can be recomputed from the one before.
    """
    with visit.parts.pool.connection() as connection:
        fresh_as = as_of(connection, visit.agency, *READ)
        rows = stored_entries(connection, visit.agency, after, limit)
    return page(rows, limit, str(rows[-1].position) if rows else None, fresh_as)


@router.get("/entries/{position}/chain", response_model=Chain)
def get_chain(
    request: Request, visit: Auditor, position: Annotated[int, Path(ge=1, le=BIGGEST)]
) -> object:
    """What set an entry off and all that followed from it, across aggregates."""
    with visit.parts.pool.connection() as connection:
        fresh_as = as_of(connection, visit.agency, *READ)
        reader = reader_of(visit, connection, language_of(request))
        entry = found(next(iter(at(reader, [position])), None))
        first = first_cause(reader, entry)
        links = chain(reader, whole_command(reader, first))
    return {"links": links, "freshness": fresh_as}


@router.get("/leases/{lease_id}/replay", response_model=Replay)
def get_replay(
    request: Request, visit: Auditor, lease_id: UUID, dates: AskedDates, diff: bool = False
) -> object:
    """A lease as it was true on one date and known at another; with what was learnt since."""
    language = language_of(request)
    with visit.parts.pool.connection() as connection:
        fresh_as = as_of(connection, visit.agency, *READ)
        found(lease(connection, visit.agency, lease_id))
        reader, now = reader_of(visit, connection, language), visit.parts.office.clock()
        shown = fresh_as.position
        seen = hindsight(reader, lease_id, *dates, now, diff=diff, shown=shown)
    return {"replay": as_answer(seen, language), "freshness": fresh_as}


__all__ = ["AUDIT", "reader_of", "router"]
