"""The database goes away and comes back under a running service."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.serving import the_service
from tests.builders.resources import observation
from tests.faults.agreement import disagreements, tagged_versions
from tests.faults.database import KILL, STOP_FAST, STOP_IMMEDIATE, Database, data_folder
from tests.faults.refusal import assert_refused
from tests.faults.storm import ENTRIES, MARKS, Storm, missing

if TYPE_CHECKING:
    import signal
    from collections.abc import AsyncIterator, Iterator

    from tests.benchmarks.serving import Serving

_RECOVERY_SECONDS = 10.0
"""How long after the database is back the service may still refuse."""
_END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'massage-fhir'"
_WAYS = pytest.mark.parametrize(
    "how", [STOP_FAST, STOP_IMMEDIATE, KILL], ids=["stopped fast", "stopped at once", "killed"]
)


@pytest.fixture(scope="module")
def stopped() -> Iterator[Database]:
    """A database that is stopped and started."""
    with data_folder() as folder, Database(Path(folder) / "data") as database:
        yield database


@pytest.fixture(scope="module")
async def running(stopped: Database) -> AsyncIterator[Serving]:
    """The service on that database, through all tests."""
    async with the_service(stopped.folder, workers=2, acquire_timeout_seconds=2, log_level="warning") as service:
        yield service


@pytest.fixture
async def service(stopped: Database, running: Serving) -> AsyncIterator[Serving]:
    """The service in a normal state; the database is started again afterwards."""
    await _until_normal(running)
    yield running
    stopped.start()


async def _until_normal(service: Serving) -> None:
    """Wait until several requests in a row are answered normally, whichever worker and connection they meet."""
    deadline = time.monotonic() + _RECOVERY_SECONDS
    normal = 0
    while normal < 20:
        reply = await service.send("POST", "/fhir/Observation", observation("Patient/1"))
        normal = normal + 1 if reply.status == 201 else 0
        assert reply.status in {201, 503}, reply
        assert time.monotonic() < deadline, reply


async def test_while_it_is_down_requests_are_told_to_come_back(stopped: Database, service: Serving) -> None:
    created = await service.send("POST", "/fhir/Observation", observation("Patient/1"))
    path = f"/fhir/Observation/{created.json()['id']}"
    content = observation("Patient/1")
    with stopped.down(STOP_FAST):
        for _ in range(5):
            assert_refused(await service.get(path), 503, "database-unavailable")
            assert_refused(await service.get("/fhir/Observation?status=final"), 503, "database-unavailable")
            assert_refused(await service.send("POST", "/fhir/Observation", content), 503, "database-unavailable")


async def test_while_it_is_down_the_service_is_alive_but_not_ready(stopped: Database, service: Serving) -> None:
    with stopped.down(STOP_FAST):
        assert await service.status_of("/health/live") == 200
        assert await service.status_of("/health/ready") == 503


@_WAYS
async def test_when_it_is_back_all_is_normal_without_a_restart(
    stopped: Database, service: Serving, how: signal.Signals
) -> None:
    pid = service.pid
    with stopped.down(how):
        assert await service.status_of("/health/ready") == 503
    stopped.start()
    await _until_normal(service)
    assert await service.status_of("/health/ready") == 200
    assert service.pid == pid


async def test_a_storm_over_a_restart_loses_nothing_that_was_acknowledged(stopped: Database, service: Serving) -> None:
    storm = Storm(service.port)
    writing = asyncio.create_task(storm.run())
    await storm.until_acknowledged(150)
    await asyncio.to_thread(stopped.end, STOP_IMMEDIATE)
    await asyncio.to_thread(stopped.start)
    await storm.until_acknowledged(len(storm.acknowledged) + 150)
    storm.stopped.set()
    await writing
    assert await missing(service.port, storm.acknowledged) == []
    assert await disagreements(stopped.url, service.base) == []
    assert [refusal for refusal in storm.refused if ": 503 " not in refusal] == []


async def test_a_storm_in_which_connections_are_ended_loses_nothing_and_halves_nothing(
    stopped: Database, service: Serving
) -> None:
    storm = Storm(service.port, seed=2)
    writing = asyncio.create_task(storm.run())
    for _ in range(5):
        await storm.until_acknowledged(len(storm.acknowledged) + 60)
        async with stopped.connection() as connection:
            await connection.execute(_END_ALL)
    await storm.until_acknowledged(len(storm.acknowledged) + 60)
    storm.stopped.set()
    await writing
    assert await missing(service.port, storm.acknowledged) == []
    assert await disagreements(stopped.url, service.base) == []
    assert set((await tagged_versions(stopped.url, MARKS)).values()) == {ENTRIES}
    assert [refusal for refusal in storm.refused if ": 503 " not in refusal] == []
