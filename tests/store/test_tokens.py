"""Tokens in the database: an assertion pays once, what has expired is swept away, rights are taken back for all."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from service.store.clients import Clients, Registration
from service.store.pool import Pool
from service.store.tokens import NewToken, Tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

START = datetime(2026, 1, 9, 8, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = Pool(database_url, min_size=0, max_size=8)
    registered = Registration(
        id="c", name="c", role="clinic", organisation="Organization/c", scope="x", jwks=b"{}", created_at=START
    )
    assert await Clients(opened).add(registered)
    yield opened
    await opened.close()


def new(number: int, *, assertion: int | None = None, at: datetime = START) -> NewToken:
    paid = number if assertion is None else assertion
    return NewToken(
        digest=number.to_bytes(32),
        client_id="c",
        scope="system/Task.r",
        issued_at=at,
        expires_at=at + timedelta(seconds=300),
        assertion_digest=paid.to_bytes(32),
        assertion_expires_at=at + timedelta(seconds=300),
    )


async def rows(pool: Pool, table: str) -> int:
    async with pool.acquire() as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608


async def test_an_assertion_pays_for_one_token_however_many_ask_at_once(pool: Pool) -> None:
    tokens = Tokens(pool)
    issued = await asyncio.gather(*(tokens.issue(new(number, assertion=0)) for number in range(20)))
    assert sum(issued) == 1
    assert await rows(pool, "access_token") == 1


async def test_an_assertion_that_was_spent_on_something_else_pays_for_none(pool: Pool) -> None:
    tokens = Tokens(pool)
    spent = [tokens.spend((1).to_bytes(32), expires_at=START + DAY, now=START) for _ in range(5)]
    assert sum(await asyncio.gather(*spent)) == 1
    assert not await tokens.issue(new(1))


async def test_what_has_expired_is_swept_away_by_what_comes_after(pool: Pool) -> None:
    """More than is added, so that nothing piles up; several at once do not get into each other's way."""
    tokens = Tokens(pool)
    for number in range(120):
        await tokens.issue(new(number))
    await asyncio.gather(*(tokens.issue(new(200 + number, at=START + DAY)) for number in range(8)))
    assert await rows(pool, "access_token") == 8
    assert await rows(pool, "spent_assertion") == 8
    await tokens.spend((999).to_bytes(32), expires_at=START + 3 * DAY, now=START + 2 * DAY)
    assert await rows(pool, "spent_assertion") == 1


async def test_what_has_not_expired_stays(pool: Pool) -> None:
    tokens = Tokens(pool)
    await tokens.issue(new(1))
    await tokens.issue(new(2, at=START + timedelta(seconds=300)))
    assert await rows(pool, "spent_assertion") == 2
    assert not await tokens.issue(new(3, assertion=1, at=START + timedelta(seconds=299)))


async def test_the_generation_rises_when_a_right_is_taken_away_and_only_then(pool: Pool) -> None:
    """Every worker forgets what it remembers when it does."""
    tokens, clients = Tokens(pool), Clients(pool)
    await tokens.issue(new(1))
    begun = await tokens.generation()
    await tokens.find((1).to_bytes(32))
    await tokens.revoke((1).to_bytes(32), client_id="another")
    await tokens.revoke((9).to_bytes(32), client_id="c")
    assert await clients.switch("nobody", disabled_at=START) is None
    assert await tokens.generation() == begun
    await tokens.revoke((1).to_bytes(32), client_id="c")
    assert await tokens.generation() == begun + 1
    await clients.switch("c", disabled_at=START)
    assert await tokens.generation() == begun + 2
    await clients.set_keys("c", jwks=b"{}")
    assert await tokens.generation() == begun + 3


async def test_a_client_is_trusted_by_one_thing(pool: Pool) -> None:
    """The database itself refuses one without keys, or with keys and an issuer."""
    import asyncpg

    trusts: list[dict[str, Any]] = [{}, {"jwks": b"{}", "issuer": "https://issuer.example"}]
    for trust in trusts:
        doubtful = Registration(id="d", name="d", role="administrator", scope="x", created_at=START, **trust)
        with pytest.raises(asyncpg.CheckViolationError):
            await Clients(pool).add(doubtful)
