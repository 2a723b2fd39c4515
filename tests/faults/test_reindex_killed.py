"""kill -9 in the middle of a reindex that the service does: it goes on where it was, while clients write."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.stored_parameters import note
from tests.benchmarks.client import Connection
from tests.benchmarks.serving import the_service
from tests.builders.resources import observation
from tests.faults.database import Database, data_folder
from tests.held_up import held_up

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.benchmarks.serving import Serving

_HELD = 9_000
_ENTRIES = 750
_LIMIT_SECONDS = 120.0
_POLL_SECONDS = 0.02


def noted(number: int, text: str) -> dict[str, Any]:
    return observation("Patient/p", id=f"o{number}", note=[{"text": text}])


async def hold(service: Serving) -> None:
    """Store observations with notes, many with each request."""
    async with Connection(service.port) as connection:
        for first in range(0, _HELD, _ENTRIES):
            entries = [
                {"resource": noted(number, "Old"), "request": {"method": "PUT", "url": f"Observation/o{number}"}}
                for number in range(first, first + _ENTRIES)
            ]
            bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
            reply = await connection.request("POST", "/fhir", bundle)
            assert reply.status == 200, reply


async def job(service: Serving) -> dict[str, Any]:
    """The latest reindex, by the names of its parts."""
    told = (await service.get("/fhir/$reindex")).json()
    parts = told["parameter"][0]["part"]
    return {part["name"]: next(value for name, value in part.items() if name.startswith("value")) for part in parts}


async def until_at(service: Serving, done: int) -> dict[str, Any]:
    """The reindex, once it has come so far; TimeoutError."""
    async with asyncio.timeout(_LIMIT_SECONDS):
        while True:
            found = await job(service)
            if found["state"] in {"completed", "failed"} or (found["state"] == "running" and found["done"] >= done):
                return found
            await asyncio.sleep(_POLL_SECONDS)


async def write_until(service: Serving, stop: asyncio.Event) -> int:
    """Write new notes as long as somebody answers; how many were acknowledged."""
    written = 0
    with suppress(ConnectionError, OSError):
        async with Connection(service.port) as connection:
            while not stop.is_set():
                reply = await connection.request(
                    "PUT", f"/fhir/Observation/n{written}", noted(0, "New") | {"id": f"n{written}"}
                )
                if reply.status == 201:
                    written += 1
    return written


async def last_key(database: Database) -> int:
    """The key of the last of the observations."""
    async with database.connection() as connection:
        return int(await connection.fetchval("SELECT key FROM resource WHERE id = $1", f"o{_HELD - 1}"))


class Resumed:
    """What was seen of the reindex before the kill, after the start that followed, and in the end."""

    def __init__(self, service: Serving, before: dict[str, Any], after: dict[str, Any], written: int) -> None:
        self.service = service
        self.before = before
        self.after = after
        self.written = written


@pytest.fixture(scope="module")
async def resumed() -> AsyncIterator[Resumed]:
    with data_folder() as folder, Database(Path(folder) / "data") as database:
        service = the_service(Path(folder), workers=2, log_level="warning")
        try:
            service.start()
            await service.wait_until_ready()
            await hold(service)
            async with held_up(database.url, "index_string", f"NEW.resource_key = {await last_key(database)}"):
                assert (await service.send("PUT", "/fhir/SearchParameter/note", note())).status == 201
                stop = asyncio.Event()
                writing = asyncio.create_task(write_until(service, stop))
                before = await until_at(service, 1)
                service.kill()
            stop.set()
            written = await writing
            service.start()
            await service.wait_until_ready()
            after = await job(service)
            await until_at(service, _HELD * 2)
            yield Resumed(service, before, after, written)
        finally:
            service.kill()


async def test_it_goes_on_where_it_was(resumed: Resumed) -> None:
    """Not at the beginning, and it is the same one."""
    assert resumed.before["state"] == "running"
    assert 0 < resumed.before["done"] < _HELD
    assert resumed.after["done"] >= resumed.before["done"]
    assert resumed.after["began"] == resumed.before["began"]


async def test_in_the_end_everything_is_found(resumed: Resumed) -> None:
    """What was there before, and what was acknowledged before the kill."""
    done = await job(resumed.service)
    assert (done["state"], done["id"]) == ("completed", resumed.before["id"])
    for text, held in (("old", _HELD), ("new", resumed.written)):
        found = (await resumed.service.get(f"/fhir/Observation?note={text}&_summary=count")).json()
        assert found["total"] in {held, held + (text == "new")}  # the last one may not have been acknowledged
    assert resumed.written
