"""Bearer tokens of the API: `qt_<id>_<secret>`, shown once and kept as a hash."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import Connection
from psycopg_pool import ConnectionPool
from uuid_utils import uuid7

from domain import Refused
from domain.principal import Principal, Role

PARIS = ZoneInfo("Europe/Paris")
ONE_YEAR = timedelta(days=365)
LONGEST = timedelta(days=3_653)
SECRET_BYTES = 32
REMEMBERED_FOR = timedelta(seconds=30)
"""How long a token is taken for what it was; a revocation is seen within this time."""
REMEMBERED_TOKENS = 10_000

_SHAPE = re.compile(r"qt_([0-9a-f]{32})_([0-9a-f]{64})")

_FETCH = """
SELECT role, agencies, secret_sha256, expires_at, revoked_at, last_used_on
FROM tokens WHERE id = %s
"""


class NotATokenRole(Refused):
    """No token carries this role: it is the product's own."""


class BadToken(Refused):
    """A token without a name, without an agency, or with a life that cannot be."""


class Denied(NamedTuple):
    """Why a token opens nothing: `malformed`, `unknown`, `wrong_secret`, `revoked`, `expired`."""

    reason: str
    token_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """What a token's row said when it was read."""

    principal: Principal
    digest: bytes
    expires_at: datetime
    revoked_at: datetime | None
    read_at: datetime


def create_token(
    connection: Connection[Any],
    role: Role,
    agencies: Collection[UUID],
    name: str,
    expires_in: timedelta = ONE_YEAR,
    *,
    now: datetime,
) -> str:
    """Make a token and return it, the only time that it can be seen. Raises Refused."""
    if role is Role.SYSTEM:
        raise NotATokenRole(
            "Aucun jeton ne porte le rôle du système.", "No token carries the system's role."
        )
    name = name.strip()
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise BadToken(
            "Un jeton porte un nom de 1 à 100 caractères.",
            "A token has a name of 1 to 100 characters.",
        )
    if not agencies:
        raise BadToken("Un jeton ouvre au moins une agence.", "A token opens one agency at least.")
    if not timedelta(0) < expires_in <= LONGEST:
        raise BadToken("Un jeton vaut dix ans au plus.", "A token lasts ten years at most.")
    token_id = UUID(bytes=uuid7().bytes)
    secret = secrets.token_hex(SECRET_BYTES)
    connection.execute(
        "INSERT INTO tokens (id, name, role, agencies, secret_sha256, created_at, expires_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [
            token_id, name, role.value, sorted(set(agencies)), _digest(secret), now,
            now + expires_in,
        ],
    )  # fmt: skip
    return f"qt_{token_id.hex}_{secret}"


def revoke(connection: Connection[Any], token_id: UUID, *, now: datetime) -> bool:
    """End a token for good, once or many times; False if there is none of this id."""
    done = connection.execute(
        "UPDATE tokens SET revoked_at = coalesce(revoked_at, %s) WHERE id = %s", [now, token_id]
    )
    return done.rowcount == 1


def token_names(connection: Connection[Any], ids: Sequence[UUID]) -> dict[UUID, str]:
    """How tokens are called, expired and revoked ones too: their name and role."""
    rows = connection.execute("SELECT id, name, role FROM tokens WHERE id = ANY(%s)", [list(ids)])
    return {token_id: f"{name} ({role})" for token_id, name, role in rows}


def tokens_named(connection: Connection[Any], agency: UUID, name: str) -> list[UUID]:
    """The tokens of this name that open or opened an agency; names need not be unique."""
    rows = connection.execute(
        "SELECT id FROM tokens WHERE %s = ANY(agencies) AND name = %s ORDER BY id", [agency, name]
    )
    return [token_id for (token_id,) in rows]


class Tokens:
    """Tells who comes with a token; asks the database once per token in half a minute."""

    def __init__(self, pool: ConnectionPool[Connection]) -> None:
        self._pool = pool
        self._known: dict[UUID, _Known] = {}

    def principal(self, token: str, now: datetime) -> Principal | None:
        """Whose token this is, or None if it opens nothing."""
        found = self.check(token, now)
        return found if isinstance(found, Principal) else None

    def check(self, token: str, now: datetime) -> Principal | Denied:
        """Whose token this is, or why it opens nothing; may ask the database."""
        remembered = self.remembered(token, now)
        if remembered is not None:
            return remembered
        token_id, secret = _parts(token)
        with self._pool.connection() as connection:
            row = connection.execute(_FETCH, [token_id]).fetchone()
            if row is None:
                return Denied("unknown", token_id)
            known = self._remember(token_id, row[:5], now)
            verdict = _judge(known, token_id, secret, now)
            if isinstance(verdict, Principal):
                _note_use(connection, token_id, row[5], now.astimezone(PARIS).date())
        return verdict

    def remembered(self, token: str, now: datetime) -> Principal | Denied | None:
        """The same from memory alone; None when the database has to be asked."""
        if _SHAPE.fullmatch(token) is None:
            return Denied("malformed")
        token_id, secret = _parts(token)
        known = self._known.get(token_id)
        # A clock that was set back must not keep a revoked token alive.
        if known is None or not timedelta(0) <= now - known.read_at < REMEMBERED_FOR:
            return None
        return _judge(known, token_id, secret, now)

    def _remember(self, token_id: UUID, row: Sequence[Any], now: datetime) -> _Known:
        role, agencies, digest, expires_at, revoked_at = row
        principal = Principal(f"token:{token_id}", Role(role), frozenset(agencies))
        known = _Known(principal, digest, expires_at, revoked_at, now)
        if len(self._known) >= REMEMBERED_TOKENS:
            self._known.clear()
        self._known[token_id] = known
        return known


def _note_use(
    connection: Connection[Any], token_id: UUID, last_used_on: date | None, today: date
) -> None:
    if last_used_on is None or last_used_on < today:
        connection.execute(
            "UPDATE tokens SET last_used_on = %s WHERE id = %s"
            " AND (last_used_on IS NULL OR last_used_on < %s)",
            [today, token_id, today],
        )


def _judge(known: _Known, token_id: UUID, secret: str, now: datetime) -> Principal | Denied:
    if not hmac.compare_digest(known.digest, _digest(secret)):
        return Denied("wrong_secret", token_id)
    if known.revoked_at is not None:
        return Denied("revoked", token_id)
    if now >= known.expires_at:
        return Denied("expired", token_id)
    return known.principal


def _parts(token: str) -> tuple[UUID, str]:
    _, token_id, secret = token.split("_")
    return UUID(hex=token_id), secret


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
