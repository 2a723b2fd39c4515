"""How Alembic reaches the database: over the connection that `service.store.migration` hands in.

Without one (the `alembic` program itself, to write a new revision) the URL comes from DATABASE_URL.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from alembic import context

from service.store import checkpoint, clients, reindex_job, search_parameters, secret, tables, tokens
from service.store.audit import tables as audit
from service.store.migration import alchemy_engine

if TYPE_CHECKING:
    from sqlalchemy import Connection

# one of every module that declares some: importing declares them
_TABLES = [
    tables.resource,
    secret.secret,
    checkpoint.checkpoint,
    search_parameters.search_parameter,
    reindex_job.reindex_job,
    clients.access_client,
    tokens.access_token,
    audit.audit_link,
]


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=_TABLES[0].metadata,
        transaction_per_migration=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _connect_and_run() -> None:
    engine = alchemy_engine(os.environ["DATABASE_URL"])
    async with engine.connect() as connection:
        await connection.run_sync(_run)
    await engine.dispose()


given = context.config.attributes.get("connection")
if given is None:
    asyncio.run(_connect_and_run())
else:
    _run(given)
