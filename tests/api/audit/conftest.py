"""The service with an audit trail: records as the database has them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from service.store.audit.verification import verify
from tests.conftest import application_on, client_of, settings_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from service.app import Application
    from service.assembly import Standard


@dataclass
class Audited:
    """A client of a service that keeps records, and a look at them."""

    http: httpx.AsyncClient
    app: Application
    connection: asyncpg.Connection[Any]

    async def records(self) -> list[dict[str, Any]]:
        """What is on record, anchors apart, in the order of the moments; checked to hold."""
        verified = await verify(self.connection)
        assert verified.problems == []
        rows = await self.connection.fetch("SELECT content FROM audit_link ORDER BY recorded, chain, number")
        records = [record for row in rows for record in json.loads(row["content"])["records"]]
        return [record for record in records if record["interaction"] != "anchor"]

    async def since(self) -> list[dict[str, Any]]:
        """What came on record since this was last asked."""
        records = await self.records()
        fresh, self._seen = records[self._seen :], len(records)
        return fresh

    _seen: int = 0


@pytest.fixture
async def audited(database_url: str, standard: Standard) -> AsyncIterator[Audited]:
    """An open service with AUDIT=on, on a database of the test's own."""
    connection = await asyncpg.connect(database_url)
    async with (
        application_on(settings_for(database_url, audit="on"), standard) as running,
        client_of(running) as http,
    ):
        yield Audited(http=http, app=running, connection=connection)
    await connection.close()
