"""A little of Stripe on loopback: checkout sessions in Stripe's wire format, and its faults."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit
from uuid import UUID

from tests.outside.loopback import serving

RENT = UUID("00000000-0000-4000-8000-000000000711")
DECLINED = {
    "id": "pi_1",
    "object": "payment_intent",
    "status": "requires_payment_method",
    "metadata": {"payment_id": str(RENT)},
    "last_payment_error": {
        "code": "card_declined",
        "decline_code": "generic_decline",
        "payment_method": {"card": {"brand": "visa", "last4": "0002"}},
    },
}
"""A payment intent whose card was declined."""


def session(reference: str, payment: object, amount_cents: int) -> dict[str, Any]:
    """A checkout session as Stripe writes it, with the payer still on the page."""
    return {
        "id": reference,
        "object": "checkout.session",
        "amount_total": amount_cents,
        "client_reference_id": str(payment),
        "created": 1777896000,
        "currency": "eur",
        "expires_at": 1777982400,
        "livemode": False,
        "metadata": {},
        "mode": "payment",
        "payment_intent": None,
        "payment_status": "unpaid",
        "status": "open",
    }


@dataclass
class Stripe:
    """What it holds and how it misbehaves: tests change both."""

    url: str = ""
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    created: list[dict[str, str]] = field(default_factory=list)
    keys: dict[str, tuple[dict[str, str], str]] = field(default_factory=dict)
    expanded: list[str] = field(default_factory=list)
    requests: int = 0
    broken: int | None = None
    babbles: bool = False
    hangs: bool = False
    gone: threading.Event = field(default_factory=threading.Event)

    def create(self, asked: dict[str, str], key: str) -> tuple[int, dict[str, Any]]:
        if "payment_method_types[0]" in asked:
            return _error(400, "parameter_unknown")  # gone since API version 2026-09-30
        if key in self.keys:
            before, reference = self.keys[key]
            if before != asked:
                return _error(400, None, "idempotency_error")
            return 200, self.sessions[reference]
        reference = f"cs_test_{len(self.sessions) + 1}"
        amount_cents = int(asked["line_items[0][price_data][unit_amount]"])
        opened = session(reference, asked["client_reference_id"], amount_cents)
        self.sessions[reference] = opened | {"url": f"{self.url}/c/pay/{reference}"}
        self.keys[key] = (asked, reference)
        self.created.append(asked)
        return 200, self.sessions[reference]

    def show(self, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        reference = path.removeprefix("/v1/checkout/sessions").strip("/")
        if not reference:
            wanted = query["payment_intent"][0]
            found = [s for s in self.sessions.values() if s["payment_intent"] == wanted]
            return 200, {"object": "list", "data": found, "has_more": False, "url": path}
        self.expanded = query.get("expand[0]", [])
        if reference not in self.sessions:
            return _error(404, "resource_missing")
        return 200, self.sessions[reference]


def _error(
    status: int, code: str | None, kind: str = "invalid_request_error"
) -> tuple[int, dict[str, Any]]:
    message = "Stripe may quote what was sent: locataire@exemple.fr"
    return status, {"error": {"type": kind, "code": code, "message": message}}


class _Answers(BaseHTTPRequestHandler):
    stripe: Stripe

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = dict(parse_qsl(sent, strict_parsing=True))
        self._answer(lambda: self.stripe.create(asked, self.headers["Idempotency-Key"]))

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self._answer(lambda: self.stripe.show(url.path, parse_qs(url.query)))

    def _answer(self, answer: Any) -> None:
        self.stripe.requests += 1
        if self.stripe.hangs:
            self.stripe.gone.wait(20)
            self.close_connection = True
            return
        if self.headers["Authorization"] != "Bearer sk_test_1":
            status, found = _error(401, "api_key_invalid")
        elif self.stripe.broken:
            status, found = _error(self.stripe.broken, "broken", "api_error")
        else:
            status, found = answer()
        body = b"<html>" if self.stripe.babbles else json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: the tests look at what was asked."""


@contextmanager
def stripe_on_loopback() -> Iterator[Stripe]:
    stripe = Stripe()
    handler = type("Answers", (_Answers,), {"stripe": stripe})
    with serving(handler) as server:
        stripe.url = f"http://127.0.0.1:{server.server_port}"
        yield stripe
        stripe.gone.set()
