"""A writer that waits at one row until a test lets it go on: it is not done before, however late the test looks."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import asyncpg

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_LOCK: Final = 0x6D617373_74657374
_TRIGGER: Final = """CREATE FUNCTION held_up() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN PERFORM pg_advisory_xact_lock({lock}); RETURN NEW; END $$;
CREATE TRIGGER held_up BEFORE INSERT ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION held_up()"""


@asynccontextmanager
async def held_up(url: str, table: str, condition: str) -> AsyncIterator[None]:
    """Nobody inserts a row for which the condition is true inside the block; once for a database.

    It is no transaction that does so, because a reindex waits for those.
    """
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_TRIGGER.format(lock=_LOCK, table=table, condition=condition))
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        yield
    finally:
        await connection.close()
