"""$reindex: the reindexes that the service does, and a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.api.outcome import assert_outcome
from tests.api.stored_parameters import hurried, jobs, note, put, unbegun, until_done
from tests.builders.resources import observation, patient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from service.assembly import Standard
    from tests.conftest import MakeClient

__all__ = ["hurried"]


def asking(**parameters: Any) -> dict[str, Any]:
    """The body of a POST: type and parameter, lists of them."""
    pairs = [{"name": name, "valueString": value} for name, values in parameters.items() for value in values]
    return {"resourceType": "Parameters", "parameter": pairs} if pairs else {"resourceType": "Parameters"}


@pytest.fixture
async def client(make_client: MakeClient, hurried: None) -> AsyncIterator[httpx.AsyncClient]:
    """A service with a patient and an observation."""
    async with make_client() as http:
        await put(http, patient(id="p1"))
        await put(http, observation("Patient/p1", id="o1"))
        yield http


@pytest.mark.parametrize(
    "asked,types,done",
    [
        ({}, [], 2),
        ({"type": ["Observation", "Patient"]}, ["Observation", "Patient"], 2),
        ({"parameter": ["birthdate"], "type": ["Patient", "Observation"]}, ["Patient"], 1),
    ],
)
async def test_a_reindex_that_is_asked_for_is_done(
    client: httpx.AsyncClient, standard: Standard, asked: dict[str, Any], types: list[str], done: int
) -> None:
    """Of everything, of types, or of those that have a parameter; it is accepted before it begins."""
    answer = await client.post("$reindex", json=asking(**asked))
    assert answer.status_code == 202
    assert standard.validator.issues(answer.json(), "Parameters") == []
    (job,) = await until_done(client)
    assert (job["state"], job["type"], job["done"], job["changed"]) == ("completed", types, done, 0)
    assert standard.validator.issues((await client.get("$reindex")).json(), "Parameters") == []


async def test_without_a_body_it_is_of_everything(client: httpx.AsyncClient) -> None:
    assert (await client.post("$reindex")).status_code == 202
    assert (await until_done(client))[0]["done"] == 2


async def test_asking_twice_is_asking_once(client: httpx.AsyncClient) -> None:
    """As long as the first has not begun."""
    with unbegun():
        for _ in range(3):
            await client.post("$reindex", json=asking(type=["Patient"]))
    assert len(await until_done(client)) == 1


async def test_a_parameter_that_could_not_be_indexed_is_used_after_the_next_reindex(client: httpx.AsyncClient) -> None:
    """The one that was asked for by its SearchParameter failed, and what was wrong has been put right."""
    author = {"text": "a", "authorReference": {"reference": "http://testserver/fhir/Patient/p1"}}
    await put(client, observation("Patient/p1", id="o2", note=[author]))
    stored = note(type="reference", expression="Observation.note.author.ofType(Reference)", target=["Patient"])
    await put(client, stored)
    assert (await until_done(client))[0]["state"] == "failed"
    assert (await client.delete("Observation/o2")).status_code == 204
    await client.post("$reindex", json=asking(parameter=["note"]))
    assert (await until_done(client))[0]["state"] == "completed"
    assert (await client.get("Observation?note=Patient/p1")).status_code == 200


@pytest.mark.parametrize(
    "content,code,place",
    [
        (asking(type=["Nonsense"]), "parameter-value", "Parameters.parameter"),
        (asking(parameter=["nonsense"]), "parameter-value", "Parameters.parameter"),
        (asking(type=["Patient"], parameter=["code"]), "parameter-value", "Parameters.parameter"),
        (asking(nonsense=["a"]), "parameter-unknown", "Parameters.parameter"),
        ({"resourceType": "Patient"}, "type-mismatch", "Parameters"),
        ({"resourceType": "Parameters", "parameter": [{"name": "type"}]}, "value-invalid", "Parameters.parameter[0]"),
        ({"resourceType": "Parameters", "parameter": "a"}, "value-invalid", "Parameters.parameter[0]"),
    ],
)
async def test_what_cannot_be_reindexed_is_refused(
    client: httpx.AsyncClient, content: dict[str, Any], code: str, place: str
) -> None:
    assert_outcome(await client.post("$reindex", json=content), 400, code, place)
    assert await jobs(client) == []


async def test_it_works_on_the_system_only(client: httpx.AsyncClient) -> None:
    assert_outcome(await client.get("Patient/$reindex"), 404, "operation-unknown")


async def test_it_takes_no_parameters_in_its_url(client: httpx.AsyncClient) -> None:
    for method in ("GET", "POST"):
        answer = await client.request(method, "$reindex", params={"type": "Patient"})
        assert_outcome(answer, 400, "parameter-unknown", "http.query")
