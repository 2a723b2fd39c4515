"""Reindexes as the tests run them, and what they look at afterwards."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.interactions.current import CurrentParts
from service.jobs.rebuild import Progress, Selection, reindex
from service.settings import Settings
from service.store.tables import INDEX_TABLES

if TYPE_CHECKING:
    import asyncpg
    import httpx

    from service.interactions.parts import Parts

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 1, 9, tzinfo=UTC)
BASE = "http://testserver/fhir"


async def rebuilt(parts: Parts, selection: Selection | None = None, **options: Any) -> Progress:
    """Rebuild on the base of the tests' client, unless told otherwise."""
    usual: dict[str, Any] = {"base": BASE, "clock": lambda: NOW, "watch": lambda _: None}
    return await reindex(CurrentParts(parts), selection or Selection(), **usual | options)


async def index_rows(database: asyncpg.Connection[Any]) -> dict[str, list[str]]:
    """Everything in the index tables, in an order of its own."""
    return {
        table.name: sorted(str(row) for row in await database.fetch(f"SELECT * FROM {table.name}"))  # noqa: S608
        for table in INDEX_TABLES.values()
    }


async def found(client: httpx.AsyncClient, search: str) -> list[str]:
    """The ids that a search finds."""
    return [entry["resource"]["id"] for entry in (await client.get(search)).json().get("entry", [])]


async def command(settings: Settings, *options: str) -> tuple[int | None, str]:
    """The exit code of a reindex as a process of its own, and what it printed."""
    assert settings.database_url
    kept = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    url = settings.database_url.get_secret_value()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service", "reindex", *options),
        cwd=ROOT,
        env=kept | {"DATABASE_URL": url, "LOG_LEVEL": "warning"},
        stderr=subprocess.PIPE,
    )
    _, printed = await process.communicate()
    return process.returncode, printed.decode()
