"""Poolers of transactions are refused, as PgBouncer's is: connections that share a session, or change it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from itertools import cycle
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from service.store import migration
from service.store.pooler import are_sessions
from service.store.unreachable import LOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Connection = Any


class Pooled:
    """A connection as a pooler of transactions gives it: each statement goes to the next one of some sessions."""

    def __init__(self, *sessions: Connection) -> None:
        self._sessions = sessions
        self._turn = cycle(sessions)

    async def fetchval(self, query: str) -> Any:
        return await next(self._turn).fetchval(query)

    def transaction(self) -> Any:
        return self._sessions[0].transaction()


@asynccontextmanager
async def sessions(url: str, count: int) -> AsyncIterator[list[Connection]]:
    opened = [await asyncpg.connect(url) for _ in range(count)]
    try:
        yield opened
    finally:
        for each in opened:
            await each.close()


async def test_sessions_of_their_own_are_such(database_url: str) -> None:
    async with sessions(database_url, 2) as two:
        assert await are_sessions(two)


async def test_connections_that_share_a_session_are_noticed(database_url: str) -> None:
    async with sessions(database_url, 1) as (one,):
        assert not await are_sessions((one, one))


@pytest.mark.parametrize("changing", [0, 1])
async def test_a_connection_that_changes_its_session_is_noticed(database_url: str, changing: int) -> None:
    async with sessions(database_url, 3) as (first, second, third):
        pair = [first, second]
        pair[changing] = Pooled(pair[changing], third)
        assert not await are_sessions(pair)


async def test_what_was_prepared_in_another_session_is_noticed(database_url: str) -> None:
    async with sessions(database_url, 2) as (first, second):
        await first.fetchval("SELECT pg_backend_pid()")
        await first.execute("DEALLOCATE ALL")
        assert not await are_sessions((first, second))


async def test_a_lost_connection_is_no_pooler(database_url: str) -> None:
    async with sessions(database_url, 2) as (first, second):
        await second.execute("SELECT pg_terminate_backend($1)", first.get_server_pid())
        with pytest.raises(LOST):
            await are_sessions((first, second))


async def test_a_connection_lost_at_a_start_is_told_of_and_no_pooler(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ended(pair: list[Connection]) -> bool:
        first, second = pair
        await second.execute("SELECT pg_terminate_backend($1)", first.get_server_pid())
        return await are_sessions(pair)

    monkeypatch.setattr(migration, "are_sessions", ended)
    with pytest.raises(migration.MigrationError, match="ended the connection"):
        await migration.migrate(database_url)


async def test_a_service_does_not_start_behind_a_pooler_of_transactions(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sessions(database_url, 1) as (one,):

        @asynccontextmanager
        async def pooled(*_: object) -> AsyncIterator[Connection]:
            yield one

        monkeypatch.setattr(migration, "_connected", pooled)
        with pytest.raises(migration.MigrationError, match="pool_mode = session"):
            await migration.migrate(database_url)
