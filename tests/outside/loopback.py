"""Real servers on loopback for the payment tests: the demo bank, a browser, a merchant's ear."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urljoin

import httpx

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 20.0


@dataclass(frozen=True)
class RunningBank:
    """A demo bank in a process of its own."""

    url: str
    secret: str
    webhook_secret: str
    process: subprocess.Popen[str]

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.stdout is not None
        self.process.stdout.close()
        assert self.process.wait(DEADLINE_SECONDS) == 0


def start_bank(state: Path, *, port: int = 0) -> RunningBank:
    """Start it and wait for the line that says ready; its secrets are those it made itself."""
    command = [sys.executable, "-m", "outside.demo_bank", "--port", str(port), "--state"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DEMO_BANK_")}
    process = subprocess.Popen(
        [*command, str(state)], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    )
    assert process.stdout is not None
    ready = process.stdout.readline()
    assert ready.startswith("demo bank ready http://127.0.0.1:"), ready
    return RunningBank(
        url=ready.split()[-1],
        secret=(state / "secret").read_text(),
        webhook_secret=(state / "webhook-secret").read_text(),
        process=process,
    )


@contextmanager
def bank_running(state: Path) -> Iterator[RunningBank]:
    bank = start_bank(state)
    try:
        yield bank
    finally:
        bank.stop()


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[ThreadingHTTPServer]:
    """An HTTP server on any free port of loopback, in threads."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Ear:
    """Hears notifications and answers with `answers` in turn, then with 200."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[int] = []
        self._heard: queue.Queue[tuple[bytes, dict[str, str]]] = queue.Queue()

    def next(self) -> tuple[bytes, dict[str, str]]:
        """Body and headers of the next notification; fails when none comes."""
        return self._heard.get(timeout=DEADLINE_SECONDS)

    def heard_nothing(self) -> bool:
        return self._heard.empty()

    def hear(self, body: bytes, headers: dict[str, str]) -> int:
        self._heard.put((body, headers))
        return self.answers.pop(0) if self.answers else 200


@contextmanager
def listening() -> Iterator[Ear]:
    ear = Ear()

    class Hears(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(ear.hear(body, dict(self.headers)))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing: the tests look at what was heard."""

    with serving(Hears) as server:
        ear.url = f"http://127.0.0.1:{server.server_port}/v1/webhooks/demo"
        yield ear


@dataclass
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[dict[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            assert given["method"] == "post"
            self.found.append(Form(given["action"]))
        elif tag == "input":
            self.found[-1].fields[given["name"]] = given.get("value", "")
        elif tag == "button":
            named = {given["name"]: given["value"]} if "name" in given else {}
            self.found[-1].buttons.append(named)


class Browser:
    """A browser without JavaScript: follows redirects at the bank, stops where it leaves it."""

    def __init__(self, language: str = "fr-FR,fr;q=0.9") -> None:
        self._http = httpx.Client(headers={"Accept-Language": language}, trust_env=False)
        self.page = httpx.Response(204)
        self.left_for: str | None = None

    def open(self, url: str) -> str:
        return self._arrive(self._http.get(url))

    def forms(self) -> list[Form]:
        parser = _Forms()
        parser.feed(self.page.text)
        return parser.found

    def submit(self, typed: dict[str, str] | None = None, *, form: int = 0, button: int = 0) -> str:
        """Fill in a form of the page, press one of its buttons, and read what comes."""
        shown = self.forms()[form]
        assert set(typed or {}) <= set(shown.fields), "a payer types only into fields"
        sent = shown.fields | (typed or {}) | shown.buttons[button]
        return self._arrive(self._http.post(urljoin(str(self.page.url), shown.action), data=sent))

    def close(self) -> None:
        self._http.close()

    def _arrive(self, page: httpx.Response) -> str:
        self.left_for = None
        while page.status_code == 303:
            target = urljoin(str(page.url), page.headers["location"])
            if httpx.URL(target).port != page.url.port:
                self.left_for = target
                break
            page = self._http.get(target)
        self.page = page
        return page.text
