"""Several workers: one that dies is replaced, and none outlives the parent."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

from tests.benchmarks.serving import the_service

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LIMIT_SECONDS = 30.0
_POLL_SECONDS = 0.02


async def until(condition: Callable[[], bool]) -> None:
    """Return once the condition holds; TimeoutError when it does not come to."""
    async with asyncio.timeout(_LIMIT_SECONDS):
        while not condition():  # noqa: ASYNC110 - other processes set no events
            await asyncio.sleep(_POLL_SECONDS)


def _postmaster(folder: Path) -> int:
    """The process id of the embedded PostgreSQL below a folder."""
    return int(next(folder.rglob("postmaster.pid")).read_text().splitlines()[0])


async def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    async with the_service(tmp_path, workers=2) as service:
        await until(lambda: len(service.workers()) == 2)
        dead, survivor = service.workers()
        os.kill(dead, signal.SIGKILL)
        await until(lambda: dead not in service.workers() and len(service.workers()) == 2)
        assert survivor in service.workers()
        assert await service.status_of("/health/ready") == 200


async def test_workers_stop_when_their_parent_is_killed(tmp_path: Path) -> None:
    async with the_service(tmp_path, workers=2) as service:
        await until(lambda: len(service.workers()) == 2)
        os.kill(service.pid, signal.SIGKILL)
        async with asyncio.timeout(_LIMIT_SECONDS):
            while await service.status_of("/health/live") is not None:  # noqa: ASYNC110
                await asyncio.sleep(_POLL_SECONDS)
        service.kill()
        service.start()
        await service.wait_until_ready()


async def test_an_embedded_database_that_dies_is_started_again(tmp_path: Path) -> None:
    """Nothing that was acknowledged is lost, and nobody has to restart the service."""
    async with the_service(tmp_path, workers=2) as service:
        created = await service.send("POST", "/fhir/Patient", {"resourceType": "Patient", "active": True})
        os.kill(_postmaster(tmp_path), signal.SIGKILL)
        async with asyncio.timeout(_LIMIT_SECONDS):
            while await service.status_of("/health/ready") == 200:  # noqa: ASYNC110
                await asyncio.sleep(_POLL_SECONDS)
            while await service.status_of("/health/ready") != 200:  # noqa: ASYNC110
                await asyncio.sleep(_POLL_SECONDS)
        assert await service.status_of(f"/fhir/Patient/{created.json()['id']}") == 200
