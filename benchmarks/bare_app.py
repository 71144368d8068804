"""The other side of HTTP: a bare FastAPI application with one synchronous route and one INSERT.

`DATABASE_URL` and `PORT` say where. It reads the same body, writes a row of the same columns and
lengths into a copy of `events`, and runs on uvicorn with the settings of the product's own server.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import uvicorn
from fastapi import FastAPI
from psycopg_pool import ConnectionPool
from pydantic import BaseModel

from benchmarks import THREADS

STATE = os.environ.get("STATE", "").encode()
"""A payload of ours, to be as long."""
HASH = bytes(32)
POOL = ConnectionPool(
    os.environ["DATABASE_URL"],
    min_size=THREADS,
    max_size=THREADS,
    kwargs={"autocommit": True},
    open=False,
)

_INSERT = """
INSERT INTO bare_events (agency, position, stream, event_id, command_id, correlation_id,
    causation_id, recorded_at, version, schema_version, effective_on, name, actor, on_behalf_of,
    subjects, hash, state)
VALUES (%s, nextval('bare_position'), %s, %s, %s, %s, NULL, %s, currval('bare_position'), 1, %s,
    'ContactChanged', %s, NULL, %s, %s, %s)
"""


class NewContact(BaseModel):
    """How a person is reached."""

    client_reference: str
    email: str | None
    phone: str | None


@asynccontextmanager
async def pool_open(_app: FastAPI) -> AsyncIterator[None]:
    POOL.open(wait=True)
    yield
    POOL.close()


app = FastAPI(lifespan=pool_open)


@app.get("/health")
async def health() -> dict[str, bool]:
    return {"ok": True}


@app.post("/contacts")
def change_contact(contact: NewContact) -> dict[str, str]:
    stream, command = uuid4(), uuid4()
    now = datetime.now(UTC)
    with POOL.connection() as connection:
        connection.execute(
            _INSERT,
            [
                stream, stream, uuid4(), command, command, now, now.date(),
                "token:0193b3c1-0000-7000-8000-000000000000", [stream], HASH, STATE,
            ],
        )  # fmt: skip
    return {"event_id": str(command), "client_reference": contact.client_reference}


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        log_config=None,
        access_log=False,
        ws="none",
        loop="uvloop",
        http="httptools",
        timeout_graceful_shutdown=5,
        server_header=False,
    )
