"""The rules of the house that matter, as tests: fast, and without a database."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import pytest
from pydantic import AwareDatetime

from commands import Command
from domain import Event, Refused, Value
from domain.principal import Role
from projections import Row
from system.office import PROJECTIONS, know_everything

know_everything()

ROOT = Path(__file__).parents[1]
PACKAGES = ("domain", "journal", "aggregates", "commands", "projections", "access", "outside",
            "api", "workers", "system")  # fmt: skip
MOST_LINES_OF_A_FILE, MOST_LINES_OF_A_FUNCTION = 330, 44
"""About 300 and about 40, as design asks; a tenth more is still about.

Of the product: a file of tests is a list of sentences, and a journey is a story told in one go.
"""

BANNED = re.compile(
    r"managers?|helpers?|utils?|utility|services?|data|infos?|dtos?|impl|base|common|misc"
)
ALLOWED_NAMES = {
    "data_keys": "the table of keys that seal personal data, named by the design",
    "data_dir": "DATA_DIR is a setting that the product's description names",
    "data_received": "asyncio calls a protocol's method so",
}
NOT_A_CONCEPT = {
    "aggregates/allocation": "a rule of the rent account, pure and shared",
    "aggregates/cells": "where states are remembered; no concept of the business",
    "aggregates/store": "what a command works with; no concept of the business",
    "commands/rent_roll": "another software's file, which becomes people, lots and leases",
}
REGISTRIES = re.compile(
    r"pypi\.org|pythonhosted\.org|artifactory|jfrog|\bnexus\.|devpi|(?:--|_)(?:extra-)?index-url"
    r"|npmjs|registry\.(npm|docker|yarn)|verdaccio"
)
MACHINE_PATHS = re.compile(r"""(?<![\w.~}/])/(?:work|root|home|Users|mnt)/\w""")


@cache
def ignored() -> tuple[str, ...]:
    written = (ROOT / ".gitignore").read_text().split()
    return (".git", *(pattern.rstrip("/") for pattern in written if not pattern.startswith("#")))


def files(folder: Path = ROOT) -> Iterator[Path]:
    """Every file of the repository: what git does not ignore."""
    for path in sorted(folder.iterdir()):
        if any(fnmatch(path.name, pattern) for pattern in ignored()):
            continue
        if path.is_dir():
            yield from files(path)
        else:
            yield path


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


TREES = {
    place(path): ast.parse(path.read_text(), place(path))
    for path in files()
    if path.suffix == ".py"
}
TEXTS = {
    place(path): text
    for path in files()
    if (text := path.read_bytes().decode(errors="replace")) and "\0" not in text[:2000]
}


def of_package(*names: str) -> dict[str, ast.Module]:
    return {path: tree for path, tree in TREES.items() if path.split("/")[0] in names}


def definitions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node


def imported(tree: ast.AST) -> Iterator[str]:
    """The top-level packages that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def words(name: str) -> list[str]:
    """The words of a name in snake_case or CamelCase."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def none_of(faults: Iterable[str]) -> None:
    """Fails with all faults at once."""
    found = list(faults)
    assert not found, "\n" + "\n".join(found)


def test_the_repository_was_found() -> None:
    assert {path.split("/")[0] for path in TREES} >= {*PACKAGES, "tests"}
    assert "pyproject.toml" in TEXTS


def test_a_file_fits_a_sitting() -> None:
    none_of(
        f"{path}: {lines} lines"
        for path in of_package(*PACKAGES)
        if (lines := TEXTS[path].count("\n")) > MOST_LINES_OF_A_FILE
    )


def test_a_function_fits_a_screen() -> None:
    none_of(
        f"{path}:{node.lineno} {node.name}: {lines} lines"
        for path, tree in of_package(*PACKAGES).items()
        for node in definitions(tree)
        if not isinstance(node, ast.ClassDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > MOST_LINES_OF_A_FUNCTION
    )


def test_names_say_what_things_are() -> None:
    def named() -> Iterator[tuple[str, str]]:
        for path, tree in TREES.items():
            for part in Path(path).with_suffix("").parts:
                yield path, part
            # The name of a test is a sentence.
            for node in definitions(tree):
                if not node.name.startswith("test_"):
                    yield f"{path}:{node.lineno}", node.name

    none_of(
        f"{where}: {name}"
        for where, name in named()
        if any(map(BANNED.fullmatch, words(name))) and name not in ALLOWED_NAMES
    )


def test_every_file_opens_with_a_sentence() -> None:
    def faults() -> Iterator[str]:
        for path, tree in TREES.items():
            first = (ast.get_docstring(tree) or "").split("\n\n")[0]
            if not first.endswith((".", "?", "!", ":")):
                yield f"{path}: {first!r}"

    none_of(faults())


def test_nothing_is_swallowed() -> None:
    def faults() -> Iterator[str]:
        for path, tree in TREES.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ExceptHandler):
                    caught = ast.unparse(node.type) if node.type else ""
                    broad = caught in ("", "Exception", "BaseException")
                    silent = all(isinstance(done, ast.Pass | ast.Continue) for done in node.body)
                    if not caught or (broad and silent):
                        yield f"{path}:{node.lineno}: except {caught}"
                elif isinstance(node, ast.Call) and re.fullmatch(
                    r"(contextlib\.)?suppress\(.*\b(Base)?Exception\b.*\)", ast.unparse(node)
                ):
                    yield f"{path}:{node.lineno}: {ast.unparse(node)}"

    none_of(faults())


def test_no_test_sleeps() -> None:
    none_of(
        f"{path}:{node.lineno}: {ast.unparse(node)}"
        for path, tree in of_package("tests").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep")
    )


def test_what_is_said_decided_and_asked_knows_no_engine() -> None:
    engines = {"psycopg", "psycopg_pool", "fastapi", "starlette", "dramatiq", "httpx", "uvicorn"}
    none_of(
        f"{path}: {', '.join(found)}"
        for path, tree in of_package("domain", "aggregates", "commands").items()
        if (found := engines.intersection(imported(tree)))
    )


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("domain", set(PACKAGES) - {"domain"}),
        ("journal", set(PACKAGES) - {"domain", "journal"}),
        ("projections", {"aggregates", "commands", "access", "api", "workers", "system"}),
        ("api", {"aggregates", "system", "workers"}),
        ("outside", set(PACKAGES) - {"domain", "journal", "outside"}),
    ],
)
def test_dependencies_point_down(package: str, forbidden: set[str]) -> None:
    none_of(
        f"{path}: {', '.join(found)}"
        for path, tree in of_package(package).items()
        if (found := forbidden.intersection(imported(tree)))
    )


def test_a_concept_has_one_stem_in_every_package() -> None:
    said = {Path(path).stem for path in of_package("domain")}

    def faults() -> Iterator[str]:
        for path in of_package("aggregates", "commands"):
            stem = Path(path).with_suffix("").as_posix()
            if Path(path).stem not in said and stem not in NOT_A_CONCEPT:
                yield f"{path}: there is no domain/{Path(path).name}"
            decided = f"aggregates/{Path(path).name}"
            if stem not in NOT_A_CONCEPT and decided not in TREES:
                yield f"{path}: there is no {decided}"

    none_of(faults())


def test_exceptions_are_still_needed() -> None:
    none_of(f"{stem} is gone" for stem in NOT_A_CONCEPT if f"{stem}.py" not in TREES)


def test_no_machine_and_no_registry_is_named() -> None:
    none_of(
        f"{path}: {found.group()}"
        for path, text in TEXTS.items()
        if path != place(Path(__file__))
        for pattern in (REGISTRIES, MACHINE_PATHS)
        if (found := pattern.search(text)) and found.group() != "--no-emit-index-url"
    )


def test_requirements_hold_no_address() -> None:
    written = {path: text for path, text in TEXTS.items() if path.startswith("requirements")}
    assert len(written) >= 4
    none_of(
        f"{path}: {line}"
        for path, text in written.items()
        for line in text.splitlines()
        if "://" in line or re.match(r"\s*(-i|-f|--\w*(index|host|links))", line)
    )


def kinds(parent: type) -> Iterator[type]:
    """The classes below a parent that are the product's own."""
    children: list[type] = type.__subclasses__(parent)
    for kind in children:
        if kind.__module__.split(".")[0] in PACKAGES:
            yield kind
        yield from kinds(kind)


