"""SearchParameter resources as the tests store them, and what the service says of them."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from service.interactions import current
from service.jobs import background
from service.jobs.reindexing import Reindexing
from tests.builders.resources import observation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from contextlib import AbstractContextManager

    import httpx

    from tests.conftest import MakeClient

URL: Final = "https://clinic.example.org/SearchParameter/note"
_LIMIT_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.02
_LEASE_SECONDS: Final = 0.5
_SETTLE_SECONDS: Final = 0.6


@pytest.fixture
def hurried() -> Iterator[None]:
    """Workers look more often, and nobody is given as much time as in real life.

    Writers have theirs in pieces: a machine that stands still takes one of them, and not all at once.
    """

    async def settle(reindexing: Reindexing) -> None:
        for _ in range(round(_SETTLE_SECONDS / _POLL_SECONDS)):
            await asyncio.sleep(_POLL_SECONDS)
        await reindexing._wait_for_others()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(background, "LOOK_SECONDS", _POLL_SECONDS)
        patch.setattr(current, "LEASE_SECONDS", _LEASE_SECONDS)
        patch.setattr(Reindexing, "_wait_for_writers", settle)
        yield


def unbegun() -> AbstractContextManager[None]:
    """No job begins within the block, however long the machine takes for what is asked there."""
    return _held("_wait_for_writers", after=0)


def unfinished(after: int = 0) -> AbstractContextManager[None]:
    """No job ends within the block but the first few, however long the machine takes for what is looked at there."""
    return _held("_finish", after=after)


@contextmanager
def _held(step: str, *, after: int) -> Iterator[None]:
    """Jobs take the step after the block alone, but for the first few."""
    let_go, take, left = asyncio.Event(), getattr(Reindexing, step), after

    async def later(*given: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            await let_go.wait()
        await take(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reindexing, step, later)
        try:
            yield
        finally:
            let_go.set()


def note(**elements: Any) -> dict[str, Any]:
    """A parameter over the notes of observations; None leaves an element out."""
    content = {
        "resourceType": "SearchParameter",
        "id": "note",
        "url": URL,
        "name": "Note",
        "status": "active",
        "description": "What is in the notes",
        "code": "note",
        "base": ["Observation"],
        "type": "string",
        "expression": "Observation.note.text",
    } | elements
    return {name: value for name, value in content.items() if value is not None}


async def put(client: httpx.AsyncClient, content: dict[str, Any]) -> None:
    """Store a resource under its id."""
    stored = await client.put(f"{content['resourceType']}/{content['id']}", json=content)
    assert stored.status_code in {200, 201}, stored.text


async def refusal(client: httpx.AsyncClient, search: str) -> tuple[str, str]:
    """Code and diagnostics of the refusal of a search; empty when it is answered."""
    answer = await client.get(search)
    if answer.status_code == 200:
        return "", ""
    issue = answer.json()["issue"][0]
    return issue["details"]["coding"][0]["code"], issue["diagnostics"]


async def jobs(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """The reindexes as the operation tells of them, the latest first."""
    told = (await client.get("$reindex")).json()
    found = []
    for parameter in told.get("parameter", ()):
        job: dict[str, Any] = {"type": [], "parameter": []}
        for part in parameter["part"]:
            value = next(value for name, value in part.items() if name.startswith("value"))
            if isinstance(job.get(part["name"]), list):
                job[part["name"]].append(value)
            else:
                job[part["name"]] = value
        found.append(job)
    return found


async def until_done(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """The reindexes, once there is none to do any more; TimeoutError."""
    async with asyncio.timeout(_LIMIT_SECONDS):
        while any(job["state"] in {"waiting", "running"} for job in await jobs(client)):  # noqa: ASYNC110
            await asyncio.sleep(_POLL_SECONDS)
    return await jobs(client)


async def until(client: httpx.AsyncClient, search: str, code: str) -> None:
    """Until the search is refused with that code, or answered where it is empty; TimeoutError."""
    async with asyncio.timeout(_LIMIT_SECONDS):
        while (await refusal(client, search))[0] != code:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(_POLL_SECONDS)


def noted(number: int, text: str | None) -> dict[str, Any]:
    """An observation with a note, or without one."""
    content = observation("Patient/p", id=f"o{number}")
    return content | {"note": [{"text": text}]} if text else content


async def rows(client: httpx.AsyncClient) -> int:
    """How many resources a reindex of the observations has to change: none, if their rows are as they should be."""
    content = {"resourceType": "Parameters", "parameter": [{"name": "type", "valueCode": "Observation"}]}
    assert (await client.post("$reindex", json=content)).status_code == 202
    return int((await until_done(client))[0]["changed"])


async def listed(client: httpx.AsyncClient) -> bool:
    """Whether the CapabilityStatement has the parameter."""
    resources = (await client.get("metadata")).json()["rest"][0]["resource"]
    (one,) = [each for each in resources if each["type"] == "Observation"]
    return "note" in {each["name"] for each in one["searchParam"]}


async def until_listed(client: httpx.AsyncClient) -> None:
    """Until the CapabilityStatement has the parameter, soon after its job is done; TimeoutError."""
    async with asyncio.timeout(_LIMIT_SECONDS):
        while not await listed(client):  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(_POLL_SECONDS)


@pytest.fixture(name="client")
async def client_with_notes(make_client: MakeClient, hurried: None) -> AsyncIterator[httpx.AsyncClient]:
    """A service with three observations, two of them with notes."""
    async with make_client() as http:
        for number, text in enumerate(("Tender", "Stiff", None)):
            await put(http, noted(number, text))
        yield http
