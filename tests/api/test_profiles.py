"""Profiles over HTTP: stored ones are enforced where they are claimed, and validated by."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from service.interactions.profile_sources import reached
from service.interactions.profiles import KEPT_SECONDS, Profiles
from service.massage import profiles
from service.serve import prepare, publish
from tests.api.outcome import assert_outcome
from tests.api.profiled import CORE, NUMBERS, Json, claiming, definition, issues, required, stored
from tests.builders.referral import referral_bundle
from tests.builders.resources import patient
from tests.conftest import application_on, client_of, settings_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from service.assembly import Standard
    from tests.conftest import Cluster

JSON_PATCH = {"Content-Type": "application/json-patch+json"}


class Time:
    """Passes when a test says so."""

    seconds = 0.0


@pytest.fixture(scope="module")
def time() -> Time:
    """By which the workers of the module's tests believe what they know of profiles."""
    return Time()


@asynccontextmanager
async def served(cluster: Cluster, standard: Standard) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """Clients of two workers on one database, which holds what comes with the service."""
    async with cluster.clone() as url:
        settings = await prepare(settings_for(url))
        await publish(settings)
        async with (
            application_on(settings, standard) as one,
            application_on(settings, standard) as other,
            client_of(one) as http,
            client_of(other) as elsewhere,
        ):
            yield http, elsewhere


@pytest.fixture(scope="module")
async def clients(
    cluster: Cluster, standard: Standard, time: Time
) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """Shared by the module's tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("service.assembly.Profiles", partial(Profiles, clock=lambda: time.seconds))
        async with served(cluster, standard) as both:
            yield both


@pytest.fixture
def client(clients: tuple[httpx.AsyncClient, httpx.AsyncClient]) -> httpx.AsyncClient:
    """The first worker's."""
    return clients[0]


async def test_a_claimed_profile_is_enforced_on_create(client: httpx.AsyncClient) -> None:
    """With the element in the issue's expression, and nothing stored."""
    url = await stored(client, required("photo"))
    answered = await client.post("Patient", json=claiming(url))
    issue = assert_outcome(answered, 422, "profile", "Patient.photo")
    assert issue["code"] == "required"
    assert (await client.get(f"Patient?_profile={url}&_summary=count")).json()["total"] == 0
    photo = [{"contentType": "image/png", "url": "https://example.org/1.png"}]
    assert (await client.post("Patient", json=claiming(url, photo=photo))).status_code == 201


async def test_a_resource_that_claims_nothing_is_held_against_nothing(client: httpx.AsyncClient) -> None:
    """Whatever is stored."""
    await stored(client, required("photo"))
    assert (await client.post("Patient", json=patient(1))).status_code == 201


async def test_a_claim_of_what_the_service_does_not_hold_is_stored(client: httpx.AsyncClient) -> None:
    """R4 leaves that to whoever knows the profile."""
    unknown = "https://example.org/StructureDefinition/unknown"
    assert (await client.post("Patient", json=claiming(unknown))).status_code == 201
    told = issues(await client.post("Patient/$validate", json=claiming(unknown)), "warning", "error")
    assert [each["severity"] for each in told if each["expression"] == ["Patient.meta.profile[0]"]] == ["warning"]


@pytest.mark.parametrize("odd", ["|1", "#a", "a,b", "a\\\\", "a$b", "StructureDefinition/a", "x" * 9000])
async def test_an_odd_claim_is_stored(client: httpx.AsyncClient, odd: str) -> None:
    """It names nothing that the service holds."""
    assert (await client.post("Patient", json=claiming(odd))).status_code == 201


async def test_a_claimed_profile_is_enforced_on_update(client: httpx.AsyncClient) -> None:
    """An update may come to claim it."""
    url = await stored(client, required("photo"))
    logical_id = (await client.post("Patient", json=patient(1))).json()["id"]
    answered = await client.put(f"Patient/{logical_id}", json=claiming(url, id=logical_id))
    assert_outcome(answered, 422, "profile", "Patient.photo")


