"""What can be asked over HTTP: one route per command class, derived from it."""

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from uuid import UUID

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, JsonValue, ValidationError
from pydantic.json_schema import models_json_schema
from pydantic_core import to_json
from uuid_utils import uuid7

from api.doors import SLUG, Visit, bearer, let_in
from api.invalid import Wrong, wrongs
from api.limits import unfit
from api.logging import trail_of
from api.problems import Problem, documented
from commands import Answer, Asked, Command, execute

SCHEMAS = "#/components/schemas/{model}"
PRINTABLE = "^[!-~]([ -~]{0,198}[!-~])?$"
_KEY = re.compile(PRINTABLE)
_UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

# Written out and read by hand: half of a request's time went into asking the framework to.
PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "agency",
        "in": "path",
        "required": True,
        "description": SLUG,
        "schema": {"type": "string"},
    },
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "1 to 200 printable ASCII characters, new for each request. A repetition "
        "with the same key and body is done once and answered the same, for 30 days.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": PRINTABLE},
    },
    {
        "name": "Quittance-On-Behalf-Of",
        "in": "header",
        "required": False,
        "description": "The party for whom this is asked.",
        "schema": {"type": "string", "format": "uuid"},
    },
]


class Done(BaseModel):
    """What came of a command. Pass `position` as `min_position` to read your own write."""

    position: int
    ids: dict[str, JsonValue]
    events: list[str]


def offered(kinds: Iterable[type[Command]]) -> list[type[Command]]:
    """The commands that people may ask for; the others are the system's own."""
    return [kind for kind in kinds if not getattr(kind, "internal", False)]


def offer(app: FastAPI, kinds: Iterable[type[Command]]) -> None:
    """Give each command its route."""
    for kind in kinds:
        app.add_api_route(
            f"/v1/agencies/{{agency}}/commands/{kind.address()}",
            _route(kind),
            methods=["POST"],
            operation_id=kind.__name__,
            name=kind.__name__,
            summary=re.sub(r"(?<!^)(?=[A-Z])", " ", kind.__name__).capitalize(),
            description=kind.__doc__,
            tags=["commands"],
            response_model=Done,
            response_description="Done, now or before.",
            responses={
                200: {
                    "headers": {
                        "Idempotency-Hit": {
                            "description": "`true` when this was done before.",
                            "schema": {"type": "string", "enum": ["true"]},
                        }
                    }
                },
                **documented(401, 403, 404, 409, 413, 415, 422, 503),
            },
            openapi_extra={
                "parameters": PARAMETERS,
                "security": [{bearer.scheme_name: []}],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {"$ref": SCHEMAS.format(model=kind.__name__)}
                        }
                    },
                },
            },
        )


def schemas(kinds: Iterable[type[BaseModel]]) -> dict[str, Any]:
    """The JSON schemas of request bodies and problems, for the API's documentation."""
    _, definitions = models_json_schema(
        [(kind, "validation") for kind in kinds], ref_template=SCHEMAS
    )
    schemas: dict[str, Any] = definitions["$defs"]
    return schemas


def _route(kind: type[Command]) -> Callable[..., Awaitable[Response]]:
    """Who and where come first, then the headers, the body; then a thread does it."""
    known = _names(kind)

    async def command(request: Request) -> Response:
        visit = await let_in(request, request.path_params["agency"], kind.allowed)
        asked = _asked(request, visit)
        _check_media_type(request)
        command = _read(kind, await request.body(), known)
        answer = await run_in_threadpool(execute, visit.parts.office, command, asked)
        return _told(request, asked, answer)

    return command


def _asked(request: Request, visit: Visit) -> Asked:
    key = _header(request, "Idempotency-Key", _KEY, "string_pattern_mismatch")
    if key is None:
        raise Problem("invalid", errors=[Wrong(("header", "Idempotency-Key"), "missing")])
    behalf = _header(request, "Quittance-On-Behalf-Of", _UUID, "uuid_parsing")
    return Asked(
        visit.principal,
        visit.agency,
        key=key,
        on_behalf_of=behalf and behalf.lower(),
        command_id=UUID(bytes=uuid7().bytes),
    )


def _header(request: Request, name: str, shape: re.Pattern[str], code: str) -> str | None:
    """A header that comes once and has its shape, or None if it does not come."""
    given = request.headers.getlist(name)
    if len(given) > 1:
        raise Problem("invalid", errors=[Wrong(("header", name), "several")])
    if given and not shape.fullmatch(given[0]):
        raise Problem("invalid", errors=[Wrong(("header", name), code)])
    return given[0] if given else None


def _check_media_type(request: Request) -> None:
    given = request.headers.getlist("content-type")
    kind = given[0].partition(";")[0].strip().lower() if len(given) == 1 else ""
    if kind != "application/json" and not (
        kind.startswith("application/") and kind.endswith("+json")
    ):
        raise Problem("unsupported_media_type", headers={"Accept-Post": "application/json"})


def _read(kind: type[Command], body: bytes, known: frozenset[str]) -> Command:
    """The command in a body. Pydantic reads the bytes itself: strict UTF-8, bounded nesting."""
    try:
        command = kind.__pydantic_validator__.validate_json(body)
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False, include_input=False)
        raise Problem("invalid", errors=wrongs(errors, ("body",), known)) from None
    assert isinstance(command, Command)
    if wrong := [Wrong(("body", *place), code) for place, code in unfit(command)]:
        raise Problem("invalid", errors=wrong)
    return command


def _names(kind: type[Command]) -> frozenset[str]:
    """The names of fields that a location may show: ours, never what somebody made up."""
    schema = kind.model_json_schema()
    models = [schema, *schema.get("$defs", {}).values()]
    return frozenset(name for model in models for name in model.get("properties", {}))


def _told(request: Request, asked: Asked, answer: Answer) -> Response:
    trail = trail_of(request)
    trail.position = answer.position
    if answer.repeated:
        trail.repeated = True
    elif answer.events:
        trail.command_id = asked.command_id
    body = {"position": answer.position, "ids": answer.ids, "events": answer.events}
    return Response(
        to_json(body),
        headers={"Idempotency-Hit": "true"} if answer.repeated else None,
        media_type="application/json",
    )
