"""SearchParameter resources that come, change and go: resources that are stored are indexed anew."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.api.stored_parameters import (
    client_with_notes,
    hurried,
    jobs,
    listed,
    note,
    noted,
    put,
    refusal,
    rows,
    unbegun,
    unfinished,
    until,
    until_done,
)
from tests.builders.referral import transaction
from tests.reindex.rebuilding import found

if TYPE_CHECKING:
    import httpx

JSON_PATCH = {"Content-Type": "application/json-patch+json"}

__all__ = ["client_with_notes", "hurried"]


async def test_a_stored_parameter_is_searched_by_once_older_resources_are_indexed(client: httpx.AsyncClient) -> None:
    with unfinished():
        await put(client, note())
        code, told = await refusal(client, "Observation?note=stiff")
    assert (code, "being indexed" in told) == ("parameter-unsupported", True)
    (job,) = await until_done(client)
    assert (job["state"], job["type"], job["parameter"]) == ("completed", ["Observation"], ["note"])
    assert (job["done"], job["total"], job["changed"]) == (3, 3, 2)
    assert await found(client, "Observation?note=stiff") == ["o1"]


async def test_a_job_that_cannot_know_the_base_fails_and_says_so(client: httpx.AsyncClient) -> None:
    """The parameter stays refused until a reindex with the base has been asked for."""
    author = {"text": "a", "authorReference": {"reference": "http://testserver/fhir/Patient/p7"}}
    await put(client, noted(5, None) | {"note": [author]})
    stored = note(type="reference", expression="Observation.note.author.ofType(Reference)", target=["Patient"])
    await put(client, stored)
    (job,) = await until_done(client)
    assert (job["state"], "BASE_URL" in job["problem"]) == ("failed", True)
    assert (await refusal(client, "Observation?note=a"))[0] == "parameter-unsupported"


@pytest.mark.parametrize("local", [True, False])
async def test_absolute_references_stay_what_they_were(client: httpx.AsyncClient, local: bool) -> None:
    """Local to whoever called the service by this name, though the job does not know it; foreign otherwise."""
    base = "http://testserver/fhir" if local else "https://ehr.example.org/fhir"
    await put(client, noted(5, "Stiff") | {"subject": {"reference": f"{base}/Patient/p7"}})
    await put(client, note())
    assert (await until_done(client))[0]["state"] == "completed"
    assert await found(client, "Observation?note=stiff&patient=Patient/p7") == (["o5"] if local else [])


@pytest.mark.parametrize("how", ["deleted", "retired"])
async def test_what_is_withdrawn_is_unknown_and_leaves_no_rows(client: httpx.AsyncClient, how: str) -> None:
    await put(client, note())
    await until_done(client)
    if how == "deleted":
        assert (await client.delete("SearchParameter/note")).status_code == 204
    else:
        retire = [{"op": "replace", "path": "/status", "value": "retired"}]
        assert (await client.patch("SearchParameter/note", json=retire, headers=JSON_PATCH)).status_code == 200
    assert (await refusal(client, "Observation?note=stiff"))[0] == "parameter-unknown"
    assert not await listed(client)
    job, _ = await until_done(client)
    assert (job["state"], job["changed"]) == ("completed", 2)
    await put(client, note())
    assert (await until_done(client))[0]["changed"] == 2
    assert await found(client, "Observation?note=stiff") == ["o1"]


async def test_what_is_changed_is_indexed_anew(client: httpx.AsyncClient) -> None:
    """Until then it can be searched by neither the old meaning nor the new one."""
    await put(client, note())
    await until_done(client)
    with unfinished():
        await put(client, note(expression="Observation.code.text"))
        assert (await refusal(client, "Observation?note=stiff"))[0] == "parameter-unsupported"
    await until_done(client)
    assert await found(client, "Observation?note=stiff") == []
    assert await rows(client) == 0


async def test_other_words_change_nothing(client: httpx.AsyncClient) -> None:
    """It stays in use, and no job is needed."""
    await put(client, note())
    await until_done(client)
    await put(client, note(description="Other words", name="OtherName"))
    assert await found(client, "Observation?note=stiff") == ["o1"]
    assert len(await jobs(client)) == 1


async def test_it_may_be_withdrawn_while_it_is_indexed(client: httpx.AsyncClient) -> None:
    """And come again; what counts is the last word."""
    for _ in range(2):
        await put(client, note())
        assert (await client.delete("SearchParameter/note")).status_code == 204
    await put(client, note(expression="Observation.code.text"))
    await put(client, note())
    await until_done(client)
    assert await found(client, "Observation?note=stiff") == ["o1"]
    assert await rows(client) == 0


async def test_several_may_come_at_once(client: httpx.AsyncClient) -> None:
    """One job is enough for those of one Bundle."""
    entries = [
        {"resource": content, "request": {"method": "PUT", "url": f"SearchParameter/{content['id']}"}}
        for content in (
            note(),
            note(id="b", url="http://b", code="body", type="token", expression="Observation.bodySite"),
            note(id="c", url="http://c", base=["Procedure"], expression="Procedure.note.text"),
        )
    ]
    assert (await client.post("/", json=transaction(entries))).status_code == 200
    (job,) = await until_done(client)
    assert (job["type"], job["parameter"]) == (["Observation", "Procedure"], ["note", "body"])
    for search in ("Observation?note=a", "Observation?body=a", "Procedure?note=a"):
        assert await found(client, search) == []


async def test_those_that_come_one_by_one_are_all_indexed(client: httpx.AsyncClient) -> None:
    """Those that come while a job waits are for the next one, and the ones after that have nothing left to do."""
    with unbegun():
        for number in range(4):
            await put(client, note(id=f"n{number}", url=f"http://n/{number}", code=f"note-{number}"))
    done = await until_done(client)
    assert [job["state"] for job in done] == ["completed"] * 4
    assert "began" not in done[0]
    for number in range(4):
        assert await found(client, f"Observation?note-{number}=stiff") == ["o1"]


async def test_a_job_is_for_no_parameter_that_comes_while_it_waits(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not all writers may know of that one yet when the job begins."""
    from service.jobs.reindexing import Reindexing

    waiting, wait = asyncio.Event(), Reindexing._wait_for_writers

    async def meanwhile(reindexing: Reindexing) -> None:
        if not waiting.is_set():
            waiting.set()
            await put(client, note(id="late", url="http://late", code="late"))
        await wait(reindexing)

    monkeypatch.setattr(Reindexing, "_wait_for_writers", meanwhile)
    with unfinished(after=1):
        await put(client, note())
        await waiting.wait()
        await until(client, "Observation?note=stiff", "")
        assert (await refusal(client, "Observation?late=stiff"))[0] == "parameter-unsupported"
    await until_done(client)
    assert await found(client, "Observation?late=stiff") == ["o1"]
