"""Being alone with a key, whatever happens within."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from service.store.lease import LapsedError, Lease
from service.store.pool import Pool
from service.store.store import Store
from tests.store.test_claims import change

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEY = 7


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    pool = Pool(database_url, min_size=0, max_size=4)
    yield Store(pool)
    await pool.close()


async def test_nobody_else_is_inside(store: Store) -> None:
    """With another key they are."""
    async with store.alone(KEY) as first, store.alone(KEY) as second, store.alone(8) as other:
        assert (first is None, second is None, other is None) == (False, True, False)
    async with store.alone(KEY) as again:
        assert again is not None


async def test_who_fails_lets_others_in(store: Store) -> None:
    with pytest.raises(ValueError, match="within"):
        async with store.alone(KEY):
            raise ValueError("within")
    async with store.alone(KEY) as again:
        assert again is not None


async def test_who_is_cancelled_lets_others_in(store: Store) -> None:
    """As soon as the statement that may be under way has ended."""
    inside = asyncio.Event()

    async def wait() -> None:
        async with store.alone(KEY) as session:
            assert session
            inside.set()
            await asyncio.Event().wait()

    waiting = asyncio.create_task(wait())
    await inside.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(30):
        while True:
            async with store.alone(KEY) as again:
                if again is not None:
                    return


async def test_nothing_is_written_under_a_lease_that_is_over(store: Store) -> None:
    """Neither by itself nor together with others."""
    now = [0.0]
    lease = Lease(1.0, clock=lambda: now[0])
    leased = store.under(lease)
    await leased.create(change(1))
    now[0] = 1.0
    with pytest.raises(LapsedError):
        await leased.create(change(2))
    async with leased.session() as session:
        with pytest.raises(LapsedError):
            await session.write([change(3), change(4)])
    lease.extend(2.0)
    await leased.create(change(2))
    async with store.session() as session:
        assert await session._connection.fetchval("SELECT count(*) FROM resource") == 2
