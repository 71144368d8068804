"""Runs the demo bank on loopback: `python -m outside.demo_bank --port N --state DIR`."""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import signal
import socket
import sys
from pathlib import Path

import uvicorn

from outside.demo_bank.app import create_app
from outside.demo_bank.courier import Courier
from outside.demo_bank.store import Store


class _Announced(uvicorn.Server):
    """Says on standard output when it answers, so that nobody has to guess or to poll."""

    def __init__(self, config: uvicorn.Config, url: str) -> None:
        super().__init__(config)
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"demo bank ready {self._url}", flush=True)


def main() -> int:
    """Exit codes: 0 stopped, 2 wrong use, 4 the port is taken."""
    options = _options()
    state: Path = options.state
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", options.port))
    except OSError as taken:
        print(f"demo bank: 127.0.0.1:{options.port} cannot be used: {taken}", file=sys.stderr)
        return 4
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    store = Store(state)
    courier = Courier(store, _secret("DEMO_BANK_WEBHOOK_SECRET", state / "webhook-secret"))
    api_secret = _secret("DEMO_BANK_SECRET", state / "secret")
    app = create_app(store, courier, api_secret, (options.public_url or url).rstrip("/"))
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, ws="none", timeout_graceful_shutdown=3
    )
    # uvicorn raises the signal that stopped it once more when it is done; that is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with contextlib.suppress(KeyboardInterrupt):
        _Announced(config, url).run(sockets=[listening])
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m outside.demo_bank",
        description="A payment provider for demonstrations, on loopback. Its two secrets come from "
        "DEMO_BANK_SECRET and DEMO_BANK_WEBHOOK_SECRET, else from the files secret and "
        "webhook-secret in the state directory, made at the first start.",
    )
    parser.add_argument("--port", type=int, required=True, help="0 takes any free port")
    parser.add_argument("--state", type=Path, required=True, help="where it keeps its checkouts")
    parser.add_argument("--public-url", help="how browsers reach it, if not by 127.0.0.1")
    return parser.parse_args()


def _secret(variable: str, file: Path) -> str:
    """From the environment, else from a file that only its owner may read."""
    given = os.environ.get(variable)
    if given:
        return given
    if not file.exists():
        made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "w") as opened:
            opened.write(secrets.token_urlsafe(32))
    return file.read_text().strip()


if __name__ == "__main__":
    sys.exit(main())
