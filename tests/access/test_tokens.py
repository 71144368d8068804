"""What a token opens, for how long, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from psycopg_pool import ConnectionPool

from access.tokens import BadToken, Denied, NotATokenRole, Tokens, create_token, revoke
from domain.principal import Principal, Role

NOW = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)
LILAS, ROSES = uuid4(), uuid4()


@pytest.fixture
def pool(database_url: str) -> Iterator[ConnectionPool]:
    with ConnectionPool(database_url, min_size=1, max_size=2) as pool:
        yield pool


def made(pool, role=Role.AGENT, agencies=(LILAS,), now=NOW, **how):
    with pool.connection() as connection:
        return create_token(connection, role, agencies, "portail", now=now, **how)


def id_of(token: str) -> UUID:
    return UUID(token.split("_")[1])


def test_a_token_opens_its_agencies_with_its_role(pool):
    other = made(pool, Role.AUDITOR, [ROSES])
    token = made(pool, Role.SERVICE, [LILAS, ROSES])
    assert Tokens(pool).principal(token, NOW) == Principal(
        f"token:{id_of(token)}", Role.SERVICE, frozenset({LILAS, ROSES})
    )
    assert not Tokens(pool).principal(other, NOW).may_enter(LILAS)


def test_the_secret_is_not_kept(pool):
    token = made(pool)
    secret = token.split("_")[2]
    with pool.connection() as connection:
        row = connection.execute("SELECT t::text FROM tokens t").fetchone()[0]
    assert secret not in row
    assert len(bytes.fromhex(secret)) == 32


def test_a_token_lasts_a_year_unless_said_otherwise(pool):
    year, hour = made(pool), made(pool, expires_in=timedelta(hours=1))
    tokens = Tokens(pool)
    just_before = NOW + timedelta(days=365) - timedelta(seconds=1)
    assert tokens.principal(year, just_before)
    assert tokens.check(year, just_before + timedelta(seconds=1)) == Denied("expired", id_of(year))
    assert tokens.principal(hour, NOW)
    assert tokens.check(hour, NOW + timedelta(hours=1)) == Denied("expired", id_of(hour))


def test_what_is_not_quite_a_token_opens_nothing(pool):
    token, other = made(pool), made(pool)
    tokens = Tokens(pool)
    swapped = "_".join([*token.split("_")[:2], other.split("_")[2]])
    assert tokens.check(swapped, NOW) == Denied("wrong_secret", id_of(token))
    stranger = f"qt_{uuid4().hex}_{'0' * 64}"
    assert tokens.check(stranger, NOW) == Denied("unknown", id_of(stranger))
    for nonsense in ("", "qt_", token + "\n", token.upper(), token[:-1], "\0", "é" * 100):
        assert tokens.check(nonsense, NOW) == Denied("malformed")
    assert tokens.principal(token, NOW)


def test_a_wrong_secret_is_no_use_of_the_token(pool):
    token = made(pool)
    Tokens(pool).check(token[:-1] + ("0" if token[-1] != "0" else "1"), NOW)
    assert used_on(pool) == [None]


def test_a_revocation_is_seen_within_half_a_minute(pool):
    token, other = made(pool), made(pool)
    tokens = Tokens(pool)
    assert tokens.principal(token, NOW)
    with pool.connection() as connection:
        assert revoke(connection, id_of(token), now=NOW)
        assert revoke(connection, id_of(token), now=NOW + timedelta(days=1))
        assert not revoke(connection, uuid4(), now=NOW)
    assert tokens.check(token, NOW + timedelta(seconds=30)) == Denied("revoked", id_of(token))
    assert tokens.principal(other, NOW + timedelta(seconds=30))


def test_a_remembered_token_needs_no_database(pool):
    token = made(pool)
    tokens = Tokens(pool)
    assert tokens.remembered(token, NOW) is None
    principal = tokens.principal(token, NOW)
    with pool.connection() as connection:
        connection.execute("DROP TABLE tokens")
    assert tokens.principal(token, NOW + timedelta(seconds=29)) == principal
    assert tokens.remembered(token, NOW + timedelta(seconds=30)) is None


def test_the_clock_set_back_makes_us_ask_again(pool):
    token = made(pool, now=NOW - timedelta(days=1))
    tokens = Tokens(pool)
    tokens.principal(token, NOW)
    assert tokens.remembered(token, NOW - timedelta(seconds=1)) is None


def test_the_day_of_the_last_use_is_that_of_paris(pool):
    token = made(pool)
    made(pool)
    tokens = Tokens(pool)
    tokens.principal(token, NOW)
    assert used_on(pool) == [None, "2026-11-21"]
    tokens.principal(token, NOW + timedelta(minutes=31))
    assert used_on(pool) == [None, "2026-11-22"]


def used_on(pool):
    with pool.connection() as connection:
        rows = connection.execute(
            "SELECT last_used_on::text FROM tokens ORDER BY last_used_on NULLS FIRST"
        )
        return [row[0] for row in rows]


def test_no_token_is_the_system(pool):
    with pytest.raises(NotATokenRole):
        made(pool, Role.SYSTEM)


@pytest.mark.parametrize(
    "wrong",
    [{"agencies": ()}, {"expires_in": timedelta(0)}, {"expires_in": timedelta(days=4000)}],
)
def test_a_token_that_makes_no_sense_is_refused(pool, wrong):
    with pytest.raises(BadToken):
        made(pool, **wrong)


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\0b", "a\nb"])
def test_a_token_has_a_readable_name(pool, name):
    with pool.connection() as connection, pytest.raises(BadToken):
        create_token(connection, Role.AGENT, [LILAS], name, now=NOW)
