"""Whether a connection is a session of its own, as one to PostgreSQL is, and one through a pooler of sessions.

A pooler of transactions (PgBouncer's `pool_mode = transaction`, and the like) hands each transaction to whatever
session is free. Advisory locks are then held by sessions that others use: two connections would link their records
to one chain, and two workers would each believe that they are the one that reindexes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Sequence

_SESSION: Final = "SELECT pg_backend_pid()"
_LOOKS: Final = 3
"""How often it is looked: a pooler may happen to give the same connection the same session again."""

_NOT_ONES_OWN: Final = (
    asyncpg.InvalidSQLStatementNameError,  # prepared in one session, and asked for in another
    asyncpg.DuplicatePreparedStatementError,
)


async def are_sessions(connections: Sequence[asyncpg.Connection[Any]]) -> bool:
    """Whether each of two connections has a session to itself, and keeps it while the other one holds another."""
    first, second = connections
    try:
        for _ in range(_LOOKS):
            before = await first.fetchval(_SESSION)
            async with second.transaction():
                held = await second.fetchval(_SESSION)
                after = await first.fetchval(_SESSION)
            if held == before or after != before:
                return False
            first, second = second, first
    except _NOT_ONES_OWN:
        return False
    except asyncpg.PostgresConnectionError as error:
        if isinstance(error.__cause__, asyncpg.ProtocolViolationError):
            return False  # a pooler of statements knows no transactions
        raise
    return True
