"""Bringing the database to the schema of this release: Alembic, run by one process at a time.

A start at the newest schema costs a few queries and does not import Alembic. Everything else happens under an advisory
lock, with a short `lock_timeout` so that a migration never queues behind a long transaction with everyone else behind
it.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from service.store.pooler import are_sessions
from service.store.unreachable import LOST, Place, reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from alembic.config import Config
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

_LOG: Final = logging.getLogger(__name__)

HEAD: Final = "0018"
"""The newest revision in alembic/versions; a constant because asking Alembic takes longer than starting Postgres."""

LOCK_KEY: Final = 0x6D617373_61676501
"""Locked by whoever brings the database to this release: its schema, and what comes with the service."""
_LOCK_WAIT_SECONDS: Final = 300
_LOCK_TIMEOUT: Final = "5s"
_STATEMENT_TIMEOUT: Final = "30min"
_RETRY_SECONDS: Final = 0.2

_NOT_YET: Final = (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError, TimeoutError)
"""What a database that is still starting answers."""

_OLDEST_SERVER: Final = 15
_ENCODING: Final = "UTF8"
_NOT_ALLOWED: Final = (
    "the user of DATABASE_URL may not make or read the service's tables; let it own the database: "
    "ALTER DATABASE ... OWNER TO ..."
)
_TOLD: Final = {
    asyncpg.InsufficientPrivilegeError.sqlstate: _NOT_ALLOWED,
    asyncpg.LockNotAvailableError.sqlstate: "another transaction holds a table that a migration needs; try again",
    asyncpg.QueryCanceledError.sqlstate: "a migration, by this process or another, takes too long; try again",
}
"""SQLSTATE → what to say of it; anything else is a fault of ours."""

_POOLED: Final = (
    "DATABASE_URL leads through a pooler that changes the session from transaction to transaction; the service holds "
    "locks of its sessions: let the pooler pool sessions (PgBouncer: pool_mode = session), or connect to PostgreSQL"
)
_PARAMETERS_REFUSED: Final = (
    "DATABASE_URL: its host or its parameters cannot be used; check sslmode, the certificates that it needs, "
    "and target_session_attrs"
)


class MigrationError(Exception):
    """The database cannot be brought to this release's schema; the message says why."""


async def current(connection: asyncpg.Connection[Any]) -> str | None:
    """The revision that the database is at; None when it was never migrated."""
    try:
        revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    return None if revision is None else str(revision)


async def migrate(url: str, *, wait_seconds: float = 0) -> bool:
    """Upgrade the database to `HEAD`, after waiting up to `wait_seconds` for it to answer; whether that took a change.

    `MigrationError` when the database does not answer, is not one that the service can use, is of another release, or
    holds a lock for too long.
    """
    async with _connected(url, wait_seconds) as connection, _connected(url, wait_seconds) as another:
        _require_suitable(connection, Place.of(url))
        if not await are_sessions((connection, another)):
            raise MigrationError(_POOLED)
        try:
            revision = await current(connection)
        except asyncpg.InsufficientPrivilegeError as error:
            raise MigrationError(_NOT_ALLOWED) from error
    if revision == HEAD:
        return False
    if revision is not None and revision > HEAD:
        raise MigrationError(f"the database is at revision {revision}, newer than this release's {HEAD}")
    await run_alembic(url, "upgrade", "head")
    return True


async def run_alembic(url: str, command_name: str, *arguments: str) -> None:
    """Run an Alembic command (upgrade, downgrade, check ...) under the advisory lock."""
    from alembic import command, util  # noqa: PLC0415 - takes 0.3 s, and a start at head does not need it
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    engine = alchemy_engine(url)
    configuration = alembic_configuration()

    def run(connection: Connection) -> None:
        configuration.attributes["connection"] = connection
        getattr(command, command_name)(configuration, *arguments)

    try:
        async with engine.connect() as connection:
            plain: asyncpg.Connection[Any] = (await connection.get_raw_connection()).driver_connection
            await plain.execute(f"SET statement_timeout = '{_LOCK_WAIT_SECONDS}s'")
            await plain.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
            await plain.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT}'; SET statement_timeout = '{_STATEMENT_TIMEOUT}'")
            await connection.run_sync(run)
    except util.CommandError as error:
        raise MigrationError(str(error)) from error
    except (asyncpg.PostgresError, DBAPIError) as error:
        told = _TOLD.get(_sqlstate(error))
        if told is None:
            raise
        raise MigrationError(told) from error
    finally:
        await engine.dispose()


def _sqlstate(error: Exception) -> str:
    """PostgreSQL's own code of an error, which SQLAlchemy wraps."""
    return str(getattr(getattr(error, "orig", error), "sqlstate", ""))


def _require_suitable(connection: asyncpg.Connection[Any], place: Place) -> None:
    """MigrationError for a server that is too old, or a database that cannot hold every character."""
    major = connection.get_server_version().major
    if major < _OLDEST_SERVER:
        told = f"the database at {place.address} is PostgreSQL {major}; the service needs {_OLDEST_SERVER} or newer"
        raise MigrationError(told)
    encoding = getattr(connection.get_settings(), "server_encoding", _ENCODING)
    if encoding != _ENCODING:
        told = f"the database {place.database} at {place.address} is in {encoding}"
        raise MigrationError(f"{told}; make one that can hold every character: CREATE DATABASE ... ENCODING 'UTF8'")


def alembic_configuration() -> Config:
    """Alembic's configuration; the scripts are inside of the installed package or beside it in a checkout."""
    from alembic.config import Config  # noqa: PLC0415 - as above

    packaged = Path(__file__).parent / "alembic"
    scripts = packaged if packaged.is_dir() else Path(__file__).parents[2] / "alembic"
    configuration = Config()
    configuration.set_main_option("script_location", str(scripts).replace("%", "%%"))
    return configuration


def alchemy_engine(url: str) -> AsyncEngine:
    """An engine over asyncpg's own reading of `url`, because SQLAlchemy's knows fewer parameters."""
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - only migrations need an engine
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    return create_async_engine("postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(url), poolclass=NullPool)


@asynccontextmanager
async def _connected(url: str, wait_seconds: float) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await _connect(url, wait_seconds)
    try:
        yield connection
        await connection.close()
    except LOST as error:
        place = Place.of(url)
        raise MigrationError(f"the database at {place.address} ended the connection: {reason(error, place)}") from error
    finally:
        connection.terminate()


async def _connect(url: str, wait_seconds: float) -> asyncpg.Connection[Any]:
    place = Place.of(url)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_seconds
    told = False
    while True:
        try:
            return await asyncpg.connect(url, timeout=max(5.0, wait_seconds))
        except _NOT_YET as error:
            why = reason(error, place)
            if loop.time() > deadline:
                waited = f"within {wait_seconds:g} s (DATABASE_WAIT_SECONDS)"
                raise MigrationError(f"the database at {place.address} did not answer {waited}: {why}") from error
        except asyncpg.PostgresError as error:
            why = reason(error, place)
            raise MigrationError(f"the database at {place.address} refuses the connection: {why}") from error
        except (asyncpg.InterfaceError, ValueError, OverflowError):
            # the text of these may quote the URL
            raise MigrationError(_PARAMETERS_REFUSED) from None
        if not told:
            told = True
            _LOG.warning("waiting for the database at %s: %s", place.address, why)
        await asyncio.sleep(_RETRY_SECONDS)