def bare(annotation: Any) -> set[Any]:
    """The plain types in an annotation."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType, tuple, Annotated):
        return set().union(*(bare(option) for option in get_args(annotation)))
    return {datetime if annotation is AwareDatetime else annotation}


def fields() -> Iterator[tuple[str, str, set[Any]]]:
    """(class, field, types) of all that is said, asked, kept and shown."""
    rows = {kind for projection in PROJECTIONS for kind in projection.rows}
    kind: Any
    for kind in {*kinds(Event), *kinds(Command), *kinds(Value), *kinds(Row), *rows}:
        names = getattr(kind, "model_fields", None) or getattr(kind, "__dataclass_fields__", {})
        hints = get_type_hints(kind)
        for name in names:
            yield kind.__qualname__, name, bare(hints[name])


def test_dates_instants_and_money_are_named_for_what_they_are() -> None:
    def faults() -> Iterator[str]:
        for kind, name, types in fields():
            if datetime in types and not name.endswith("_at"):
                yield f"{kind}.{name} is an instant"
            if date in types and not name.endswith("_on"):
                yield f"{kind}.{name} is a date"
            if name.endswith("_on") and date not in types:
                yield f"{kind}.{name} is no date"
            if name.endswith("_at") and datetime not in types:
                yield f"{kind}.{name} is no instant"
            if name.endswith("_cents") and int not in types:
                yield f"{kind}.{name} is no amount in cents"
            if {"amount", "price", "total", "balance", "fee"} & {words(name)[-1]}:
                yield f"{kind}.{name} does not end in _cents"
            if float in types:
                yield f"{kind}.{name}: no business value is a float"

    none_of(sorted(set(faults())))


OFFERED = [kind for kind in Command.named.values() if kind in set(kinds(Command))]


@pytest.mark.parametrize("kind", OFFERED, ids=lambda kind: kind.__name__)
def test_a_command_says_what_it_does_and_who_may_ask(kind: type[Command]) -> None:
    assert kind.__doc__
    assert kind.__doc__ != Command.__doc__
    assert Role.AUDITOR not in kind.allowed
    assert Role.SYSTEM not in kind.allowed
    assert bool(kind.allowed) is not kind.internal


@pytest.mark.parametrize("kind", sorted(kinds(Refused), key=str), ids=lambda kind: kind.__name__)
def test_a_refusal_is_named_for_a_state_of_affairs(kind: type[Refused]) -> None:
    assert kind.__doc__
    assert kind.__doc__ not in (Refused.__doc__, *(parent.__doc__ for parent in kind.__bases__))
    assert not kind.__name__.endswith(("Error", "Exception", "Refused"))


@pytest.mark.parametrize("kind", sorted(kinds(Event), key=str), ids=lambda kind: kind.__name__)
def test_a_fact_has_a_docstring_and_lives_in_domain(kind: type[Event]) -> None:
    assert kind.__doc__
    assert kind.__module__.startswith("domain.")
    assert Event.named[kind.__name__] is kind


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: projection.name)
def test_a_projection_opens_with_its_question(projection: Any) -> None:
    tree = TREES[type(projection).__module__.replace(".", "/") + ".py"]
    assert "?" in (ast.get_docstring(tree) or "")