@pytest.mark.parametrize("pointer, refused", [("/photo", True), ("/active", False)])
async def test_a_claimed_profile_is_enforced_on_patch(
    client: httpx.AsyncClient, pointer: str, *, refused: bool
) -> None:
    """What is patched is held against it, whoever sent the claim."""
    url = await stored(client, required("photo"))
    photo = [{"contentType": "image/png", "url": "https://example.org/1.png"}]
    created = await client.post("Patient", json=claiming(url, photo=photo, active=True))
    patch = [{"op": "remove", "path": pointer}]
    answered = await client.patch(f"Patient/{created.json()['id']}", json=patch, headers=JSON_PATCH)
    if refused:
        assert_outcome(answered, 422, "profile", "Patient.photo")
    else:
        assert answered.status_code == 200, answered.text


@pytest.mark.parametrize("kind", ["transaction", "batch"])
async def test_a_claimed_profile_is_enforced_in_a_bundle(client: httpx.AsyncClient, kind: str) -> None:
    """A transaction is refused with the entry, of a batch the entry is."""
    url = await stored(client, required("photo"))
    contents = [patient(1), claiming(url), claiming(url)]
    entries = [{"resource": each, "request": {"method": "POST", "url": "Patient"}} for each in contents]
    answered = await client.post("/", json={"resourceType": "Bundle", "type": kind, "entry": entries})
    if kind == "transaction":
        for number in (1, 2):
            assert_outcome(answered, 422, "profile", f"Bundle.entry[{number}].resource.photo")
    else:
        statuses = [entry["response"]["status"][:3] for entry in answered.json()["entry"]]
        assert statuses == ["201", "422", "422"]


async def test_a_reference_within_a_transaction_is_held_against_its_target(client: httpx.AsyncClient) -> None:
    """By the type that the urn:uuid comes to."""
    target = {"id": "Patient.generalPractitioner", "path": "Patient.generalPractitioner"}
    to_organizations = {"code": "Reference", "targetProfile": [f"{CORE}/Organization"]}
    url = await stored(client, target | {"type": [to_organizations]})
    practitioner = "urn:uuid:00000000-0000-4000-8000-000000000001"
    entries = [
        {
            "resource": claiming(url, generalPractitioner=[{"reference": practitioner}]),
            "request": {"method": "POST", "url": "Patient"},
        },
        {
            "fullUrl": practitioner,
            "resource": {"resourceType": "Practitioner"},
            "request": {"method": "POST", "url": "Practitioner"},
        },
    ]
    answered = await client.post("/", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert_outcome(answered, 422, "profile", "Bundle.entry[0].resource.generalPractitioner[0]")


async def test_a_profile_of_a_stored_profile_with_a_stored_value_set(client: httpx.AsyncClient) -> None:
    """Everything that it is made of comes from the store."""
    value_set = f"https://example.org/ValueSet/{next(NUMBERS)}"
    codes = {"system": "urn:species", "concept": [{"code": "human"}]}
    content = {"resourceType": "ValueSet", "url": value_set, "status": "active", "compose": {"include": [codes]}}
    assert (await client.post("ValueSet", json=content)).status_code == 201
    bound = {"binding": {"strength": "required", "valueSet": value_set}}
    base = await stored(client, {"id": "Patient.maritalStatus", "path": "Patient.maritalStatus"} | bound)
    url = await stored(client, required("maritalStatus"), baseDefinition=base)
    wrong = claiming(url, maritalStatus={"text": "human"})
    assert_outcome(await client.post("Patient", json=wrong), 422, "profile", "Patient.maritalStatus")
    right = claiming(url, maritalStatus={"coding": [{"system": "urn:species", "code": "human"}]})
    assert (await client.post("Patient", json=right)).status_code == 201


async def test_a_change_of_a_profile_takes_effect_at_once(client: httpx.AsyncClient) -> None:
    """In the worker that stored it."""
    url = await stored(client, required("photo"))
    assert (await client.post("Patient", json=claiming(url))).status_code == 422
    found = (await client.get(f"StructureDefinition?url={url}")).json()["entry"][0]["resource"]
    changed = definition(url, id=found["id"])
    assert (await client.put(f"StructureDefinition/{found['id']}", json=changed)).status_code == 200
    assert (await client.post("Patient", json=claiming(url))).status_code == 201
    assert (await client.delete(f"StructureDefinition/{found['id']}")).status_code in (200, 204)
    told = issues(await client.post("Patient/$validate", json=claiming(url)), "warning")
    assert "does not hold the profile" in told[-1]["diagnostics"]


async def test_a_change_takes_effect_in_other_workers_when_they_look_again(
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient], time: Time
) -> None:
    """After a few seconds."""
    one, other = clients
    url = await stored(one, required("photo"))
    assert (await other.post("Patient", json=claiming(url))).status_code == 422
    found = (await one.get(f"StructureDefinition?url={url}")).json()["entry"][0]["resource"]
    await one.put(f"StructureDefinition/{found['id']}", json=definition(url, id=found["id"]))
    assert (await other.post("Patient", json=claiming(url))).status_code == 422
    time.seconds += KEPT_SECONDS
    assert (await other.post("Patient", json=claiming(url))).status_code == 201


