"""SearchParameter resources that clients store take effect: https://hl7.org/fhir/R4/searchparameter.html"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.outcome import assert_outcome
from tests.api.stored_parameters import (
    client_with_notes,
    hurried,
    jobs,
    listed,
    note,
    noted,
    put,
    refusal,
    unfinished,
    until_done,
    until_listed,
)
from tests.builders.referral import transaction
from tests.builders.resources import observation, patient
from tests.reindex.rebuilding import found

if TYPE_CHECKING:
    import httpx

CODE = "http://hl7.org/fhir/SearchParameter/clinical-code"

__all__ = ["client_with_notes", "hurried"]


async def errors(client: httpx.AsyncClient, content: dict[str, Any]) -> list[dict[str, Any]]:
    """What $validate says that a write would be refused for."""
    told = (await client.post("SearchParameter/$validate", json=content)).json()["issue"]
    return [issue for issue in told if issue["severity"] == "error"]


async def test_what_can_be_served_is_valid(client: httpx.AsyncClient) -> None:
    """Before it is stored and afterwards."""
    for _ in range(2):
        assert await errors(client, note()) == []
        await put(client, note())


async def test_it_is_a_parameter_like_any_other(client: httpx.AsyncClient) -> None:
    """In modifiers, sorts, chains, reverse chains and criteria, and in the CapabilityStatement."""
    await put(client, patient(id="p"))
    with unfinished():
        await put(client, note())
        assert not await listed(client)
    await until_done(client)
    await until_listed(client)
    assert await found(client, "Observation?note:missing=true") == ["o2"]
    assert await found(client, "Observation?note:contains=tif") == ["o1"]
    assert await found(client, "Observation?_sort=note") == ["o1", "o0", "o2"]
    assert await found(client, "Patient?_has:Observation:patient:note=tender") == ["p"]
    await put(client, observation("Patient/p", id="o3", hasMember=[{"reference": "Observation/o1"}]))
    assert await found(client, "Observation?has-member:Observation.note=stiff") == ["o3"]
    created = await client.post("Observation", json=noted(9, "Tender"), headers={"If-None-Exist": "note=tender"})
    assert (created.status_code, created.json()["id"]) == (200, "o0")


async def test_a_reference_that_is_stored_can_be_followed(client: httpx.AsyncClient) -> None:
    """By includes and chains."""
    await put(client, patient(id="p2", name=[{"family": "Author"}]))
    author = {"note": [{"text": "a", "authorReference": {"reference": "Patient/p2"}}]}
    await put(client, observation("Patient/p", id="o4") | author)
    stored = note(
        type="reference", expression="Observation.note.author.ofType(Reference)", target=["Patient", "Practitioner"]
    )
    with unfinished():
        await put(client, stored)
        assert (await refusal(client, "Observation?_include=Observation:note"))[0] == "parameter-unsupported"
    await until_done(client)
    assert await found(client, "Observation?note:Patient.family=author") == ["o4"]
    assert await found(client, "Observation?_id=o4&_include=Observation:note") == ["o4", "p2"]


@pytest.mark.parametrize(
    "elements,place,told",
    [
        ({"base": ["Account"], "expression": "Account.name"}, "base", "types that the service serves"),
        ({"base": ["Resource"], "expression": "Resource.id"}, "base", "types that the service serves"),
        ({"code": "status"}, "code", "Observation has a parameter status already"),
        ({"code": "referral", "base": ["CarePlan"], "expression": "CarePlan.note.text"}, "code", "has a parameter"),
        ({"code": "a b"}, "code", "letters, digits and hyphens"),
        ({"type": "special"}, "type", "type is one of token"),
        ({"expression": None}, "expression", "a part for Observation"),
        ({"expression": "Observation.nonsense"}, "expression", "cannot index Observation.nonsense"),
        ({"expression": "Observation.note.text.lower()"}, "expression", "cannot index"),
        ({"expression": "Observation.note.text & ("}, "expression", ""),
        ({"type": "number"}, "expression", "cannot index Observation.note"),
        ({"type": "reference", "expression": "Observation.subject"}, "target", "names the resource types"),
        ({"type": "composite"}, "component", "a composite has components"),
        ({"xpathUsage": "phonetic"}, "xpathUsage", "is normal"),
        ({"url": CODE, "code": "code"}, "code", "already"),
    ],
)
async def test_what_cannot_be_served_is_refused_with_the_write(
    client: httpx.AsyncClient, elements: dict[str, Any], place: str, told: str
) -> None:
    """However it is written; nothing of it is stored, and nothing is indexed."""
    content = note(**elements)
    entry = {"resource": content, "request": {"method": "PUT", "url": "SearchParameter/note"}}
    for answer, where in (
        (await client.put("SearchParameter/note", json=content), ""),
        (await client.post("SearchParameter", json=content), ""),
        (await client.post("/", json=transaction([entry])), "Bundle.entry[0].resource."),
    ):
        expression = f"SearchParameter.{place}" if not where else f"{where}{place}"
        assert_outcome(answer, 422, "search-parameter", expression)
        assert told in answer.json()["issue"][0]["diagnostics"]
    assert [issue["expression"] for issue in await errors(client, content)] == [[f"SearchParameter.{place}"]]
    assert (await client.get("SearchParameter/note")).status_code == 404
    assert await jobs(client) == []


async def test_another_restriction_holds_at_once(client: httpx.AsyncClient) -> None:
    """Nothing is indexed anew for it; the CapabilityStatement tells of it."""
    await put(client, note())
    await until_done(client)
    await until_listed(client)
    done = await jobs(client)
    await put(client, note(multipleOr=False))
    assert await found(client, "Observation?note=tender") == ["o0"]
    assert await refusal(client, "Observation?note=tender,stiff") == (
        "parameter-value",
        "note takes one value; a comma inside of it is escaped by a backslash.",
    )
    assert await jobs(client) == done
    (of_observations,) = [
        each for each in (await client.get("metadata")).json()["rest"][0]["resource"] if each["type"] == "Observation"
    ]
    (told,) = [each for each in of_observations["searchParam"] if each["name"] == "note"]
    assert told["documentation"].endswith("One value, without commas.")


@pytest.mark.parametrize("status", ["draft", "retired", "unknown"])
async def test_what_is_not_active_is_stored_and_does_nothing(client: httpx.AsyncClient, status: str) -> None:
    await put(client, note(status=status, expression="nonsense", code="status"))
    assert await jobs(client) == []
    assert (await refusal(client, "Observation?note=a"))[0] == "parameter-unknown"


@pytest.mark.parametrize("elements", [{"code": "note", "url": "http://other"}, {"code": "other"}])
async def test_two_stored_parameters_do_not_collide(client: httpx.AsyncClient, elements: dict[str, Any]) -> None:
    """By their code for a type, or their URL; those that come at the same time neither."""
    other = note(id="other", **elements)
    answers = await asyncio.gather(
        client.put("SearchParameter/note", json=note()), client.put("SearchParameter/other", json=other)
    )
    assert sorted(answer.status_code for answer in answers) == [201, 422]


async def test_those_of_a_transaction_may_not_collide(client: httpx.AsyncClient) -> None:
    entries = [
        {
            "resource": note(id=each, url=f"http://{each}"),
            "request": {"method": "PUT", "url": f"SearchParameter/{each}"},
        }
        for each in ("a", "b")
    ]
    answer = await client.post("/", json=transaction(entries))
    assert_outcome(answer, 422, "search-parameter", "Bundle.entry[1].resource.code")
