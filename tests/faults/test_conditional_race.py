"""Clients that race to create the same thing: one of them does. https://hl7.org/fhir/R4/http.html#ccreate"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from tests.benchmarks.client import Connection
from tests.builders.referral import conditional_create, transaction
from tests.builders.resources import EHR, identifier, observation, patient, reference
from tests.faults.storm import located

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.benchmarks.client import Reply
    from tests.benchmarks.serving import Serving

_CLIENTS = 64
_KEYS = [60, pytest.param(300, marks=pytest.mark.soak)]
_RACES = itertools.count()


def _patient(race: int, key: int) -> dict[str, Any]:
    return patient(identifier=[identifier(f"{EHR}/race-{race}", f"KEY-{key}")])


async def _by_header(connection: Connection, race: int, key: int) -> Reply:
    criteria = f"identifier={EHR}/race-{race}|KEY-{key}"
    return await connection.request("POST", "/fhir/Patient", _patient(race, key), {"if-none-exist": criteria})


async def _by_bundle(connection: Connection, race: int, key: int) -> Reply:
    """The patient is made if needed, and two Observations of it each time."""
    entry = conditional_create(f"Patient/{key}", _patient(race, key))
    ratings = [
        {"resource": observation(entry["fullUrl"], score=score), "request": {"method": "POST", "url": "Observation"}}
        for score in (1, 2)
    ]
    return await connection.request("POST", "/fhir", transaction([entry, *ratings]))


class Race:
    """The replies by key, and what the service holds afterwards."""

    def __init__(self, service: Serving, number: int, keys: int, replies: dict[int, list[Reply]]) -> None:
        self.service = service
        self.number = number
        self.keys = keys
        self.replies = replies

    @property
    def statuses(self) -> Counter[int]:
        return Counter(reply.status for replies in self.replies.values() for reply in replies)

    async def held(self, key: int) -> list[str]:
        """The ids of the patients with the identifier of the key."""
        found = await self.service.get(f"/fhir/Patient?identifier={EHR}/race-{self.number}|KEY-{key}")
        return [entry["resource"]["id"] for entry in found.json().get("entry", [])]


async def _race(service: Serving, send: Callable[[Connection, int, int], Awaitable[Reply]], keys: int) -> Race:
    """Every client sends every key, all clients in the same order, so that each key is raced for."""
    number = next(_RACES)
    replies: dict[int, list[Reply]] = defaultdict(list)

    async def client() -> None:
        async with Connection(service.port) as connection:
            for key in range(keys):
                replies[key].append(await send(connection, number, key))

    await asyncio.gather(*(client() for _ in range(_CLIENTS)))
    return Race(service, number, keys, replies)


@pytest.fixture(scope="module", params=_KEYS)
async def by_header(raced: Serving, request: pytest.FixtureRequest) -> Race:
    """64 clients, each with every key, If-None-Exist."""
    return await _race(raced, _by_header, request.param)


@pytest.fixture(scope="module", params=_KEYS)
async def by_bundle(raced: Serving, request: pytest.FixtureRequest) -> Race:
    """64 clients, fewer keys, ifNoneExist in a transaction."""
    return await _race(raced, _by_bundle, request.param // 5)


async def test_each_key_is_created_once(by_header: Race) -> None:
    assert by_header.statuses[201] == by_header.keys
    assert [key for key in range(by_header.keys) if len(await by_header.held(key)) != 1] == []


async def test_every_other_answer_is_200_or_412(by_header: Race) -> None:
    assert set(by_header.statuses) <= {200, 201, 412}
    assert by_header.statuses.total() == _CLIENTS * by_header.keys


async def test_the_losers_are_told_of_the_winners_resource(by_header: Race) -> None:
    for key, replies in by_header.replies.items():
        told = {located(reply.header("location") or "")[0] for reply in replies if reply.status in {200, 201}}
        assert told == {f"Patient/{found}" for found in await by_header.held(key)}


async def test_transactions_create_each_key_once(by_bundle: Race) -> None:
    assert set(by_bundle.statuses) <= {200, 412}
    assert [key for key in range(by_bundle.keys) if len(await by_bundle.held(key)) != 1] == []
    made = [
        reply.json()["entry"][0]["response"]["status"][:3]
        for replies in by_bundle.replies.values()
        for reply in replies
        if reply.status == 200
    ]
    assert made.count("201") == by_bundle.keys


async def test_transactions_point_at_the_winners_resource(by_bundle: Race) -> None:
    for key, replies in by_bundle.replies.items():
        (held,) = await by_bundle.held(key)
        sent = sum(reply.status == 200 for reply in replies)
        found = await by_bundle.service.get(f"/fhir/Observation?subject=Patient/{held}&_count=1000")
        subjects = [entry["resource"]["subject"] for entry in found.json()["entry"]]
        assert subjects == [reference(f"Patient/{held}")] * (2 * sent)
