"""The whole running program, to be killed piece by piece: PostgreSQL, API, worker."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import local
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from access.tokens import create_token
from commands import Answer, utc_now
from domain.principal import Role
from journal import Busy
from outside.payment_provider import own_secret
from system.office import Premises, premises
from system.postgres import engine
from system.providers import demo_secret
from system.settings import Settings
from tests.faults.business import AGENCIES, SLUGS, Business, Wish, begin, shaped, until
from tests.faults.proxy import Proxy, proxy
from tests.system.engines import PROJECT, home_of

# The supervision of `quittance run` without its demo agency, which takes its time.
SUPERVISOR = """
import json, sys
from system.processes import Processes
with Processes() as processes, open(sys.argv[2], "ab") as output:
    env = json.loads(sys.argv[1])
    for name, word in (("worker", "work"), ("api", "serve")):
        command = [sys.executable, "-m", "system.cli", word]
        processes.start(name, command, env=env, output=output, revived=True)
    processes.watch()
"""


class Customer:
    """Asks over HTTP. Whatever is not done is raised as what a client asks again after."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._line = local()
        self._lines: list[http.client.HTTPConnection] = []

    def __enter__(self) -> Customer:
        return self

    def __exit__(self, *error: object) -> None:
        for line in self._lines:
            line.close()

    def wish(self, wish: Wish) -> Answer:
        path = f"/v1/agencies/{wish.slug}/commands/initiate-payment"
        body = wish.command().model_dump_json().encode()
        headers = {
            "Idempotency-Key": wish.key, "Authorization": f"Bearer {self._program.token}",
        }  # fmt: skip
        said, hit = self._post(path, body, headers)
        return Answer(said["position"], said["ids"], tuple(said["events"]), repeated=hit)

    def confirm(self, wish: Wish, payment: UUID) -> Answer:
        """What the demo bank tells us, signed."""
        now = utc_now().isoformat()
        checkout = {
            "id": f"cs_{wish.number}", "payment_id": str(payment), "amount_cents": wish.cents,
            "status": "confirmed", "changed_at": now, "brand": "visa", "last4": "4242",
        }  # fmt: skip
        told = {
            "id": f"e{wish.number}", "type": "checkout.confirmed", "created_at": now,
            "checkout": checkout,
        }  # fmt: skip
        body = json.dumps(told).encode()
        path = f"/v1/agencies/{wish.slug}/webhooks/demo"
        self._post(path, body, {"Demo-Signature": self._program.signature(path, body)})
        return Answer(0)

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[Any, bool]:
        line = getattr(self._line, "http", None)
        if line is None:
            line = self._line.http = http.client.HTTPConnection(
                "127.0.0.1", self._program.port, timeout=30
            )
            self._lines.append(line)
        headers["Content-Type"] = "application/json"
        try:
            line.request("POST", path, body, headers)
            answer = line.getresponse()
            said = answer.read()
        except (http.client.HTTPException, OSError) as lost:
            line.close()
            raise ConnectionError("no answer") from lost
        if answer.status in (409, 503):
            raise Busy(said.decode())
        assert answer.status == 200, (answer.status, said)
        return json.loads(said), answer.headers.get("Idempotency-Hit") == "true"


