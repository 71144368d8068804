"""The pages that people see: each is a query rendered, and each form is a command.

Plain HTML that needs no JavaScript. `api/pages/words.py` holds what they say, `templates/` how
they are laid out, `static/` their look.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.kinds import language_of
from api.pages.static import FONT, STYLESHEET
from api.pages.words import OTHER, WORDS
from domain.words import NO_BREAK_SPACE, PARIS, Language, clock_time, long_date

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(
    request: Request,
    template: str,
    language: Language,
    shown: Mapping[str, object],
    *,
    status: int = 200,
    form_action: str = "",
) -> Response:
    """A template with what it shows. `form_action` is where its forms may lead, beside here."""
    text = _TEMPLATES.get_template(template).render(
        w=WORDS[language],
        language=language,
        other=OTHER[language],
        chosen=chosen(request),
        stylesheet=STYLESHEET.address,
        font=FONT.address,
        **{"in_other_language": None, **shown},
    )
    headers = {**guards(form_action), "Content-Language": language, "Vary": "Accept-Language"}
    return Response(text, status, headers, "text/html; charset=utf-8")


def to(address: str) -> Response:
    """Send the browser on; a reload then repeats nothing."""
    return Response(status_code=303, headers={**guards(), "Location": address})


def guards(form_action: str = "") -> dict[str, str]:
    """Headers that keep a page from being kept, framed, told about, or made to load anything."""
    policy = (
        "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
        f"base-uri 'none'; frame-ancestors 'none'; form-action 'self' {form_action}".rstrip()
    )
    return {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Robots-Tag": "noindex",
    }


def spoken(request: Request, otherwise: Language | None = None) -> Language:
    """The language asked for in the address, else the one agreed before, else the browser's."""
    match request.query_params.get("lang"):
        case "fr":
            return "fr"
        case "en":
            return "en"
        case _:
            return otherwise or language_of(request)


def chosen(request: Request) -> str:
    """What keeps the language that was asked for in the next address: `?lang=en` or nothing."""
    asked = request.query_params.get("lang")
    return f"?lang={asked}" if asked in WORDS else ""


def moment(instant: datetime, language: Language) -> str:
    """An instant in Paris: `21 novembre 2026 à 14 h 36`, `21 November 2026 at 14:36`."""
    day = long_date(instant.astimezone(PARIS).date(), language)
    # A day and its month stay together at the end of a line.
    day = day.replace(" ", NO_BREAK_SPACE, 1)
    return f"{day} {'at' if language == 'en' else 'à'} {clock_time(instant, language)}"
