"""Keep-alive HTTP clients in a process of their own, as lean as Python can be.

Standard input: `{"port", "clients", "seconds", "token", "requests": [[path, reference], …],
"first"}`; each request is a new contact for one of the references, with an idempotency key of
its own, counted from `first`. Standard output: `{"done", "seconds", "p50_ms", "p99_ms",
"statuses", "next"}`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from itertools import count, cycle
from time import perf_counter
from typing import Any, cast

import httptools
import uvloop

from benchmarks.contacts import contact, key
from benchmarks.race import pace

_REQUEST = (
    "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    "Content-Type: application/json\r\nIdempotency-Key: {key}\r\n"
    "Content-Length: {length}\r\n\r\n{body}"
)


class Load:
    """What all clients share."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self._token = asked["token"]
        self._requests = cycle(map(tuple, asked["requests"]))
        self._numbers: count[int] = count(asked["first"])
        self.statuses: Counter[int] = Counter()
        self.waits: list[list[float]] = []
        self.stop_at = 0.0

    def next_request(self) -> bytes:
        path, reference = next(self._requests)
        number = next(self._numbers)
        email, phone = contact(number)
        body = f'{{"client_reference":"{reference}","email":"{email}","phone":"{phone}"}}'
        return _REQUEST.format(
            path=path, token=self._token, key=key(number), length=len(body), body=body
        ).encode()

    @property
    def next_number(self) -> int:
        return next(self._numbers)


class Client(asyncio.Protocol):
    """One connection: the next request as soon as the answer to the last is whole."""

    def __init__(self, load: Load, ended: asyncio.Future[None]) -> None:
        self._load = load
        self._ended = ended
        self._waits: list[float] = []
        load.waits.append(self._waits)
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Called by the parser at the end of an answer."""
        now = perf_counter()
        self._waits.append(now - self._sent_at)
        self._load.statuses[self._parser.get_status_code()] += 1
        if now < self._load.stop_at:
            self._send()
        else:
            self._ended.set_result(None)
            self._transport.close()

    def connection_lost(self, why: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_exception(why or ConnectionResetError("the server hung up"))

    def _send(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._sent_at = perf_counter()
        self._transport.write(self._load.next_request())


async def run(asked: dict[str, Any]) -> dict[str, Any]:
    """All clients for the time asked."""
    loop = asyncio.get_running_loop()
    load = Load(asked)
    began = perf_counter()
    load.stop_at = began + asked["seconds"]
    ends = [loop.create_future() for _ in range(asked["clients"])]
    for ended in ends:
        await loop.create_connection(
            lambda ended=ended: Client(load, ended),  # type: ignore[misc]
            "127.0.0.1",
            asked["port"],
        )
    await asyncio.gather(*ends)
    went = pace(load.waits, perf_counter() - began)
    return {
        "done": went.done,
        "per_second": went.per_second,
        "p50_ms": went.p50_ms,
        "p99_ms": went.p99_ms,
        "statuses": {str(status): number for status, number in load.statuses.items()},
        "next": load.next_number,
    }


if __name__ == "__main__":
    json.dump(uvloop.run(run(json.load(sys.stdin))), sys.stdout)
