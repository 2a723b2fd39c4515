"""The registry of clients as a command works on it: in a database that is brought up to date, its changes on record.

A change and its record are one commit: nobody is registered whom no record tells of.
"""

from __future__ import annotations

import asyncio
import os
import pwd
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from service import serve
from service.assembly import command_pool
from service.fhir.audit.record import CLIENT_CHANGE, Record
from service.store.audit.journal import keep_by_itself
from service.store.clients import Clients, OneConnection

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

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
            changed = await work(settled, Clients(OneConnection(connection)))
            if changed is not None and settled.audit != "off":
                await keep_by_itself(connection, _record_of(operation, changed.id))
            return changed

    return _done(settings, perform)


def _done(settings: Settings, work: Callable[[Settings, Pool], Awaitable[_Result]]) -> _Result:
    async def perform(settled: Settings) -> _Result:
        await serve.prepare(settled)
        async with command_pool(settled) as pool:
            return await work(settled, pool)

    with serve.database(settings) as settled:
        return asyncio.run(perform(settled))


def _record_of(operation: str, client_id: str) -> Record:
    return Record(
        at=datetime.now(UTC),
        interaction=CLIENT_CHANGE,
        status=HTTPStatus.OK,
        id=client_id,
        operation=operation,
        account=_account(),
    )


def _account() -> str:
    """The account of this machine that runs the command."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # in a container the number may be all that there is
        return str(number)
