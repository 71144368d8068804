"""How a command ends: an exit code that scripts can trust, and a sentence instead of a traceback.

0 done · 1 done with rejected rows, or tampering found · 2 wrong use · 3 refused by the business ·
4 engine not reachable · 70 a fault of ours · 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, NoReturn

import psycopg
import typer
from cryptography.exceptions import InvalidTag

from domain import Refused
from domain.period import NotAPeriod
from journal import Busy, Conflict, UnknownEvent
from journal.exchange import BadExport
from journal.key_exchange import BadKeyFile
from outside.rent_roll import UnreadableFile
from projections.generations import BeingRebuilt
from projections.positions import Fenced
from projections.subjects import BackwardPeriod
from projections.two_dates import NoDate
from projections.whole import Poisoned
from system.cli.language import language, say
from system.cli.output import words, write_json
from system.crew import WorkerDied
from system.locks import LockTimeout
from system.migrations import MigrationRefused
from system.premises import EngineUnavailable
from system.processes import ChildDied
from system.readiness import ReadModelStopped
from system.rebuild import ReadersHold
from system.settings import BadSettings
from workers.anchoring import AnchorsUnreachable, ForeignAnchor

REJECTED_ROWS = 1
WRONG_USE = 2
REFUSED = 3
UNREACHABLE = 4
BUG = 70
STOPPED = 130


class WrongUse(Refused):
    """What was typed, or a file that was named, cannot be understood."""


class Verdict(NamedTuple):
    """How something that went wrong is told."""

    exit_code: int
    code: str
    message: str


@contextmanager
def ending(as_json: bool = False) -> Iterator[None]:
    """Turn whatever goes wrong inside into a message and an exit code."""
    try:
        yield
    except typer.Exit:
        raise
    except KeyboardInterrupt:
        _end(_stopped(), as_json)
    except Exception as failure:
        _end(_judge(failure), as_json)


def _end(verdict: Verdict, as_json: bool) -> NoReturn:
    words().print(verdict.message, style="red", soft_wrap=True)
    if as_json:
        write_json({"error": {"code": verdict.code, "message": verdict.message}})
    raise typer.Exit(verdict.exit_code) from None


def _stopped() -> Verdict:
    message = say(
        "Arrêté. Ce qui est fait est gardé ; la même commande fait le reste.",
        "Stopped. What is done is kept; the same command does the rest.",
    )
    return Verdict(STOPPED, "stopped", message)


def _judge(failure: Exception) -> Verdict:
    match failure:
        case (
            WrongUse() | UnreadableFile() | NotAPeriod() | NoDate() | BackwardPeriod()
            | BadExport() | BadKeyFile()
        ):  # fmt: skip
            return Verdict(WRONG_USE, failure.code, failure.told(language()))
        case BadSettings():
            told = say("Un réglage ne va pas :", "A setting cannot be used:")
            return Verdict(WRONG_USE, "bad_settings", f"{told}\n{failure}")
        case InvalidTag():
            told = say(
                "La clé maîtresse (MASTER_KEY ou DATA_DIR/master.key) n'est pas celle avec"
                " laquelle ces données ont été scellées.",
                "The master key (MASTER_KEY or DATA_DIR/master.key) is not the one that these"
                " data were sealed with.",
            )
            return Verdict(WRONG_USE, "wrong_master_key", told)
        case OSError(errno=errno.EADDRINUSE):
            told = say(
                "Le port est déjà pris ; choisissez-en un autre avec PORT ou DEMO_PROVIDER_PORT.",
                "The port is taken; choose another one with PORT or DEMO_PROVIDER_PORT.",
            )
            return Verdict(WRONG_USE, "port_taken", told)
        case ChildDied():
            told = say("Un processus s'est arrêté :", "A process has ended:")
            return Verdict(BUG, "process_ended", f"{told} {failure}")
        case Refused():
            return Verdict(REFUSED, failure.code, failure.told(language()))
        case _:
            ended = _unfinished(failure) or _unreachable(failure) or _held_up(failure)
            return ended or _bug(failure)


def _unfinished(failure: Exception) -> Verdict | None:
    """A rebuild or a comparison that came to no end; what serves was not touched."""
    match failure:
        case BeingRebuilt():
            told = say(
                f"« {failure} » est déjà en cours de reconstruction ou de comparaison.",
                f"“{failure}” is being rebuilt or compared already.",
            )
            return Verdict(REFUSED, "being_rebuilt", told)
        case Poisoned():
            told = say(
                f"Arrêté sur une écriture illisible, {failure}\n{failure.trace}\n"
                "Les vues en service n'ont pas changé.",
                f"Stopped at an entry that cannot be folded, {failure}\n{failure.trace}\n"
                "What serves was not changed.",
            )
            return Verdict(UNREACHABLE, "poisoned", told)
        case psycopg.errors.DiskFull():
            told = say(
                "Le disque de la base de données est plein. Rien n'a changé ; faites de la place,"
                " la même commande fait le reste.",
                "The database's disk is full. Nothing was changed; make room, the same command"
                " does the rest.",
            )
            return Verdict(UNREACHABLE, "disk_full", told)
        case WorkerDied() | ReadersHold() | Fenced():
            told = say(
                "Interrompu ; rien n'a changé de ce qui sert, la même commande fait le reste.",
                "Interrupted; what serves was not changed, the same command does the rest.",
            )
            return Verdict(UNREACHABLE, "interrupted", told)
        case _:
            return None


def _unreachable(failure: Exception) -> Verdict | None:
    match failure:
        case EngineUnavailable() | MigrationRefused():
            told = say("La base de données ne peut pas servir :", "The database cannot be used:")
            return Verdict(UNREACHABLE, "engine_unavailable", f"{told} {failure}")
        case Conflict() | Busy() | LockTimeout():
            told = say(
                "La base de données est trop occupée ; la même commande fait le reste, dans un"
                " instant.",
                "The database is too busy; the same command does the rest, in a moment.",
            )
            return Verdict(UNREACHABLE, "busy", told)
        case psycopg.OperationalError() | psycopg.InterfaceError():
            # Not the engine's own words: they may quote a row.
            told = say(
                "La base de données ne répond plus. Ce qui est fait est gardé ; la même commande"
                " fait le reste.",
                "The database no longer answers. What is done is kept; the same command does"
                " the rest.",
            )
            return Verdict(UNREACHABLE, "engine_unavailable", told)
        case _:
            return None


def _held_up(failure: Exception) -> Verdict | None:
    match failure:
        case AnchorsUnreachable() | ForeignAnchor():
            told = say(
                f"Le lieu des ancrages (ANCHOR_URL) ne peut pas servir ({failure}) ; rien n'a été"
                " ancré.",
                f"The place of the anchors (ANCHOR_URL) cannot be used ({failure}); nothing was"
                " anchored.",
            )
            return Verdict(UNREACHABLE, "anchors_unreachable", told)
        case UnknownEvent():
            told = say(
                f"Une version plus récente du programme a écrit dans ce journal ({failure.name},"
                f" version {failure.version}) ; celle-ci s'arrête au lieu de deviner. Installez la"
                " plus récente.",
                f"A newer version of the program has written to this journal ({failure.name},"
                f" version {failure.version}); this one stops instead of guessing. Install the"
                " newer one.",
            )
            return Verdict(UNREACHABLE, "newer_program", told)
        case ReadModelStopped():
            told = say(
                "Une vue de cette agence s'est arrêtée sur une écriture illisible"
                f" ({failure}) ; rien n'a été fait.",
                f"A read model of this agency has stopped at an entry that cannot be read"
                f" ({failure}); nothing was done.",
            )
            return Verdict(UNREACHABLE, "read_model_stopped", told)
        case _:
            return None


def _bug(failure: Exception) -> Verdict:
    """Where and what, without the exception's words, which may hold personal data."""
    place = traceback.extract_tb(failure.__traceback__)[-1]
    where = f"{type(failure).__name__}, {Path(place.filename).name}:{place.lineno}"
    told = say(
        f"Erreur interne ({where}) ; c'est une faute du programme, signalez-la.",
        f"Internal error ({where}); this is a fault of the program, please report it.",
    )
    return Verdict(BUG, "internal_error", told)
