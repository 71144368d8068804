"""The auditor's pages: a history in words, a chain from cause to effect, a lease at two dates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.answers import found
from api.audit import READ, reader_of
from api.doors import Visit
from api.limits import BIGGEST
from api.pages import moment as said_at
from api.pages import spoken, to
from api.pages.audit_door import enter, router, shown
from api.pages.audit_shown import days, two_states
from api.pages.problems import missing
from api.pages.words import WORDS
from api.problems import Problem
from domain.words import Language
from projections.agencies import agency_named
from projections.freshness import freshness
from projections.hindsight import hindsight
from projections.story import Reader, at, chain, first_cause, moments, whole_command
from projections.subjects import (
    BackwardPeriod,
    NothingKnown,
    Subject,
    entries_in,
    ids_of,
    lease_id_of,
    window,
)
from projections.two_dates import NotShownYet, Unanswerable, read_as_of, read_known_at

AT_ONCE = 60
"""Moments on one page."""
LONGEST = 200

Typed = Annotated[str, Query(max_length=LONGEST)]


@dataclass(frozen=True, slots=True)
class Room:
    """An auditor in one agency, in front of a page."""

    request: Request
    visit: Visit
    slug: str
    position: int
    """How far the read models are."""
    late: bool
    language: Language

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        with self.visit.parts.pool.connection() as connection:
            yield reader_of(self.visit, connection, self.language)

    def show(self, template: str, here: str, values: dict[str, Any], status: int = 200) -> Response:
        words = WORDS[self.language]
        with self.visit.parts.pool.connection() as connection:
            house = found(agency_named(connection, self.visit.agency))
        age = words["audit_age_late" if self.late else "audit_age"].format(position=self.position)
        frame = {
            "slug": self.slug, "here": here, "role": self.visit.principal.role.value,
            "agency": house.legal_name, "age": age, "late": self.late, "fault": None,
            "wrong": (),
            "principal": self.visit.principal,
        }  # fmt: skip
        return shown(self.request, template, {**frame, **values}, status=status)


async def come_into(request: Request, slug: str) -> Room:
    """Let the auditor in once the read models show what the journal holds by now.

    When they take too long, what they show is shown with its position.
    """
    visit = await enter(request, slug)
    parts = visit.parts
    head, _ = await run_in_threadpool(parts.office.journal.head, visit.agency)
    reached = await parts.waiter.reached(visit.agency, head, READ, parts.wait_seconds)
    position = await run_in_threadpool(_shown_position, visit)
    return Room(request, visit, slug, position, not reached, spoken(request))


Inside = Annotated[Room, Depends(come_into)]


@router.get("/{slug}")
async def begin(request: Request, slug: str) -> Response:
    """The first page of an agency."""
    await enter(request, slug)
    return to(f"/audit/{slug}/histoire")


@router.api_route("/{slug}/histoire", methods=["GET", "HEAD"])
def history(
    room: Inside,
    sujet: Subject = Subject.LEASE,
    ref: Typed = "",
    du: Typed = "",
    au: Typed = "",
    apres: Annotated[int, Query(ge=0, le=BIGGEST)] = 0,
) -> Response:
    """What happened to something, or all that happened in a period, as a timeline."""
    asked = {"sujet": sujet.value, "ref": ref, "du": du, "au": au}
    values: dict[str, Any] = {**asked, "subjects": list(Subject), "days": [], "more": None}
    words = WORDS[room.language]
    if not ref and sujet is not Subject.PERIOD:
        fault = words["audit_ask_reference"] if "sujet" in room.request.query_params else None
        values |= {"fault": fault, "wrong": ("ref",), "empty": words["audit_begin"]}
        return room.show("audit_history.html", "histoire", values)
    try:
        with room.reading() as reader:
            ids = ids_of(reader, sujet, ref.strip())
            bounds = [read_known_at(written) if written.strip() else None for written in (du, au)]
            stretch = window(reader, *bounds)
            entries = entries_in(reader, ids, stretch, apres, AT_ONCE + 1)
            told = moments(reader, entries[:AT_ONCE])
    except (NothingKnown, BackwardPeriod, *Unanswerable) as refused:
        status = 404 if isinstance(refused, NothingKnown) else 422
        wrong = ("ref",) if isinstance(refused, NothingKnown) else ("du", "au")
        values |= {"fault": refused.told(room.language), "wrong": wrong, "empty": None}
        return room.show("audit_history.html", "histoire", values, status)
    if len(entries) > AT_ONCE:
        values["more"] = "?" + urlencode({**asked, "apres": told[-1].position, **_lang(room)})
    values |= {"days": days(told, room.language), "empty": None if told else words["audit_nothing"]}
    return room.show("audit_history.html", "histoire", values)


@router.api_route("/{slug}/chaine/{position}", methods=["GET", "HEAD"])
def whole_chain(room: Inside, position: int) -> Response:
    """All that led to an entry and all that followed from it."""
    if not 1 <= position <= BIGGEST:
        raise Problem("not_found")
    with room.reading() as reader:
        entry = found(next(iter(at(reader, [position])), None))
        links = chain(reader, whole_command(reader, first_cause(reader, entry)))
    values = {"days": days(links, room.language), "position": position}
    return room.show("audit_chain.html", "histoire", values)


@router.api_route("/{slug}/deux-dates", methods=["GET", "HEAD"])
def dates(room: Inside, ref: Typed = "", au: Typed = "", su: Typed = "") -> Response:
    """A lease on one date, as it was known at another, and what was learnt since."""
    asked = {"ref": ref, "au": au, "su": su}
    values: dict[str, Any] = {**asked, "seen": None, "empty": None}
    if not ref.strip():
        values["empty"] = WORDS[room.language]["audit_begin_dates"]
        return room.show("audit_dates.html", "deux-dates", values)
    wrong = "ref"
    try:
        with room.reading() as reader:
            about = lease_id_of(reader, ref.strip())
            wrong = "au"
            on = read_as_of(au) if au.strip() else None
            wrong = "su"
            known = read_known_at(su) if su.strip() else None
            now = room.visit.parts.office.clock()
            seen = hindsight(reader, about, on, known, now, diff=True, shown=room.position)
            (first,) = at(reader, seen.now.positions[:1])
    except NotShownYet:
        raise Problem("not_yet") from None
    except (NothingKnown, *Unanswerable) as refused:
        values |= {"fault": refused.told(room.language), "wrong": (wrong,)}
        status = 404 if isinstance(refused, NothingKnown) else 422
        return room.show("audit_dates.html", "deux-dates", values, status)
    values["seen"] = two_states(seen, room.language)
    values["first_at"] = said_at(first.recorded_at, room.language)
    values["known_recorded"] = said_at(seen.state.dates.recorded_at, room.language)
    pinned = {"ref": ref, "au": seen.state.dates.as_of_on, "su": seen.state.dates.position}
    values["permalink"] = "?" + urlencode({**pinned, **_lang(room)})
    return room.show("audit_dates.html", "deux-dates", values)


@router.api_route("/{rest:path}", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def elsewhere(request: Request) -> Response:
    """Every other address, so that a person never meets JSON."""
    return missing(request, "audit_")


def _lang(room: Room) -> dict[str, str]:
    asked = room.request.query_params.get("lang")
    return {"lang": asked} if asked in WORDS else {}


def _shown_position(visit: Visit) -> int:
    with visit.parts.pool.connection() as connection:
        return freshness(connection, visit.agency, *READ).position


__all__ = ["router"]
