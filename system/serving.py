"""The running program: the API, the worker beside it, and `run`, which starts all of it."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from threading import Event, Thread
from types import FrameType
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import urlopen

import uvicorn

from access.tokens import Tokens
from api import Gauge, Parts
from api.app import create_app
from outside.files import Files
from outside.paper.renderer import Renderer
from projections.freshness import Waiter
from projections.shelf import Shelf
from system import builder, demo
from system.anchors import anchors_when_due
from system.lag import Lag
from system.logs import set_up_logs
from system.office import PROJECTIONS, Premises, premises
from system.one_cpu import stay_on_one_cpu
from system.postgres import database
from system.processes import AskedToStop, Processes
from system.providers import DEMO, Providers, demo_secret, provider_in_use
from system.readiness import bring_to_shape, workshop
from system.settings import BadSettings, Settings
from workers import projector, reactions
from workers.broker import open_broker
from workers.broker import work as take_messages
from workers.clock import Clock
from workers.papers import Papers
from workers.when import when

if TYPE_CHECKING:
    from collections.abc import Iterator

READY_SECONDS = 60.0


@contextmanager
def edge(rooms: Premises) -> Iterator[Any]:
    """The API over these premises."""
    providers = Providers(rooms.settings)
    waiter = Waiter(rooms.connect)
    lag = Lag(rooms.pool)
    try:
        yield create_app(
            Parts(
                office=rooms.office,
                pool=rooms.pool,
                tokens=Tokens(rooms.pool),
                waiter=waiter,
                provider=providers,
                shelf=shelf(rooms),
                lag=lag,
                public_url=rooms.settings.public_url,
                version=version("quittance"),
                gauges=(
                    Gauge(
                        "quittance_journal_position",
                        "Position of the last entry of each agency's log.",
                        "agency",
                        lambda: _positions(rooms),
                    ),
                    *standing_gauges(lag),
                ),
            )
        )
    finally:
        lag.close()
        waiter.close()
        providers.close()


def standing_gauges(lag: Lag) -> tuple[Gauge, ...]:
    """How the read models stand, in their worst agency."""
    return (
        Gauge(
            "quittance_projection_lag_seconds",
            "Age of the oldest entry that a read model has not taken in.",
            "projection",
            lag.seconds,
        ),
        Gauge(
            "quittance_projection_alarm",
            "0 in time, 1 later than 5 s, 2 later than 24 h.",
            "projection",
            lag.alarms,
        ),
        Gauge(
            "quittance_projection_stopped_agencies",
            "Agencies in which a read model has stopped at an entry.",
            "projection",
            lag.stopped,
        ),
        Gauge(
            "quittance_rebuild_ratio",
            "How much of a read model that is being rebuilt is folded.",
            "projection",
            lag.rebuilt,
        ),
    )


def shelf(rooms: Premises) -> Shelf:
    """Where papers are kept: a folder beside the data."""
    files = Files(rooms.settings.data_dir / "documents")
    return Shelf(files, rooms.journal.keys, Renderer())


def _positions(rooms: Premises) -> Mapping[str, float]:
    return {str(agency): position for agency, position in rooms.journal.logs().items()}


def serve(settings: Settings) -> None:
    """Serve the API until told to stop; the worker is another process."""
    set_up_logs(settings.log_level)
    with database(settings) as url:
        if settings.one_cpu:
            # After the database, which may be started from here and wants all of them.
            stay_on_one_cpu()
        bring_to_shape(url)
        with premises(settings, url) as rooms, edge(rooms) as app:
            uvicorn.run(
                app,
                host=settings.host,
                port=settings.port,
                log_config=None,
                access_log=False,
                ws="none",
                loop="uvloop",
                http="httptools",
                timeout_graceful_shutdown=5,
                server_header=False,
            )


def work(settings: Settings) -> None:
    """Project, react and keep the clock until told to stop."""
    set_up_logs(settings.log_level)
    stop = Event()

    def asked_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, asked_to_stop)
    with ExitStack() as stack:
        url = stack.enter_context(database(settings))
        rooms = stack.enter_context(premises(settings, url, pool_size=settings.worker_pool_size))
        providers = Providers(settings)
        stack.callback(providers.close)
        broker = open_broker(url, settings.broker_url)
        stack.callback(broker.close)
        papers = Papers(rooms.pool, rooms.journal, shelf(rooms))
        table = when(papers)
        react = reactions.declare(broker, rooms.office, table)
        clock = Clock(rooms.office, rooms.pool, providers, anchor=anchors_when_due(rooms))
        duties = {
            "builder": lambda: builder.build(stop, workshop(rooms)),
            "projector": lambda: projector.run(stop, rooms.connect, rooms.journal, PROJECTIONS),
            "reactions": lambda: reactions.run(stop, rooms.connect, react, table),
            "queue": lambda: take_messages(stop, broker, threads=settings.worker_threads),
            "clock": lambda: clock.run(stop),
        }
        _do_all(duties, stop)


def _do_all(duties: Mapping[str, Any], stop: Event) -> None:
    """Each duty in a thread of its own; one that dies takes the process with it, loudly."""
    died: list[BaseException] = []

    def duty(name: str) -> None:
        try:
            duties[name]()
        except BaseException as bug:
            died.append(bug)
        finally:
            stop.set()

    threads = [Thread(target=duty, args=(name,), name=name) for name in duties]
    for thread in threads:
        thread.start()
    stop.wait()
    for thread in threads:
        thread.join(timeout=10)
    if died:
        raise died[0]


def run(settings: Settings) -> None:
    """Everything on one machine: engine, demo agency, worker, demo bank and API."""
    set_up_logs("WARNING" if settings.log_level == "INFO" else settings.log_level)
    with database(settings) as url:
        bring_to_shape(url)
        with premises(settings, url) as rooms:
            demo.seed(rooms)
        with Processes() as processes:
            try:
                _start(settings, url, processes)
                _say_ready(settings)
                processes.watch()
            except AskedToStop:
                return


def _start(settings: Settings, url: str, processes: Processes) -> None:
    _refuse_taken_port("PORT", settings.host, settings.port)
    quittance = [sys.executable, "-m", "system.cli"]
    env = {"DATABASE_URL": url, "LOG_LEVEL": settings.log_level}
    if provider_in_use(settings) == DEMO:
        port, state = settings.demo_provider_port, settings.data_dir / "demo-bank"
        _refuse_taken_port("DEMO_PROVIDER_PORT", "127.0.0.1", port)
        state.mkdir(parents=True, exist_ok=True)
        processes.start(
            "demo bank",
            [
                sys.executable, "-m", "outside.demo_bank",
                "--port", str(port), "--state", str(state),
            ],
            env={
                "DEMO_BANK_SECRET": demo_secret(settings, "demo bank"),
                "DEMO_BANK_WEBHOOK_SECRET": demo_secret(settings, "demo bank webhooks"),
            },
            revived=True,
        )  # fmt: skip
    processes.start("worker", [*quittance, "work"], env=env, revived=True)
    processes.start("api", [*quittance, "serve"], env=env, revived=True)
    processes.wait_until(lambda: _answers(settings), timeout_seconds=READY_SECONDS)


def _refuse_taken_port(setting: str, host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as taken:
            reason = taken.strerror or "unusable"
            raise BadSettings(f"{setting}: {host}:{port} cannot be used: {reason}") from None


def _answers(settings: Settings) -> bool:
    try:
        with urlopen(f"http://{settings.host}:{settings.port}/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except (URLError, TimeoutError, ConnectionError):
        return False


def _say_ready(settings: Settings) -> None:
    command = os.path.relpath(os.path.join(os.path.dirname(sys.executable), "quittance"))
    print(
        f"Quittance is ready at {settings.public_url} — a token:"
        f" {command} token create --agency demo --role admin"
        f" — the API's documentation: {settings.public_url}/docs",
        flush=True,
    )
