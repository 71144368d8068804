"""The API's documentation: `/openapi.json` for machines, and a page of it that loads nothing."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic_core import to_json

router = APIRouter(include_in_schema=False)

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font-family:ui-monospace,monospace;font-size:.9em}pre{overflow:auto;padding:.75rem;
border:1px solid #8886;border-radius:.25rem}summary{cursor:pointer;padding:.4rem 0}
details{border-top:1px solid #8886}th,td{text-align:left;vertical-align:top;padding:.15rem 1rem
.15rem 0}:root{color-scheme:light dark}
"""


@router.get("/openapi.json")
def openapi(request: Request) -> JSONResponse:
    return JSONResponse(request.app.openapi())


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    page = "".join(_page(request.app.openapi()))
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})


def _page(spec: dict[str, Any]) -> Iterator[str]:
    title = escape(f"{spec['info']['title']} {spec['info']['version']}")
    yield (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<main><h1>{title}</h1><p>{escape(spec['info'].get('description', ''))}</p>"
        '<p>For programs: <a href="/openapi.json">openapi.json</a></p>'
    )
    by_tag: dict[str, list[str]] = {}
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            section = "".join(_operation(method, path, operation))
            by_tag.setdefault(operation.get("tags", ["queries"])[0], []).append(section)
    for tag, sections in by_tag.items():
        yield f"<h2>{escape(tag.capitalize())}</h2>{''.join(sections)}"
    yield "<h2>Schemas</h2>"
    for name, schema in spec.get("components", {}).get("schemas", {}).items():
        said = escape(to_json(schema, indent=2).decode())
        yield (
            f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary>'
            f"<pre>{said}</pre></details>"
        )
    yield "</main></html>"


def _operation(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield (
        f"<details><summary><code>{method.upper()} {escape(path)}</code> "
        f"{escape(operation.get('summary', ''))}</summary>"
        f"<p>{escape(operation.get('description', ''))}</p><table>"
    )
    for parameter in operation.get("parameters", []):
        needed = "required" if parameter.get("required") else "optional"
        yield (
            f"<tr><th>{escape(parameter['name'])}<td>{parameter['in']}, {needed}"
            f"<td>{escape(parameter.get('description', ''))}"
        )
    if body := operation.get("requestBody"):
        yield f"<tr><th>body<td>required<td>{_schemas(body)}"
    for status, answer in operation["responses"].items():
        yield (
            f"<tr><th>{escape(status)}<td>{_schemas(answer)}"
            f"<td>{escape(answer.get('description', ''))}"
        )
    yield "</table></details>"


def _schemas(answer: dict[str, Any]) -> str:
    refs = (
        [content.get("schema", {}).get("$ref", "") for content in answer["content"].values()]
        if ("content" in answer)
        else []
    )
    names = [escape(ref.rsplit("/", 1)[-1]) for ref in refs if ref]
    return ", ".join(f'<a href="#{name}"><code>{name}</code></a>' for name in names)
