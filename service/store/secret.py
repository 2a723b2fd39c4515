"""The key that seals page cursors, kept in the database so that all workers share it and it survives restarts."""

from __future__ import annotations

from typing import Any, Final

import asyncpg
from sqlalchemy import Column, LargeBinary, Table, Text

from service.store.tables import metadata

secret: Final = Table(
    "secret",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

_KEEP: Final = """WITH kept AS (INSERT INTO secret (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING value)
SELECT value FROM kept UNION ALL SELECT value FROM secret WHERE name = $1"""


async def kept_secret(connection: asyncpg.Connection[Any], name: str, fresh: bytes) -> bytes:
    """The secret of that name; `fresh`, random bytes, becomes it where there is none yet."""
    value = await connection.fetchval(_KEEP, name, fresh)
    if value is None:  # another worker kept its own between the two halves of the statement
        value = await connection.fetchval("SELECT value FROM secret WHERE name = $1", name)
    return bytes(value)


async def shared_secret(url: str, name: str, fresh: bytes) -> bytes:
    """`kept_secret` over a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        return await kept_secret(connection, name, fresh)
    finally:
        await connection.close()
