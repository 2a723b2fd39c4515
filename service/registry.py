"""The registry of clients as a command works on it: in a database that is brought up to date, its changes on record.

A change and its record are one commit: nobody is registered whom no record tells of.
"""

from __future__ import annotations

import asyncio
import os
import pwd
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from service import serve
from service.assembly import command_pool
from service.fhir.audit.record import CLIENT_CHANGE, Record
from service.store.audit.chain import Chains
from service.store.audit.journal import keep_records
from service.store.clients import Clients

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    import asyncpg

    from service.settings import Settings
    from service.store.clients import Registration
    from service.store.pool import Pool

_Result = TypeVar("_Result")


def look(settings: Settings, work: Callable[[Settings, Clients], Awaitable[_Result]]) -> _Result:
    """What comes of work that changes nothing; EmbeddedError, MigrationError, FhirError."""

    async def perform(settled: Settings, pool: Pool) -> _Result:
        return await work(settled, Clients(pool))

    return _done(settings, perform)


def change(
    settings: Settings, operation: str, work: Callable[[Settings, Clients], Awaitable[Registration | None]]
) -> Registration | None:
    """What comes of work that changes a client, None for none; on record unless AUDIT is off. Raises as `look` does."""

    async def perform(settled: Settings, pool: Pool) -> Registration | None:
        async with pool.transaction() as connection:
            changed = await work(settled, Clients(_Held(connection)))
            if changed is not None and settled.audit != "off":
                await _put_on_record(connection, operation, changed.id)
            return changed

    return _done(settings, perform)


def _done(settings: Settings, work: Callable[[Settings, Pool], Awaitable[_Result]]) -> _Result:
    async def perform(settled: Settings) -> _Result:
        await serve.prepare(settled)
        async with command_pool(settled) as pool:
            return await work(settled, pool)

    with serve.database(settings) as settled:
        return asyncio.run(perform(settled))


async def _put_on_record(connection: asyncpg.Connection[Any], operation: str, client_id: str) -> None:
    chains = Chains()
    await chains.open(connection)
    record = Record(
        at=datetime.now(UTC),
        interaction=CLIENT_CHANGE,
        status=HTTPStatus.OK,
        id=client_id,
        operation=operation,
        account=_account(),
    )
    await keep_records(connection, chains, [record])


def _account() -> str:
    """The account of this machine that runs the command."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # in a container the number may be all that there is
        return str(number)


class _Held:
    """In the place of a pool: one connection, in whose transaction everything happens."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self._connection = connection

    def acquire(self) -> _Held:
        return self

    async def __aenter__(self) -> asyncpg.Connection[Any]:
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The transaction ends where it began."""
