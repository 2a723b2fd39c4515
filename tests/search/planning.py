"""The plan of a statement as the service runs it: one for all values, which the planner does not see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncpg

    from service.store.search import Statement


async def plan_of(connection: asyncpg.Connection[Any], statement: Statement, *, run: bool = False) -> str:
    """The plan on a connection of the service's pool, with row counts if it is run."""
    options = "(ANALYZE) " if run else ""
    values = ", ".join(map(_literal, statement.arguments))
    await connection.execute(f"PREPARE planned AS {statement.text}")
    try:
        rows = await connection.fetch(f"EXPLAIN {options}EXECUTE planned{f'({values})' if values else ''}")
    finally:
        await connection.execute("DEALLOCATE planned")
    return "\n".join(row[0] for row in rows)


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    text = f"{{{','.join(map(_item, value))}}}" if isinstance(value, list) else str(value)
    return "'{}'".format(text.replace("'", "''"))


def _item(value: Any) -> str:
    if value is None:
        return "NULL"
    return '"{}"'.format(str(value).replace("\\", "\\\\").replace('"', '\\"'))