@dataclass
class Program:
    """Where everything is, and how to find its processes."""

    url: str
    """Straight to PostgreSQL; the program's own way leads through the proxy."""
    rooms: Premises
    business: Business
    between: Proxy
    data_dir: Path
    port: int
    token: str
    supervisor: subprocess.Popen[bytes]
    output: Path
    secrets: dict[str, str] = field(default_factory=dict)

    def signature(self, path: str, body: bytes) -> str:
        sent_at = int(time.time())
        secret = self.secrets.get(path)
        if secret is None:
            bank = demo_secret(self.rooms.settings, "demo bank webhooks")
            secret = own_secret(bank, f"http://127.0.0.1:{self.port}{path}")
            self.secrets[path] = secret
        mac = hmac.new(secret.encode(), f"{sent_at}.".encode() + body, hashlib.sha256)
        return f"t={sent_at},v1={mac.hexdigest()}"

    def connect(self) -> Connection[Any]:
        return psycopg.connect(self.url, autocommit=True, application_name="a test")

    def ask(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            return connection.execute(statement, parameters).fetchall()

    def pid_of(self, word: str) -> int | None:
        """The process of ours that runs `quittance WORD`, None while there is none."""
        for child in _children(self.supervisor.pid):
            with suppress(FileNotFoundError, ProcessLookupError):
                line = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
                if line[1:4] == [b"-m", b"system.cli", word.encode()]:
                    return child
        return None

    def kill(self, word: str) -> None:
        """kill -9; the supervisor will have started another one at the end."""
        pid = self.pid_of(word)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until(lambda: self.pid_of(word) not in (pid, None), f"another {word}")

    def answers(self) -> bool:
        """Whether the API's process is there; it need not have a database."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            line.request("GET", "/health")
            return line.getresponse().status == 200
        except (http.client.HTTPException, OSError):
            return False
        finally:
            line.close()

    def reacts(self) -> bool:
        return self.ask(
            "SELECT count(*) > 0 AND mod(count(*), (SELECT count(*) FROM heads)) = 0"
            " FROM reaction_positions"
        ) == [(True,)]

    def accepts(self) -> bool:
        """Whether PostgreSQL accepts connections."""
        with suppress(psycopg.OperationalError):
            return self.ask("SELECT 1") == [(1,)]
        return False


def _children(pid: int) -> list[int]:
    with suppress(FileNotFoundError):
        tasks = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(child) for child in tasks.split()]
    return []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_program(folder: Path) -> Iterator[Program]:
    """Everything started on servers of its own, and stopped whatever happened to it."""
    data_dir, output, port = folder / "data", folder / "output.log", _free_port()
    with ExitStack() as stack:
        stack.callback(_remove, data_dir)
        url = shaped(stack.enter_context(engine(data_dir)))
        between = stack.enter_context(proxy(url))
        settings = Settings(database_url=url, data_dir=data_dir, port=port)
        rooms = stack.enter_context(premises(settings, url))
        business = begin(rooms)
        with rooms.pool.connection() as connection:
            token = create_token(connection, Role.AGENT, AGENCIES, "a test", now=utc_now())
        supervisor = stack.enter_context(_supervised(between.url, data_dir, port, output))
        program = Program(url, rooms, business, between, data_dir, port, token, supervisor, output)
        until(lambda: supervisor.poll() is not None or program.answers(), "an API that answers")
        assert supervisor.poll() is None, output.read_text()[-2000:]
        # A reaction that is new starts at the head of every log: what came before is not heard.
        until(program.reacts, "a worker that knows its reactions")
        assert len(SLUGS) == len(business.leases)
        yield program


@contextmanager
def _supervised(
    url: str, data_dir: Path, port: int, output: Path
) -> Iterator[subprocess.Popen[bytes]]:
    env = {
        "DATABASE_URL": url, "DATA_DIR": str(data_dir), "PORT": str(port),
        "LOG_LEVEL": "WARNING", "WORKER_THREADS": "2", "BROKER_URL": "",
    }  # fmt: skip
    command = [sys.executable, "-c", SUPERVISOR, json.dumps(env), str(output)]
    with subprocess.Popen(command, cwd=PROJECT) as supervisor:
        try:
            yield supervisor
        finally:
            # It stops what it has started, and all of that dies with it.
            supervisor.terminate()
            try:
                supervisor.wait(30)
            except subprocess.TimeoutExpired:
                supervisor.kill()


def _remove(data_dir: Path) -> None:
    """What the engine keeps elsewhere when the tests run as root."""
    if (data_dir / "postgres.place").exists():
        shutil.rmtree(home_of(data_dir), ignore_errors=True)