async def test_a_version_of_a_profile_can_be_claimed(client: httpx.AsyncClient) -> None:
    """Without one, the last one counts."""
    url = await stored(client, required("photo"), version="1.0")
    assert (await client.post("StructureDefinition", json=definition(url, version="2.0"))).status_code == 201
    statuses = [
        (await client.post("Patient", json=claiming(each))).status_code for each in (url, f"{url}|1.0", f"{url}|2.0")
    ]
    assert statuses == [201, 422, 201]


async def test_validate_takes_several_profiles(client: httpx.AsyncClient) -> None:
    """In the URL and in Parameters; each is told with its issues."""
    urls = [await stored(client, required(name)) for name in ("photo", "contact")]
    told = issues(await client.post("Patient/$validate", params={"profile": urls}, json=patient(1)), "error")
    assert [each["expression"] for each in told] == [["Patient.photo"], ["Patient.contact"]]
    entries: list[Json] = [{"name": "resource", "resource": patient(1)}]
    entries += [{"name": "profile", "valueUri": url} for url in urls]
    asked = {"resourceType": "Parameters", "parameter": entries}
    assert issues(await client.post("Patient/$validate", json=asked), "error") == told


async def test_validate_by_r4s_own_type_is_validate(client: httpx.AsyncClient) -> None:
    """And by another type an error."""
    answered = await client.post(f"Patient/$validate?profile={CORE}/Patient", json=patient(1))
    assert issues(answered, "error") == []
    answered = await client.post(f"Patient/$validate?profile={CORE}/Group", json=patient(1))
    assert [each["details"]["coding"][0]["code"] for each in issues(answered, "error")] == ["profile"]


@pytest.mark.parametrize("elements, told", [(None, "does not hold"), ([required("nick")], "no element nick")])
async def test_validate_by_what_cannot_be_validated_by_is_an_error(
    client: httpx.AsyncClient, elements: list[Json] | None, told: str
) -> None:
    """As R4 says: https://hl7.org/fhir/R4/resource-operation-validate.html (profile)"""
    url = "https://example.org/unknown" if elements is None else await stored(client, *elements)
    answered = await client.post(f"Patient/$validate?profile={url}", json=patient(1))
    assert told in assert_outcome(answered, 422, "profile-unknown", "http.profile")["diagnostics"]


async def test_mode_profile_validates_what_is_stored(client: httpx.AsyncClient) -> None:
    """Named by its id; the type level has nothing to validate."""
    url = await stored(client, required("photo"))
    logical_id = (await client.post("Patient", json=patient(1))).json()["id"]
    answered = await client.get(f"Patient/{logical_id}/$validate?mode=profile&profile={url}")
    assert [each["expression"] for each in issues(answered, "error")] == [["Patient.photo"]]
    answered = await client.post(f"Patient/$validate?mode=profile&profile={url}", json=patient(1))
    assert_outcome(answered, 400, "parameter-value", "http.mode")


