"""Connections that are all in use: requests are refused in time, and nothing of it stays."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.client import HOST, Connection, render
from tests.benchmarks.serving import the_service
from tests.builders.resources import observation
from tests.faults.refusal import assert_refused, error_code

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.benchmarks.client import Reply
    from tests.benchmarks.serving import Serving
    from tests.faults.database import Database

_ACQUIRE_SECONDS = 0.5
_STATEMENT_SECONDS = 1.5
_POOL = 2
_CLIENTS = 32
_SLACK_SECONDS = 4.0
"""Time for a machine that stalls, and less than anybody waits who is not told to be impatient."""


def _with_patience(database: Database, acquire_seconds: float, statement_seconds: float) -> Serving:
    """One worker with two connections."""
    return the_service(
        database.folder,
        pool_min_size=_POOL,
        pool_max_size=_POOL,
        acquire_timeout_seconds=acquire_seconds,
        statement_timeout_seconds=statement_seconds,
        log_level="warning",
    )


@pytest.fixture(scope="module")
async def impatient(database: Database) -> AsyncIterator[Serving]:
    """Whoever has to wait there is refused."""
    async with _with_patience(database, _ACQUIRE_SECONDS, _STATEMENT_SECONDS) as service:
        yield service


@pytest.fixture(scope="module")
async def service(database: Database) -> AsyncIterator[Serving]:
    """Whoever has to wait there waits for as long as it takes a test to look at it."""
    async with _with_patience(database, 20, 20) as service:
        yield service


async def _create(service: Serving) -> Reply:
    """By an update, which takes a connection of its own; those of POST share one."""
    logical_id = str(uuid.uuid4())
    return await service.send("PUT", f"/fhir/Observation/{logical_id}", observation("Patient/1", id=logical_id))


async def _creates(service: Serving, how_many: int) -> list[Reply]:
    return await asyncio.gather(*(_create(service) for _ in range(how_many)))


async def test_who_finds_no_connection_is_refused_within_a_bounded_time(database: Database, impatient: Serving) -> None:
    async with database.resources_locked():
        began = time.monotonic()
        replies = await _creates(impatient, _CLIENTS)
        took = time.monotonic() - began
    for reply in replies:
        assert_refused(reply, 503, "busy", "timeout")
    assert sum(error_code(reply) == "busy" for reply in replies) >= _CLIENTS - 2 * _POOL
    assert took < _ACQUIRE_SECONDS + _STATEMENT_SECONDS + _SLACK_SECONDS


async def test_who_waits_to_be_written_with_others_is_refused_within_a_bounded_time(
    database: Database, impatient: Serving
) -> None:
    async with database.resources_locked():
        began = time.monotonic()
        posts = (impatient.send("POST", "/fhir/Observation", observation("Patient/1")) for _ in range(_CLIENTS))
        replies = await asyncio.gather(*posts)
        took = time.monotonic() - began
    for reply in replies:
        assert_refused(reply, 503, "busy", "timeout")
    assert took < _ACQUIRE_SECONDS + _STATEMENT_SECONDS + _SLACK_SECONDS


async def test_a_statement_that_takes_too_long_is_ended(database: Database, impatient: Serving) -> None:
    async with database.resources_locked():
        assert_refused(await _create(impatient), 503, "timeout")
        await database.until_nobody_waits()  # what the tests before have left ends by its own time


async def test_after_refusals_all_connections_are_of_use_again(database: Database, impatient: Serving) -> None:
    """Each of them gets as far as the lock at the same time, and with nobody's transaction."""
    async with database.resources_locked():
        await _creates(impatient, _CLIENTS)
        for _ in range(2):
            for reply in await _creates(impatient, _POOL):
                assert_refused(reply, 503, "timeout")


async def test_the_service_is_alive_while_its_pool_is_full(database: Database, service: Serving) -> None:
    async with database.resources_locked():
        blocked = [asyncio.create_task(_create(service)) for _ in range(_POOL)]
        await database.until_waiting(_POOL)
        assert await service.status_of("/health/live") == 200
    assert {reply.status for reply in await asyncio.gather(*blocked)} == {201}


async def test_who_waits_for_a_connection_gets_it_when_one_is_free(database: Database, service: Serving) -> None:
    async with database.resources_locked():
        waiting = [asyncio.create_task(_create(service)) for _ in range(_POOL * 3)]
        await database.until_waiting(_POOL)
    assert {reply.status for reply in await asyncio.gather(*waiting)} == {201}


async def test_clients_that_leave_while_they_are_served_take_no_connection_along(
    database: Database, service: Serving
) -> None:
    async with database.resources_locked():
        leaving = [Connection(service.port) for _ in range(_POOL * 4)]
        for connection in leaving:
            await connection.open()
            connection.send(render("GET", "/fhir/Observation/1")).add_done_callback(lambda left: left.exception())
        await database.until_waiting(_POOL)
        for connection in leaving:
            connection.close()
    assert {reply.status for reply in await _creates(service, _POOL * 4)} == {201}


async def test_clients_that_leave_in_the_middle_of_a_body_take_nothing_along(service: Serving) -> None:
    whole = render("POST", "/fhir/Observation", b'{"resourceType":"Observation"' + b" " * 5000)
    for _ in range(_POOL * 4):
        _, writer = await asyncio.open_connection(HOST, service.port)
        writer.write(whole[: len(whole) // 2])
        await writer.drain()
        writer.close()
    assert {reply.status for reply in await _creates(service, _POOL * 4)} == {201}
    assert "Traceback" not in service.log
