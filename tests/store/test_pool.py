"""The pool: bounded, patient for a bounded time, never left with somebody's transaction, well again by itself."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from service.fhir.outcome import FhirError
from service.store.joining import let_go
from service.store.pool import Pool
from tests.store.relay import Relay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def pool_on(url: str, **changes: Any) -> AsyncIterator[Pool]:
    chosen: dict[str, Any] = {"min_size": 1, "max_size": 2, "acquire_timeout_seconds": 5.0} | changes
    async with Pool(url, **({"statement_timeout_seconds": 5.0} | chosen)) as pool:
        await pool.fill()
        yield pool


async def one(pool: Pool) -> int:
    async with pool.acquire() as connection:
        return int(await connection.fetchval("SELECT 1"))


async def backend(pool: Pool) -> int:
    async with pool.acquire() as connection:
        return int(await connection.fetchval("SELECT pg_backend_pid()"))


async def test_json_passes_as_bytes_alone_and_in_arrays(database_url: str) -> None:
    async with pool_on(database_url) as pool, pool.acquire() as connection:
        assert await connection.fetchval("SELECT $1::json", b'{"a": 1.00}') == b'{"a": 1.00}'
        assert await connection.fetchval("SELECT $1::json[]", [b"1.0", None]) == [b"1.0", None]


async def test_settings_are_made_where_a_pooler_lets_them_through(database_url: str) -> None:
    """PgBouncer refuses connections that bring them as parameters of their start."""
    async with pool_on(database_url, statement_timeout_seconds=7.0) as pool, pool.acquire() as connection:
        rows = await connection.fetch(
            "SELECT name, setting, source FROM pg_settings WHERE name = ANY($1)",
            ["enable_bitmapscan", "enable_seqscan", "jit", "plan_cache_mode", "statement_timeout", "TimeZone"],
        )
        assert {tuple(row) for row in rows} == {
            ("enable_bitmapscan", "off", "session"),
            ("enable_seqscan", "off", "session"),
            ("jit", "off", "session"),
            ("plan_cache_mode", "force_generic_plan", "session"),
            ("statement_timeout", "7000", "session"),
            ("TimeZone", "UTC", "session"),
        }


async def test_a_connection_is_used_again(database_url: str) -> None:
    async with pool_on(database_url) as pool:
        assert await backend(pool) == await backend(pool)


async def test_who_finds_none_waits_in_turn(database_url: str) -> None:
    order: list[int] = []

    async def use(number: int, pool: Pool) -> None:
        async with pool.acquire() as connection:
            await connection.execute("SELECT pg_sleep(0.01)")
            order.append(number)

    async with pool_on(database_url, max_size=1) as pool:
        await asyncio.gather(*(use(number, pool) for number in range(6)))
    assert order == sorted(order)


async def test_a_full_pool_refuses_within_the_time_set(database_url: str) -> None:
    """Which is far from the one that it would have otherwise."""
    async with pool_on(database_url, max_size=1, acquire_timeout_seconds=3600) as pool, pool.acquire():
        pool.acquire_timeout_seconds = 0.1
        async with asyncio.timeout(30):
            with pytest.raises(FhirError) as refused:
                await one(pool)
    assert refused.value.code == "busy"
    assert refused.value.retry_after_seconds


async def test_a_full_pool_serves_again_after_refusals(database_url: str) -> None:
    async with pool_on(database_url, max_size=1) as pool:
        async with pool.acquire():
            pool.acquire_timeout_seconds = 0.05
            refused = await asyncio.gather(*(one(pool) for _ in range(5)), return_exceptions=True)
        assert all(isinstance(error, FhirError) for error in refused)
        assert await one(pool) == 1


async def test_a_transaction_left_open_is_rolled_back(database_url: str) -> None:
    async with pool_on(database_url, max_size=1) as pool:
        async with pool.acquire() as connection:
            await connection.execute("BEGIN; CREATE TABLE left_open ()")
        async with pool.acquire() as connection:
            assert await connection.fetchval("SELECT to_regclass('left_open')") is None


async def test_a_cancelled_statement_does_not_hold_its_connection(database_url: str) -> None:
    async with pool_on(database_url, max_size=1) as pool:

        async def sleep() -> None:
            async with pool.acquire() as connection:
                await connection.execute("SELECT pg_sleep(60)")

        sleeping = asyncio.create_task(sleep())
        await asyncio.sleep(0)
        sleeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sleeping
        assert await one(pool) == 1


async def test_a_waiter_that_gives_up_does_not_take_a_connection_along(database_url: str) -> None:
    async with pool_on(database_url, max_size=1) as pool:
        async with pool.acquire():
            waiting = [asyncio.create_task(one(pool)) for _ in range(3)]
            await asyncio.sleep(0)
            waiting[0].cancel()
        assert await asyncio.gather(*waiting[1:]) == [1, 1]
        assert await one(pool) == 1


async def test_a_statement_that_runs_too_long_is_a_timeout(database_url: str) -> None:
    async with pool_on(database_url, statement_timeout_seconds=0.5) as pool:
        with pytest.raises(FhirError) as refused:
            async with pool.acquire() as connection:
                await connection.execute("SELECT pg_sleep(60)")
    assert refused.value.code == "timeout"


async def test_a_lost_connection_is_reported_and_replaced(database_url: str) -> None:
    async with pool_on(database_url, max_size=1) as pool:
        with pytest.raises(FhirError) as refused:
            async with pool.acquire() as connection:
                await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        assert refused.value.code == "database-unavailable"
        assert refused.value.retry_after_seconds
        assert await one(pool) == 1


async def test_connections_lost_while_idle_are_not_handed_out(database_url: str) -> None:
    async with pool_on(database_url, min_size=2) as pool:
        other = await asyncpg.connect(database_url)
        await other.fetch(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await other.close()
        assert sum(await asyncio.gather(one(pool), one(pool))) == 2


async def told_of_its_end(pool: Pool, relay: Relay, *, begun: bool) -> None:
    async with pool.acquire() as connection:
        if begun:
            await connection.execute("BEGIN")
        await relay.say_that_all_end()
        await connection.fetchval("SELECT 1")


@pytest.mark.parametrize("begun", [False, True], ids=["alone", "in a transaction"])
async def test_connections_that_the_database_said_to_end_are_replaced(database_url: str, *, begun: bool) -> None:
    """Its word is there before the end is, which may not come at all."""
    relay = Relay(database_url)
    async with relay.open(), pool_on(relay.url, max_size=1) as pool:
        with pytest.raises(FhirError) as refused:
            await told_of_its_end(pool, relay, begun=begun)
        assert refused.value.code == "database-unavailable"
        assert await one(pool) == 1


async def test_work_that_stops_while_the_database_ends_its_connection_leaves_the_place_to_others(
    database_url: str,
) -> None:
    relay = Relay(database_url)
    async with relay.open(), pool_on(relay.url, max_size=1) as pool:
        async with pool.acquire() as connection:
            await connection.execute("BEGIN")
            await relay.say_that_all_end()
        assert await one(pool) == 1


async def test_locks_of_a_connection_that_is_lost_are_given_back_without_a_failure(database_url: str) -> None:
    """What they were held for is committed: a refusal now would have it sent again."""
    async with pool_on(database_url, max_size=1) as pool:
        other = await asyncpg.connect(database_url)
        async with pool.acquire() as connection:
            await connection.execute("SELECT pg_advisory_lock_shared(7)")
            await other.execute("SELECT pg_terminate_backend($1, 5000)", connection.get_server_pid())
            await let_go(connection, [7])
        assert await other.fetchval("SELECT pg_try_advisory_lock(7)")
        assert await one(pool) == 1
        await other.close()


async def test_a_pool_opens_without_its_database_and_says_so_when_used() -> None:
    async with pool_on("postgresql://user:the-password@127.0.0.1:1/none") as pool:
        with pytest.raises(FhirError) as refused:
            await one(pool)
    assert refused.value.code == "database-unavailable"
    assert "the-password" not in str(refused.value)


async def test_lost_races_pass_through(database_url: str) -> None:
    async with pool_on(database_url) as pool:
        with pytest.raises(asyncpg.UniqueViolationError):
            async with pool.acquire() as connection:
                await connection.execute("INSERT INTO secret VALUES ('a', ''), ('a', '')")
        assert await one(pool) == 1


async def test_a_closing_pool_tells_those_who_wait(database_url: str) -> None:
    async with pool_on(database_url, max_size=1) as pool, pool.acquire():
        waiting = asyncio.create_task(one(pool))
        await asyncio.sleep(0)
        await pool.close()
        with pytest.raises(FhirError) as refused:
            await waiting
    assert refused.value.code == "shutting-down"


async def test_a_lost_database_is_told_once_until_it_is_back(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="service.store.pool")
    async with pool_on(database_url, max_size=1) as pool:
        for _ in range(2):
            with pytest.raises(FhirError):
                async with pool.acquire() as connection:
                    await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        for _ in range(2):
            await one(pool)
    lost, back = caplog.records
    assert lost.levelname == "ERROR"
    assert " is lost, requests get 503: " in lost.getMessage()
    assert back.levelname == "INFO"
    assert back.getMessage().endswith(" is back")


async def test_why_the_database_cannot_be_reached_is_told_without_user_and_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with pool_on("postgresql://the-user:the-password@127.0.0.1:1/none", min_size=2) as pool:
        with pytest.raises(FhirError):
            await one(pool)
    (line,) = caplog.messages
    assert line == "the database at 127.0.0.1:1 is lost, requests get 503: connection refused"


async def test_a_full_pool_is_no_lost_database(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    async with pool_on(database_url, max_size=1) as pool, pool.acquire():
        pool.acquire_timeout_seconds = 0.05  # of a wait; to connect may take longer
        with pytest.raises(FhirError):
            await one(pool)
    assert caplog.records == []
