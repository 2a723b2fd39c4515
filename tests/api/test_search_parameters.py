"""SearchParameter resources that clients store take effect: https://hl7.org/fhir/R4/searchparameter.html"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from tests.api.outcome import assert_outcome
from tests.api.stored_parameters import hurried, jobs, note, put, refusal, until, until_done
from tests.builders.referral import transaction
from tests.builders.resources import observation, patient
from tests.conftest import application_on, client_of, settings_for
from tests.reindex.rebuilding import found

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from service.app import Standard
    from tests.conftest import Cluster, MakeClient

JSON_PATCH = {"Content-Type": "application/json-patch+json"}
CODE = "http://hl7.org/fhir/SearchParameter/clinical-code"

__all__ = ["hurried"]


def noted(number: int, text: str | None) -> dict[str, Any]:
    """An observation with a note, or without one."""
    content = observation("Patient/p", id=f"o{number}")
    return content | {"note": [{"text": text}]} if text else content


async def errors(client: httpx.AsyncClient, content: dict[str, Any]) -> list[dict[str, Any]]:
    """What $validate says that a write would be refused for."""
    told = (await client.post("SearchParameter/$validate", json=content)).json()["issue"]
    return [issue for issue in told if issue["severity"] == "error"]


async def insist(client: httpx.AsyncClient, content: dict[str, Any]) -> None:
    """Store it, however often it takes: a tenth of the time to write is too short at times."""
    while (await client.put(f"Observation/{content['id']}", json=content)).status_code == 503:
        pass


async def listed(client: httpx.AsyncClient) -> bool:
    """Whether the CapabilityStatement has the parameter."""
    resources = (await client.get("metadata")).json()["rest"][0]["resource"]
    (one,) = [each for each in resources if each["type"] == "Observation"]
    return "note" in {each["name"] for each in one["searchParam"]}


async def rows(client: httpx.AsyncClient) -> int:
    """How many resources a reindex of the observations has to change: none, if their rows are as they should be."""
    content = {"resourceType": "Parameters", "parameter": [{"name": "type", "valueCode": "Observation"}]}
    assert (await client.post("$reindex", json=content)).status_code == 202
    return int((await until_done(client))[0]["changed"])


@pytest.fixture
async def client(make_client: MakeClient, hurried: None) -> AsyncIterator[httpx.AsyncClient]:
    """A service with three observations, two of them with notes."""
    async with make_client() as http:
        for number, text in enumerate(("Tender", "Stiff", None)):
            await put(http, noted(number, text))
        yield http


async def test_a_stored_parameter_is_searched_by_once_older_resources_are_indexed(client: httpx.AsyncClient) -> None:
    await put(client, note())
    code, told = await refusal(client, "Observation?note=stiff")
    assert (code, "being indexed" in told) == ("parameter-unsupported", True)
    (job,) = await until_done(client)
    assert (job["state"], job["type"], job["parameter"]) == ("completed", ["Observation"], ["note"])
    assert (job["done"], job["total"], job["changed"]) == (3, 3, 2)
    assert await found(client, "Observation?note=stiff") == ["o1"]


async def test_what_can_be_served_is_valid(client: httpx.AsyncClient) -> None:
    """Before it is stored and afterwards."""
    for _ in range(2):
        assert await errors(client, note()) == []
        await put(client, note())


async def test_it_is_a_parameter_like_any_other(client: httpx.AsyncClient) -> None:
    """In modifiers, sorts, chains, reverse chains and criteria, and in the CapabilityStatement."""
    await put(client, patient(id="p"))
    await put(client, note())
    assert not await listed(client)
    await until_done(client)
    assert await listed(client)
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
    await put(client, stored)
    assert (await refusal(client, "Observation?_include=Observation:note"))[0] == "parameter-unsupported"
    await until_done(client)
    assert await found(client, "Observation?note:Patient.family=author") == ["o4"]
    assert await found(client, "Observation?_id=o4&_include=Observation:note") == ["o4", "p2"]


@pytest.mark.parametrize("local", [True, False])
async def test_absolute_references_stay_what_they_were(client: httpx.AsyncClient, local: bool) -> None:
    """Local to whoever called the service by this name, though the job does not know it; foreign otherwise."""
    base = "http://testserver/fhir" if local else "https://ehr.example.org/fhir"
    await put(client, noted(5, "Stiff") | {"subject": {"reference": f"{base}/Patient/p7"}})
    await put(client, note())
    assert (await until_done(client))[0]["state"] == "completed"
    assert await found(client, "Observation?note=stiff&patient=Patient/p7") == (["o5"] if local else [])


async def test_a_job_that_cannot_know_the_base_fails_and_says_so(client: httpx.AsyncClient) -> None:
    """The parameter stays refused until a reindex with the base has been asked for."""
    author = {"text": "a", "authorReference": {"reference": "http://testserver/fhir/Patient/p7"}}
    await put(client, noted(5, None) | {"note": [author]})
    stored = note(type="reference", expression="Observation.note.author.ofType(Reference)", target=["Patient"])
    await put(client, stored)
    (job,) = await until_done(client)
    assert (job["state"], "BASE_URL" in job["problem"]) == ("failed", True)
    assert (await refusal(client, "Observation?note=a"))[0] == "parameter-unsupported"


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
    await put(client, note())
    await waiting.wait()
    await until(client, "Observation?note=stiff", "")
    assert (await refusal(client, "Observation?late=stiff"))[0] == "parameter-unsupported"
    await until_done(client)
    assert await found(client, "Observation?late=stiff") == ["o1"]


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


async def test_claims_that_are_old_go_by_themselves(
    cluster: Cluster, standard: Standard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the workers removes them now and then."""
    from service.jobs import background

    monkeypatch.setattr(background, "HOUSEKEEPING_SECONDS", 0.02)
    async with cluster.clone() as url, application_on(settings_for(url), standard) as one, client_of(one) as client:
        for number in range(3):
            criteria = {"If-None-Exist": f"identifier=a|{number}"}
            assert (await client.post("Patient", json=patient(number), headers=criteria)).status_code == 201
        connection = await asyncpg.connect(url)
        await connection.execute("UPDATE criteria_claim SET touched_at = now() - interval '61 min' WHERE key % 2 = 0")
        await connection.execute("INSERT INTO criteria_claim VALUES (1, 1, now() - interval '61 min')")
        async with asyncio.timeout(30):
            while await connection.fetchval(  # noqa: ASYNC110 - no event tells of it
                "SELECT count(*) FROM criteria_claim WHERE touched_at < now() - interval '1 hour'"
            ):
                await asyncio.sleep(0.02)
        await connection.close()


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
