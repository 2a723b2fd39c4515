"""SearchParameter resources with several workers and writers at work."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.stored_parameters import client_with_notes, hurried, note, noted, put, rows, until, until_done
from tests.conftest import application_on, client_of, settings_for
from tests.reindex.rebuilding import found

if TYPE_CHECKING:
    import httpx

    from service.assembly import Standard
    from tests.conftest import Cluster

__all__ = ["client_with_notes", "hurried"]


async def insist(client: httpx.AsyncClient, content: dict[str, Any]) -> None:
    """Store it, however often it takes: a tenth of the time to write is too short at times."""
    while (await client.put(f"Observation/{content['id']}", json=content)).status_code == 503:
        pass


async def test_all_workers_learn_of_it(cluster: Cluster, standard: Standard, hurried: None) -> None:
    """One stores it, another writes resources meanwhile, both search by it, whoever does the job."""
    async with cluster.clone() as url:
        settings = settings_for(url)
        async with (
            application_on(settings, standard) as one,
            application_on(settings, standard) as two,
            client_of(one) as first,
            client_of(two) as second,
        ):
            await put(second, noted(0, "Stiff"))
            await put(first, note())
            for number in range(1, 40):
                await put(second, noted(number, "Stiff"))
            await until_done(first)
            for each in (first, second):
                assert (await each.get("Observation?note=stiff&_summary=count")).json()["total"] == 40
            assert (await first.delete("SearchParameter/note")).status_code == 204
            await until(second, "Observation?note=stiff", "parameter-unknown")


async def test_a_worker_that_has_not_looked_for_long_looks_before_it_writes(
    cluster: Cluster, standard: Standard, hurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was busy, or could not reach the database; the job is over by then."""
    from service.jobs import background

    async with cluster.clone() as url, application_on(settings_for(url), standard) as one, client_of(one) as first:
        monkeypatch.setattr(background, "LOOK_SECONDS", 3600)
        async with application_on(settings_for(url), standard) as two, client_of(two) as second:
            await put(second, noted(0, "Stiff"))
            await put(first, note())
            await until_done(first)
            await put(second, noted(1, "Stiff"))
            assert len(await found(first, "Observation?note=stiff")) == 2


async def test_a_restart_forgets_nothing(cluster: Cluster, standard: Standard, hurried: None) -> None:
    """What was ready is, and what was not becomes so."""
    async with cluster.clone() as url:
        async with application_on(settings_for(url), standard) as one, client_of(one) as client:
            await put(client, noted(0, "Stiff"))
            await put(client, note())
            await until_done(client)
            await put(client, note(id="b", url="http://b", code="text", expression="Observation.code.text"))
        async with application_on(settings_for(url), standard) as two, client_of(two) as client:
            assert await found(client, "Observation?note=stiff") == ["o0"]
            await until(client, "Observation?text:missing=true", "")


async def test_writers_lose_nothing_while_it_is_indexed(client: httpx.AsyncClient) -> None:
    """They create, update and delete on and on, and every row is as it should be in the end."""
    from service.jobs import rebuild, reindexing

    stop = asyncio.Event()

    async def write(first: int) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            for number in range(first, first + 10):
                await insist(client, noted(number, f"Turn {turn}"))
                if (number + turn) % 4 == 0:
                    assert (await client.delete(f"Observation/o{number}")).status_code in {204, 503}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reindexing, "_BATCH", 3)
        patch.setattr(rebuild, "_BATCHES_TO_A_REST", 2)
        writers = [asyncio.create_task(write(first)) for first in (10, 20, 30)]
        for status in ("active", "retired", "active"):
            await put(client, note(status=status))
            await until_done(client)
        stop.set()
        await asyncio.gather(*writers)
    for number in range(10, 40):
        await put(client, noted(number, "Settled"))
    assert (await client.get("Observation?note=settled&_summary=count")).json()["total"] == 30
    assert (await client.get("Observation?note=turn&_summary=count")).json()["total"] == 0
    assert await rows(client) == 0
