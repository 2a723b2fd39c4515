"""Connections to Postgres: a bounded pool over asyncpg that recovers by itself.

asyncpg's own pool makes a task for every release and a timer for every acquire; on a read of one row that is a tenth of
the time. This one hands out the connection itself, most recently used first.

Failures of the connection or the server become a `FhirError` here, whoever meets them: ``database-unavailable`` and
``busy`` with Retry-After, ``timeout`` for a statement that ran too long. Lost races (unique violations, serialisation
failures, deadlocks) pass through: the store knows what they mean.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import asyncpg

from service.fhir.outcome import failure
from service.store.unreachable import ENDED, LOST, Place, reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from types import TracebackType

    from service.fhir.outcome import FhirError

_LOG: Final = logging.getLogger(__name__)
_RETRY_AFTER_SECONDS: Final = 2
_CLOSE_SECONDS: Final = 5.0
_STATEMENTS_KEPT: Final = 512
"""Prepared statements per connection; one per shape of statement, so a few hundred cover a busy clinic."""

_EVERY_ARRAY: Final = "SELECT " + ", ".join(
    f"${number}::{each}[]"
    for number, each in enumerate(
        ("uuid", "timestamptz", "smallint", "integer", "bigint", "numeric", "text", "json", "boolean"), start=1
    )
)
"""asyncpg asks the server about types that it meets for the first time: better at once than within requests."""

_UNAVAILABLE: Final = (
    *ENDED,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby that answers for a primary, during a failover
    asyncpg.DiskFullError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
)


class Pool:
    """At most `max_size` connections; who finds none waits in turn, at most `acquire_timeout_seconds`.

    `on_connect` gets every new connection before anybody else does.
    """

    def __init__(
        self,
        url: str,
        *,
        min_size: int = 1,
        max_size: int = 8,
        acquire_timeout_seconds: float = 5.0,
        statement_timeout_seconds: float = 30.0,
        on_connect: Callable[[asyncpg.Connection[Any]], Awaitable[None]] | None = None,
    ) -> None:
        self._url = url
        self._on_connect = on_connect
        self._place = Place.of(url)
        self._min_size = min_size
        self._max_size = max_size
        self.acquire_timeout_seconds = acquire_timeout_seconds
        settings = {
            "jit": "off",  # compiling takes longer than any statement of the service runs
            # whatever the statistics say, rows come from an index, in its order: a page of a search stops early
            "enable_bitmapscan": "off",
            "enable_seqscan": "off",
            # every statement is written for one plan; planning it again costs as much as running it
            "plan_cache_mode": "force_generic_plan",
            "statement_timeout": str(int(statement_timeout_seconds * 1000)),
            "idle_in_transaction_session_timeout": str(int(statement_timeout_seconds * 1000)),
            "timezone": "UTC",
        }
        # poolers refuse most settings as parameters of a start
        self._settings = "; ".join(f"SET {name} = '{value}'" for name, value in settings.items())
        self._idle: list[asyncpg.Connection[Any]] = []
        self._waiting: deque[asyncio.Future[asyncpg.Connection[Any] | None]] = deque()
        self._size = 0
        self._closed = False
        self.is_lost = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def acquire(self) -> Lease:
        """A connection for the length of an ``async with`` block, given back without an open transaction."""
        return Lease(self)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """A connection in a transaction, which ends with the block: kept, or undone where the block raises."""
        async with self.acquire() as connection, connection.transaction():
            yield connection

    async def close(self) -> None:
        """Close the idle connections now and those in use when they come back; who waits is told that we stop."""
        self._closed = True
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(failure("shutting-down", "The service is stopping.", retry_after_seconds=1))
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_close(connection) for connection in idle))

    async def fill(self) -> None:
        """Open `min_size` connections, or fewer if the database cannot be reached yet: it is tried again on demand."""

        async def connect() -> None:
            try:
                self._give_back(await self._connect())
            except _UNAVAILABLE as error:
                self.note_loss(error)

        self._size += self._min_size
        await asyncio.gather(*(connect() for _ in range(self._min_size)))

    def note_loss(self, error: Exception) -> None:
        """Tell the operator that the database is lost, once until `note_return`."""
        if not self.is_lost and not self._closed:
            self.is_lost = True
            why = reason(error, self._place)
            _LOG.error("the database at %s is lost, requests get 503: %s", self._place.address, why)

    def note_return(self) -> None:
        """Tell the operator that the database is back."""
        self.is_lost = False
        _LOG.info("the database at %s is back", self._place.address)

    async def take(self) -> asyncpg.Connection[Any]:
        """A connection that must be handed to `give_back`; `acquire` does both."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._size -= 1
        if self._closed:
            raise failure("shutting-down", "The service is stopping.", retry_after_seconds=1)
        if self._size < self._max_size:
            self._size += 1
            return await self._connect()
        return await self._wait()

    async def _wait(self) -> asyncpg.Connection[Any]:
        waiter: asyncio.Future[asyncpg.Connection[Any] | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(self.acquire_timeout_seconds):
                connection = await waiter
        except BaseException as error:
            self._forget(waiter)
            if isinstance(error, TimeoutError):
                raise failure(
                    "busy", "All database connections are in use; send the request again.", retry_after_seconds=1
                ) from None
            raise
        if connection is not None and not connection.is_closed():
            return connection
        # a place without a connection, because the one that had it was lost
        return await self._connect()

    def _forget(self, waiter: asyncio.Future[asyncpg.Connection[Any] | None]) -> None:
        """Stop waiting; what was handed over at the same moment goes to the next in turn."""
        if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            connection = waiter.result()
            if connection is None:
                self._give_up_place()
            else:
                self._give_back(connection)
        else:
            waiter.cancel()

    async def _connect(self) -> asyncpg.Connection[Any]:
        """A new connection, in a place of the pool that is already counted."""
        connection: asyncpg.Connection[Any] | None = None
        try:
            connection = await asyncpg.connect(
                self._url,
                timeout=self.acquire_timeout_seconds,
                statement_cache_size=_STATEMENTS_KEPT,
                max_cached_statement_lifetime=0,
                server_settings={"application_name": "massage-fhir"},
            )
            await connection.execute(self._settings)
            # stored JSON is passed on as bytes, never decoded; its binary form is its text
            await connection.set_type_codec("json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")
            await connection.prepare(_EVERY_ARRAY)
            if self._on_connect is not None:
                await self._on_connect(connection)
        except BaseException:
            if connection is not None:
                connection.terminate()
            self._give_up_place()
            raise
        return connection

    async def give_back(self, connection: asyncpg.Connection[Any], *, broken: bool) -> None:
        """Take back what `take` handed out; an open transaction is rolled back, a broken connection is dropped."""
        if not broken and not connection.is_closed() and connection.is_in_transaction():
            try:
                await connection.execute("ROLLBACK")
            except (asyncpg.PostgresError, *LOST):
                broken = True
        if broken:
            connection.terminate()
        self._give_back(connection)

    def _give_back(self, connection: asyncpg.Connection[Any]) -> None:
        if connection.is_closed() or self._closed:
            if not connection.is_closed():
                connection.terminate()
            self._give_up_place()
        elif (waiter := self._next_waiter()) is not None:
            waiter.set_result(connection)
        else:
            self._idle.append(connection)

    def _give_up_place(self) -> None:
        waiter = self._next_waiter()
        if waiter is None:
            self._size -= 1
        else:
            waiter.set_result(None)

    def _next_waiter(self) -> asyncio.Future[asyncpg.Connection[Any] | None] | None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                return waiter
        return None


class Lease:
    """What `Pool.acquire` returns: the connection between entering and leaving."""

    __slots__ = ("_connection", "_is_trial", "_pool")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._connection: asyncpg.Connection[Any] | None = None
        self._is_trial = False

    async def __aenter__(self) -> asyncpg.Connection[Any]:
        self._is_trial = self._pool.is_lost
        try:
            connection = self._connection = await self._pool.take()
        except Exception as error:
            self._raise_translated(error)
            raise
        return connection

    async def __aexit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # after a cancellation a statement may still be running; the next user must not wait for it
            await self._pool.give_back(connection, broken=isinstance(error, asyncio.CancelledError))
        if isinstance(error, Exception):
            self._raise_translated(error)
        elif error is None and self._is_trial and self._pool.is_lost:
            # begun after the loss and served: one that began before it proves nothing
            self._pool.note_return()

    def _raise_translated(self, error: Exception) -> None:
        translated = _translated(error)
        if translated is None:
            return
        if translated.code == "database-unavailable":
            self._pool.note_loss(error)
        raise translated from error


def _translated(error: Exception) -> FhirError | None:
    if isinstance(error, asyncpg.QueryCanceledError):
        return failure("timeout", "The database took longer than the service allows.", retry_after_seconds=1)
    if isinstance(error, asyncpg.LockNotAvailableError):
        return failure("busy", "Others hold what the request needs; send it again.", retry_after_seconds=1)
    is_lost = isinstance(error, asyncpg.InterfaceError) and "closed" in str(error)
    if is_lost or isinstance(error, (*_UNAVAILABLE, TimeoutError)):
        return failure(
            "database-unavailable",
            "The database cannot be reached right now; send the request again.",
            retry_after_seconds=_RETRY_AFTER_SECONDS,
        )
    return None


async def _close(connection: asyncpg.Connection[Any]) -> None:
    try:
        await connection.close(timeout=_CLOSE_SECONDS)
    except (asyncpg.PostgresError, *LOST, TimeoutError):
        connection.terminate()
