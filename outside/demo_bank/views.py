"""Turns a checkout into the page that its payer sees; every page works without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from outside.demo_bank.cards import FATES
from outside.demo_bank.checkout import Checkout
from outside.demo_bank.words import WORDS, Language, amount, language_of

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"),
    autoescape=True,
    undefined=StrictUndefined,
)

_TONES = {"confirmed": "good", "unknown": "wait", "failed": "bad", "cancelled": "bad"}


def pay_page(
    request: Request,
    checkout: Checkout,
    wrong: Mapping[str, str],
    typed: Mapping[str, str],
) -> Response:
    """The card form. What was typed comes back, save the number and the code."""
    fates = [(" ".join(n[i : i + 4] for i in range(0, 16, 4)), f.value) for n, f in FATES.items()]
    first_wrong = next(iter(wrong), None)
    found = {"wrong": wrong, "typed": typed, "first_wrong": first_wrong, "fates": fates}
    return _page(request, "pay.html", checkout, 422 if wrong else 200, **found)


def challenge_page(request: Request, checkout: Checkout, *, wrong: bool) -> Response:
    return _page(request, "challenge.html", checkout, 422 if wrong else 200, wrong=wrong)


def ended_page(request: Request, checkout: Checkout) -> Response:
    """What a payer finds who comes back after the bank has answered, or has not."""
    about = "cancelled" if checkout.failure_code == "cancelled" else checkout.status
    return _page(request, "ended.html", checkout, 200, about=about, tone=_TONES[about])


def missing_page(request: Request) -> Response:
    return _page(request, "ended.html", None, 404, about="missing", tone="bad")


def to_page(request: Request, checkout: Checkout, step: str = "") -> Response:
    """Send the browser to a page of this checkout, in the language it has chosen."""
    return RedirectResponse(f"/pay/{checkout.id}{step}{_chosen(request)}", 303)


def to_merchant(checkout: Checkout) -> Response:
    return RedirectResponse(str(checkout.asked.return_url), 303)


def _page(
    request: Request, template: str, checkout: Checkout | None, status: int, **found: Any
) -> Response:
    language = _language(request, checkout)
    other: Language = "en" if language == "fr" else "fr"
    path = quote(request.url.path)
    page = _TEMPLATES.get_template(template).render(
        {
            "w": WORDS[language],
            "language": language,
            "other": other,
            "other_href": f"{path}?lang={other}",
            "here": path + _chosen(request),
            "cancel_href": f"/pay/{checkout.id}/cancel{_chosen(request)}" if checkout else "",
            "checkout": checkout,
            "total": amount(checkout.asked.amount_cents, language) if checkout else "",
            "wrong": {},
            **found,
        }
    )
    return HTMLResponse(page, status, headers=_headers(checkout, language))


def _language(request: Request, checkout: Checkout | None) -> Language:
    match request.query_params.get("lang"):
        case "fr":
            return "fr"
        case "en":
            return "en"
        case _:
            otherwise: Language = checkout.asked.language if checkout else "fr"
            return language_of(request.headers.get("accept-language", ""), otherwise)


def _chosen(request: Request) -> str:
    chosen = request.query_params.get("lang")
    return f"?lang={chosen}" if chosen in WORDS else ""


def _headers(checkout: Checkout | None, language: Language) -> dict[str, str]:
    # Browsers check the redirect after a form against form-action too: the merchant is named.
    merchant = ""
    if checkout is not None:
        url = checkout.asked.return_url
        merchant = f" {url.scheme}://{url.host}:{url.port}"
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action 'self'{merchant}"
    )
    return {
        "Content-Security-Policy": policy,
        "Content-Language": language,
        "Vary": "Accept-Language",
    }
