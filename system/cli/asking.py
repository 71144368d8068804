"""`quittance do`: issue any command from a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from pydantic_core import from_json, to_json

import commands
from api.invalid import Wrong, wrongs
from api.limits import unfit
from commands import Asked, execute
from commands.agency import CreateAgency
from domain.principal import OPERATOR
from system.cli.ending import WrongUse, ending
from system.cli.language import language, say
from system.cli.opening import AsJson, agency_or_only_one, opened
from system.cli.output import results, write_json
from system.office import know_everything

MOST_BYTES = 10 * 1024 * 1024
_LETTER = frozenset({"command", "agency", "key", "body"})
HELP = say(
    "Donner une commande écrite dans un fichier JSON :"
    ' {"command": …, "agency": …, "key": …, "body": {…}}, ou le corps seul avec --command.',
    "Issue a command that is written in a JSON file:"
    ' {"command": …, "agency": …, "key": …, "body": {…}}, or the body alone with --command.',
)


def do(
    file: Annotated[
        Path,
        typer.Argument(
            metavar=say("COMMANDE.json", "COMMAND.json"),
            help=say("Le fichier, ou - pour l'entrée standard.", "The file, or - for stdin."),
        ),
    ],
    agency: Annotated[
        str | None,
        typer.Option(
            metavar=say("AGENCE", "AGENCY"),
            help=say("L'agence, si le fichier ne la dit pas.", "The agency, unless in the file."),
        ),
    ] = None,
    command: Annotated[
        str | None,
        typer.Option(
            help=say(
                "Le nom de la commande, si le fichier n'est que son corps.",
                "The command's name, when the file is its body alone.",
            )
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help=say(
                "La clé d'idempotence : la répéter ne refait rien.",
                "The idempotency key: repeating it does nothing again.",
            )
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    with ending(as_json):
        letter = _with(_open_letter(_read(file), command), agency=agency, key=key)
        asked_command = _command(letter["command"], letter["body"])
        with opened() as parts:
            books = agency_or_only_one(parts, letter.get("agency"))
            asked = Asked(OPERATOR, books, key=letter.get("key"))
            answer = execute(parts.office, asked_command, asked)
        _tell(answer, as_json)


def _tell(answer: commands.Answer, as_json: bool) -> None:
    if as_json:
        told = {
            "position": answer.position,
            "ids": dict(answer.ids),
            "events": list(answer.events),
            "repeated": answer.repeated,
        }
        write_json(from_json(to_json(told)))
        return
    console = results(as_json)
    if answer.repeated:
        console.print(say("Déjà fait :", "Done before:"))
    console.print(", ".join(answer.events) or say("Rien n'a changé.", "Nothing changed."))
    for name, value in answer.ids.items():
        console.print(f"{name}: {value}", soft_wrap=True)


def _with(letter: dict[str, Any], **options: str | None) -> dict[str, Any]:
    """The letter, completed by what was typed beside it."""
    for name, given in options.items():
        if given is not None and letter.setdefault(name, given) != given:
            raise WrongUse(
                f"Le fichier et --{name} ne disent pas la même chose.",
                f"The file and --{name} do not say the same.",
            )
    return letter


def _read(file: Path) -> Any:
    try:
        if str(file) == "-":
            raw = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with file.open("rb") as opened_file:
                raw = opened_file.read(MOST_BYTES + 1)
    except (OSError, ValueError):
        raise WrongUse(
            "Le fichier n'existe pas ou ne peut pas être ouvert.",
            "The file does not exist or cannot be opened.",
        ) from None
    if len(raw) > MOST_BYTES:
        raise WrongUse("Le fichier dépasse 10 Mo.", "The file exceeds 10 MB.")
    try:
        return from_json(raw.removeprefix(b"\xef\xbb\xbf"), allow_inf_nan=False)
    except ValueError:
        raise WrongUse(
            "Le fichier n'est pas du JSON lisible.", "The file is not readable JSON."
        ) from None


def _open_letter(content: Any, command: str | None) -> dict[str, Any]:
    """Command, agency, key and body, from a whole letter or from a body alone."""
    if isinstance(content, dict) and "body" in content and content.keys() <= _LETTER:
        letter = _with(dict(content), command=command)
    else:
        letter = _with({"body": content}, command=command)
    texts = [letter.get(name, "") for name in ("command", "agency", "key")]
    if not all(isinstance(text, str) for text in texts) or not letter.get("command"):
        raise WrongUse(
            'Le fichier est {"command": …, "agency": …, "key": …, "body": {…}}, ou le corps seul'
            " avec --command.",
            'The file is {"command": …, "agency": …, "key": …, "body": {…}}, or the body alone'
            " with --command.",
        )
    return letter


def _command(name: str, body: Any) -> commands.Command:
    know_everything()
    kinds = {**commands.Command.named}
    kinds |= {kind.address(): kind for kind in commands.Command.named.values()}
    kind = kinds.get(name)
    if kind is CreateAgency:
        raise WrongUse(
            "Une agence se crée avec « quittance agency create ».",
            "An agency is created with “quittance agency create”.",
        )
    if kind is None:
        known = ", ".join(sorted(commands.Command.named))
        raise WrongUse(
            f"Cette commande n'existe pas. Il y a : {known}.",
            f"There is no such command. There are: {known}.",
        )
    try:
        command = kind.model_validate_json(to_json(body))
    except ValidationError as invalid:
        faults = wrongs(invalid.errors(include_url=False, include_input=False), (), _names(kind))
    else:
        faults = [Wrong(place, code) for place, code in unfit(command)]
        if not faults:
            return command
    raise WrongUse(_listed(kind, faults))


def _names(kind: type[commands.Command]) -> frozenset[str]:
    """The names that a message may show: ours, never what somebody made up."""
    schema = kind.model_json_schema()
    models = [schema, *schema.get("$defs", {}).values()]
    return frozenset(name for model in models for name in model.get("properties", {}))


def _listed(kind: type[commands.Command], faults: list[Wrong]) -> str:
    lines = [say(f"{kind.__name__} n'est pas lisible :", f"{kind.__name__} cannot be read:")]
    for fault in faults:
        told = fault.told(language())
        place = ".".join(map(str, fault.location)) or "body"
        lines.append(f"  {place} : {told['message']}")
    return "\n".join(lines)