async def test_validate_tells_what_of_a_definition_is_not_enforced(client: httpx.AsyncClient) -> None:
    """As warnings about the StructureDefinition; it can be stored all the same."""
    slicing = {"discriminator": [{"type": "profile", "path": "$this"}], "rules": "open"}
    elements: list[Json] = [
        {"id": "Patient.contact", "path": "Patient.contact", "slicing": slicing},
        {"id": "Patient.contact:a", "path": "Patient.contact", "sliceName": "a"},
    ]
    content = definition("https://example.org/sliced", *elements)
    told = issues(await client.post("StructureDefinition/$validate", json=content), "warning")
    assert any("Patient.contact:a: slicing by the profile" in each["diagnostics"] for each in told)
    answered = await client.post("StructureDefinition", json=content, headers={"Prefer": "return=OperationOutcome"})
    assert answered.status_code == 201
    assert [each for each in answered.json()["issue"] if each in told]


async def test_the_capability_statement_names_the_profiles_that_come_with_the_service(
    client: httpx.AsyncClient,
) -> None:
    """By type; each of them is held."""
    resources = (await client.get("metadata")).json()["rest"][0]["resource"]
    told = {each["type"]: each["supportedProfile"] for each in resources if "supportedProfile" in each}
    assert told == profiles.supported()
    for url in (url for urls in told.values() for url in urls):
        assert (await client.get(f"StructureDefinition?url={url}&_summary=count")).json()["total"] == 1


async def test_writes_at_the_same_time_look_up_once(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waited finds what the first one has found."""
    looked = []

    async def counted(*arguments: Any) -> Any:
        looked.append(arguments)
        return await reached(*arguments)

    monkeypatch.setattr("service.interactions.profiles.reached", counted)
    url = await stored(client, required("photo"))
    answers = await asyncio.gather(*(client.post("Patient", json=claiming(url)) for _ in range(10)))
    assert [answered.status_code for answered in answers] == [422] * 10
    assert len(looked) == 1


async def test_many_claims_are_refused(client: httpx.AsyncClient) -> None:
    """Each has to be looked up."""
    urls = [f"https://example.org/StructureDefinition/{number}" for number in range(21)]
    assert_outcome(await client.post("Patient", json=claiming(*urls)), 400, "too-costly", "Patient.meta.profile")


async def test_a_bundle_whose_claims_are_too_many_is_refused(client: httpx.AsyncClient) -> None:
    """Rather than looked up for ever."""
    claims = [[f"https://example.org/{number}/{each}" for each in range(19)] for number in range(14)]
    entries = [{"resource": claiming(*each), "request": {"method": "POST", "url": "Patient"}} for each in claims]
    answered = await client.post("/", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert_outcome(answered, 400, "too-costly")


async def test_a_referral_that_claims_our_profiles_is_held_against_them(client: httpx.AsyncClient) -> None:
    """They come with the service, with the catalogue's value sets."""
    claimed = {"ServiceRequest": "massage-referral", "Task": "massage-referral-task"}
    bundle = referral_bundle(9001)
    for entry in bundle["entry"]:
        if name := claimed.get(entry["resource"]["resourceType"]):
            entry["resource"]["meta"] = {"profile": [profiles.canonical(name)]}
    at = next(at for at, each in enumerate(bundle["entry"]) if each["resource"]["resourceType"] == "ServiceRequest")
    order = bundle["entry"][at]["resource"]
    code, order["code"] = order["code"], {"coding": [{"system": "http://snomed.info/sct", "code": "71388002"}]}
    refused = await client.post("/", json=bundle)
    assert_outcome(refused, 422, "profile", f"Bundle.entry[{at}].resource.code")
    order["code"] = code
    answered = await client.post("/", json=bundle)
    assert answered.status_code == 200, answered.text
