"""SIGTERM: what was accepted is finished, and the process says that all went well."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.client import Connection
from tests.benchmarks.serving import the_service
from tests.builders.resources import observation
from tests.faults.agreement import disagreements
from tests.faults.database import Database, data_folder
from tests.faults.storm import Storm, located, missing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_IN_FLIGHT = 12
_IDLE = 24
_LIMIT_SECONDS = 20.0


async def _create(port: int) -> tuple[int, str]:
    async with Connection(port) as connection:
        # an update takes a connection of its own; creates share one
        logical_id = str(uuid.uuid4())
        content = observation("Patient/1", id=logical_id)
        reply = await connection.request("PUT", f"/fhir/Observation/{logical_id}", content)
        return reply.status, reply.header("location") or ""


@asynccontextmanager
async def _idle_connections(port: int) -> AsyncIterator[list[Connection]]:
    """Connections that every worker holds some of; a worker that is told to stop closes its own at once."""
    connections = [Connection(port) for _ in range(_IDLE)]
    await asyncio.gather(*(connection.request("GET", "/health/live") for connection in connections))
    yield connections
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("workers", [1, 2])
async def test_requests_under_way_are_answered_before_the_service_ends(database: Database, workers: int) -> None:
    async with the_service(database.folder, workers=workers, pool_max_size=_IN_FLIGHT, log_level="warning") as service:
        async with _idle_connections(service.port) as idle, database.resources_locked():
            under_way = [asyncio.create_task(_create(service.port)) for _ in range(_IN_FLIGHT)]
            await database.until_waiting(_IN_FLIGHT)
            service.terminate()
            async with asyncio.timeout(_LIMIT_SECONDS):
                await asyncio.gather(*(connection.lost.wait() for connection in idle))
        replies = await asyncio.gather(*under_way)
        assert [status for status, _ in replies] == [201] * _IN_FLIGHT
        assert await asyncio.to_thread(service.wait) == 0
    async with database.connection() as connection:
        held = {row["id"] for row in await connection.fetch("SELECT id FROM resource")}
    assert {located(location)[0].partition("/")[2] for _, location in replies} <= held


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_stop_in_a_storm_of_writes_loses_nothing_and_ends_well(database: Database, workers: int) -> None:
    async with the_service(database.folder, workers=workers, log_level="warning") as service:
        storm = Storm(service.port)
        running = asyncio.create_task(storm.run())
        await storm.until_acknowledged(150)
        service.terminate()
        assert await asyncio.to_thread(service.wait) == 0
        storm.stopped.set()
        await running
    assert [refusal for refusal in storm.refused if ": 503 " not in refusal] == []
    async with the_service(database.folder) as service:
        assert await missing(service.port, storm.acknowledged) == []
    assert await disagreements(database.url, service.base) == []


async def test_the_embedded_database_ends_with_its_last_user() -> None:
    with data_folder() as folder:
        async with the_service(Path(folder)) as service:
            with Database(Path(folder) / "data") as database:
                pass
            assert database.runs
            assert await service.status_of("/health/ready") == 200
        assert not database.runs
