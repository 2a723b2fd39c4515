"""What the database knows about its own contents; a load changes it faster than autovacuum looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.store.tables import INDEX_TABLES, resource

if TYPE_CHECKING:
    from service.store.store import Session


async def refresh_statistics(session: Session) -> None:
    """Run ANALYZE on the tables that searches read; takes seconds, whatever their size."""
    tables = ", ".join(table.name for table in (resource, *INDEX_TABLES.values()))
    await session._connection.execute(f"ANALYZE {tables}")  # noqa: SLF001 - a statement of a session
