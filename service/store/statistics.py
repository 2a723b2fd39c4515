"""What the database knows about its own contents; a load changes it faster than autovacuum looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.store.on_session import connection_of
from service.store.tables import INDEX_TABLES, resource

if TYPE_CHECKING:
    from service.store.store import Session


async def refresh_statistics(session: Session) -> None:
    """VACUUM and ANALYZE the tables that searches read; reads what has changed since that was done last.

    Without the first, an index alone cannot answer, because nothing says which rows everybody may see.
    """
    tables = ", ".join(table.name for table in (resource, *INDEX_TABLES.values()))
    connection = connection_of(session)
    await connection.execute("SET statement_timeout = 0")
    await connection.execute(f"VACUUM (ANALYZE) {tables}")
