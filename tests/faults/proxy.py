"""Stands between a client and PostgreSQL, understands the framing of their talk, and spoils it.

It knows which of a client's requests commit something: it can end a connection when such a request
comes and before it reaches the server, or once the server has done it and before the client hears
so. And it can keep notifications from those who listen.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from threading import Lock, Thread
from urllib.parse import quote, urlsplit

from psycopg.conninfo import conninfo_to_dict

CHUNK_BYTES = 65_536
SYNC, QUERY, PARSE, BIND = b"S"[0], b"Q"[0], b"P"[0], b"B"[0]
READY, NOTIFICATION = b"Z"[0], b"A"[0]
COMMITS = (b"COMMIT", b"INSERT INTO EVENTS")
"""What a statement that commits begins with, or has in it, in capitals."""


class Proxy:
    """Listens on a socket of its own; `url` leads through it."""

    def __init__(self, url: str, folder: Path, seed: int = 0) -> None:
        there = conninfo_to_dict(url)
        self._host, self._port = str(there.get("host", "localhost")), int(there.get("port", 5432))
        way, known = urlsplit(url), urlsplit(url).netloc.rpartition("@")[0]
        here = f"host={quote(str(folder), safe='')}&port=5432"
        self.url = way._replace(netloc=f"{known}@", query=here).geturl()
        self.away = False
        """Whether who connects is sent away, as if there were no server."""
        self.swallow_signals = False
        self.swallowed = 0
        self.cuts_before = self.cuts_after = 0
        """How many requests were cut off before the server had them, and after it had kept them."""
        self._random = Random(seed)
        self._every = 0
        self._commits = 0
        self._lock = Lock()
        self._pairs: list[Pair] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen(128)
        self._thread = Thread(target=self._accept, name="proxy", daemon=True)
        self._thread.start()

    def cut_commits(self, every: int) -> None:
        """From now on, cut off about one in so many of the requests that commit; 0 for none."""
        with self._lock:
            self._every = every

    def cut_all(self) -> None:
        """End every connection."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.end()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self.cut_all()

    def fate_of_a_commit(self) -> str:
        """`pass`, or cut `before` the server has it or `after`."""
        with self._lock:
            self._commits += 1
            if not self._every or self._random.randrange(self._every):
                return "pass"
            if self._random.random() < 0.25:
                self.cuts_before += 1
                return "before"
            return "after"

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = None if self.away else self._connect()
            except OSError:
                server = None
            if server is None:
                client.close()
                continue
            pair = Pair(self, client, server)
            with self._lock:
                self._pairs.append(pair)
            pair.start()

    def _connect(self) -> socket.socket:
        if self._host.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(f"{self._host}/.s.PGSQL.{self._port}")
            except OSError:
                server.close()
                raise
            return server
        return socket.create_connection((self._host, self._port))


class Pair:
    """One connection, with a thread for each direction."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client, self._server = client, server
        self._statements: dict[bytes, bool] = {}
        """Whether the prepared statement of a name commits."""
        self._asked: deque[bool] = deque()
        """For each request that is not answered yet, whether to cut it off instead."""

    def start(self) -> None:
        for run in (self._to_server, self._to_client):
            Thread(target=run, daemon=True).start()

    def end(self) -> None:
        for side in (self._client, self._server):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def _to_server(self) -> None:
        with self._client, contextlib.suppress(OSError, EOFError):
            frames = _Frames(self._client)
            self._server.sendall(frames.first())
            commits = False
            # What belongs to one request goes out together, so that it can be withheld.
            request = bytearray()
            for kind, message in frames:
                commits = commits or self._commits(kind, message)
                request += message
                if kind in (QUERY, SYNC):
                    fate = self._proxy.fate_of_a_commit() if commits else "pass"
                    if fate == "before":
                        break
                    self._asked.append(fate == "after")
                    commits = False
                if kind in (QUERY, SYNC) or not frames.more:
                    self._server.sendall(request)
                    request.clear()
        self.end()

    def _commits(self, kind: int, message: bytes) -> bool:
        if kind == QUERY:
            return _commits(message[5:])
        if kind == PARSE:
            name, text, _ = message[5:].split(b"\0", 2)
            self._statements[name] = _commits(text)
            # The unnamed one is executed at once; a named one when it is bound.
            return self._statements[name] and not name
        if kind == BIND:
            _, name, _ = message[5:].split(b"\0", 2)
            return self._statements.get(name, False)
        return False

    def _to_client(self) -> None:
        with self._server, contextlib.suppress(OSError):
            for kind, message in _Frames(self._server):
                doomed = bool(self._asked) and self._asked[0]
                if kind == READY and self._asked:
                    self._asked.popleft()
                    if doomed:
                        self._proxy.cuts_after += 1
                        break
                if kind == NOTIFICATION and self._proxy.swallow_signals:
                    self._proxy.swallowed += 1
                elif not doomed:
                    self._client.sendall(message)
        self.end()


class _Frames:
    """The messages of one side: a letter, the length of the rest, the rest."""

    def __init__(self, side: socket.socket) -> None:
        self._side = side
        self._unread = bytearray()

    @property
    def more(self) -> bool:
        """Whether the beginning of another message is here already."""
        return bool(self._unread)

    def first(self) -> bytes:
        """The start-up message, which has no letter."""
        return self._take(int.from_bytes(self._peek(4), "big"))

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        with contextlib.suppress(EOFError):
            while True:
                length = int.from_bytes(self._peek(5)[1:], "big")
                message = self._take(length + 1)
                yield message[0], message

    def _peek(self, count: int) -> bytes:
        while len(self._unread) < count:
            received = self._side.recv(CHUNK_BYTES)
            if not received:
                raise EOFError
            self._unread += received
        return bytes(self._unread[:count])

    def _take(self, count: int) -> bytes:
        taken = self._peek(count)
        del self._unread[:count]
        return taken


def _commits(text: bytes) -> bool:
    begins, has = COMMITS
    text = text.upper()
    return text.lstrip().startswith(begins) or has in text


@contextmanager
def proxy(url: str, seed: int = 0) -> Iterator[Proxy]:
    """A proxy to the server of `url`, gone at the end with all of its connections."""
    folder = Path(tempfile.mkdtemp(prefix="quittance-proxy-"))
    opened = Proxy(url, folder, seed)
    try:
        yield opened
    finally:
        opened.close()
        shutil.rmtree(folder)
