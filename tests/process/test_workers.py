"""Several workers: one that dies is replaced, and none outlives the parent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.client import Connection
from tests.benchmarks.serving import the_service

if TYPE_CHECKING:
    from collections.abc import Callable

_LIMIT_SECONDS = 30.0
_POLL_SECONDS = 0.02


async def until(condition: Callable[[], bool]) -> None:
    """Return once the condition holds; TimeoutError when it does not come to."""
    async with asyncio.timeout(_LIMIT_SECONDS):
        while not condition():  # noqa: ASYNC110 - other processes set no events
            await asyncio.sleep(_POLL_SECONDS)


def _postmaster(folder: Path) -> int | None:
    """The process id of the embedded PostgreSQL below a folder; None while it has none."""
    with contextlib.suppress(FileNotFoundError, IndexError):
        return int((folder / "data/postgres/postmaster.pid").read_text().splitlines()[0])
    return None


async def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    async with the_service(tmp_path, workers=2) as service:
        await until(lambda: len(service.workers()) == 2)
        dead, survivor = service.workers()
        os.kill(dead, signal.SIGKILL)
        await until(lambda: dead not in service.workers() and len(service.workers()) == 2)
        assert survivor in service.workers()
        assert await service.status_of("/health/ready") == 200


def _sockets(pid: int) -> int:
    """How many sockets a process has open."""
    return sum(str(each.readlink()).startswith("socket:") for each in Path(f"/proc/{pid}/fd").iterdir())


def _listeners(port: int) -> int:
    """How many sockets listen on a port: lines of the kernel's table whose local address ends with it, in state 0A."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(line[1].endswith(f":{port:04X}") and line[3] == "0A" for line in lines)


async def test_connections_are_dealt_out_among_the_workers(tmp_path: Path) -> None:
    """Also those that come at the same time, which one worker would take by itself."""
    async with the_service(tmp_path, workers=2) as service:
        await until(lambda: _listeners(service.port) == 2)
        before = [_sockets(pid) for pid in service.workers()]
        clients = [Connection(service.port) for _ in range(64)]
        await asyncio.gather(*(client.open() for client in clients))
        await asyncio.gather(*(client.request("GET", "/health/live") for client in clients))
        own = [_sockets(pid) - had for pid, had in zip(service.workers(), before, strict=True)]
        for client in clients:
            client.close()
    # of 64 tosses of a coin fewer than 12 are heads once in two million times
    assert min(own) >= 12, own


async def test_a_second_service_does_not_take_part(tmp_path: Path) -> None:
    """It is refused, though each worker has a socket of its own on the port."""
    first, second = tmp_path / "first", tmp_path / "second"
    async with the_service(first, workers=2) as service:
        other = the_service(second, workers=2, port=service.port)
        other.start()
        assert other.wait() != 0
        assert f"cannot listen on 127.0.0.1 port {service.port}" in other.log


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
        dead = _postmaster(tmp_path)
        assert dead
        os.kill(dead, signal.SIGKILL)
        await until(lambda: _postmaster(tmp_path) not in {None, dead})
        async with asyncio.timeout(_LIMIT_SECONDS):
            while await service.status_of("/health/ready") != 200:  # noqa: ASYNC110
                await asyncio.sleep(_POLL_SECONDS)
        assert await service.status_of(f"/fhir/Patient/{created.json()['id']}") == 200
