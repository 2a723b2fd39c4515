"""Clients that change the same resource at the same time. https://hl7.org/fhir/R4/http.html#concurrency"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.benchmarks.client import Connection
from tests.builders.resources import observation
from tests.faults.agreement import disagreements
from tests.faults.storm import located, version_of

if TYPE_CHECKING:
    from tests.benchmarks.client import Reply
    from tests.benchmarks.serving import Serving
    from tests.faults.database import Database

_CLIENTS = 16
_TURNS = 15
_LIMIT_SECONDS = 60.0


async def _created(service: Serving, **changes: Any) -> str:
    reply = await service.send("POST", "/fhir/Observation", observation("Patient/1", **changes))
    return located(reply.header("location") or "")[0]


async def _versions(service: Serving, path: str) -> list[dict[str, Any]]:
    """The contents of all versions, oldest first."""
    history = await service.get(f"/fhir/{path}/_history?_count=1000")
    return [entry["resource"] for entry in reversed(history.json()["entry"])]


def _number(content: dict[str, Any]) -> int:
    return int(content["meta"]["versionId"])


async def _increment(connection: Connection, path: str) -> Reply:
    """Read the resource, add one to its value, write it back if nobody else has written meanwhile."""
    read = await connection.request("GET", f"/fhir/{path}")
    content = read.json()
    content["valueQuantity"]["value"] += 1
    return await connection.request("PUT", f"/fhir/{path}", content, {"if-match": read.header("etag") or ""})


async def test_with_if_match_one_wins_per_version_and_no_update_is_lost(raced: Serving) -> None:
    path = await _created(raced, score=0)
    statuses: Counter[int] = Counter()

    async def client() -> None:
        won = 0
        async with Connection(raced.port) as connection:
            while won < _TURNS:
                reply = await _increment(connection, path)
                statuses[reply.status] += 1
                won += reply.status == 200

    async with asyncio.timeout(_LIMIT_SECONDS):
        await asyncio.gather(*(client() for _ in range(_CLIENTS)))
    assert set(statuses) <= {200, 412}
    versions = await _versions(raced, path)
    assert [_number(content) for content in versions] == list(range(1, statuses[200] + 2))
    assert [content["valueQuantity"]["value"] for content in versions] == list(range(statuses[200] + 1))


async def test_without_if_match_every_update_makes_a_version_or_is_refused_as_a_conflict(raced: Serving) -> None:
    path = await _created(raced)
    replies: list[Reply] = []

    async def client(number: int) -> None:
        async with Connection(raced.port) as connection:
            for turn in range(_TURNS):
                content = observation("Patient/1", id=path.partition("/")[2], note=[{"text": f"{number}-{turn}"}])
                replies.append(await connection.request("PUT", f"/fhir/{path}", content))

    await asyncio.gather(*(client(number) for number in range(_CLIENTS)))
    assert {reply.status for reply in replies} <= {200, 409}
    acknowledged = sorted(version_of(reply) for reply in replies if reply.status == 200)
    assert acknowledged == list(range(2, len(acknowledged) + 2))
    assert [_number(content) for content in await _versions(raced, path)] == [1, *acknowledged]


async def test_transactions_over_the_same_resources_in_opposite_order_never_fail(raced: Serving) -> None:
    paths = [await _created(raced) for _ in range(6)]
    statuses: Counter[int] = Counter()

    async def client(number: int) -> None:
        order = paths if number % 2 else paths[::-1]
        async with Connection(raced.port) as connection:
            for turn in range(_TURNS):
                entries = [
                    {
                        "resource": observation("Patient/1", id=path[12:], note=[{"text": f"{number}-{turn}"}]),
                        "request": {"method": "PUT", "url": path},
                    }
                    for path in order
                ]
                bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
                statuses[(await connection.request("POST", "/fhir", bundle)).status] += 1

    await asyncio.gather(*(client(number) for number in range(_CLIENTS)))
    assert set(statuses) <= {200, 409, 412}
    assert statuses[200] > 0
    for path in paths:
        versions = await _versions(raced, path)
        assert [_number(content) for content in versions] == list(range(1, statuses[200] + 2))


async def test_single_writes_beside_transactions_never_fail(raced: Serving) -> None:
    paths = [await _created(raced) for _ in range(3)]
    statuses: Counter[int] = Counter()

    async def client(number: int) -> None:
        async with Connection(raced.port) as connection:
            for turn in range(_TURNS):
                contents = [
                    observation("Patient/1", id=path[12:], note=[{"text": f"{number}-{turn}"}]) for path in paths
                ]
                if number % 2:
                    entries = [
                        {"resource": content, "request": {"method": "PUT", "url": f"Observation/{content['id']}"}}
                        for content in contents
                    ]
                    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
                    reply = await connection.request("POST", "/fhir", bundle)
                else:
                    path = paths[turn % len(paths)]
                    reply = await connection.request("PUT", f"/fhir/{path}", contents[turn % len(paths)])
                statuses[reply.status] += 1

    await asyncio.gather(*(client(number) for number in range(_CLIENTS)))
    assert set(statuses) <= {200, 409}


async def test_creators_under_one_client_id_make_one_resource(raced: Serving) -> None:
    statuses: Counter[int] = Counter()

    async def client(number: int) -> None:
        async with Connection(raced.port) as connection:
            for key in range(_TURNS):
                content = observation("Patient/1", id=f"chosen-{key}", note=[{"text": str(number)}])
                reply = await connection.request("PUT", f"/fhir/Observation/chosen-{key}", content)
                statuses[reply.status] += 1

    await asyncio.gather(*(client(number) for number in range(_CLIENTS)))
    assert set(statuses) <= {200, 201, 409}
    assert statuses[201] == _TURNS


async def test_after_the_races_contents_history_and_index_rows_agree(raced: Serving, database: Database) -> None:
    assert await disagreements(database.url, raced.base) == []
