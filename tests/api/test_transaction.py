"""transaction: all entries or none. https://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

import asyncio
import base64
import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.outcome import assert_outcome
from tests.builders.referral import referral_bundle, transaction
from tests.builders.resources import EHR, observation, patient

if TYPE_CHECKING:
    import httpx

Json = dict[str, Any]


def entry(method: str, url: str, resource: Json | None = None, full_url: str | None = None, **request: str) -> Json:
    """A Bundle entry."""
    made: Json = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        made["resource"] = resource
    return made if full_url is None else {"fullUrl": full_url, **made}


async def post(client: httpx.AsyncClient, *entries: Json, **headers: str) -> httpx.Response:
    """The answer to a transaction of these entries."""
    return await client.post("/", json=transaction(entries), headers=headers)


def statuses(response: httpx.Response) -> list[str]:
    """The status of each entry of the answer."""
    assert response.status_code == 200, response.text
    bundle = response.json()
    assert bundle["type"] == "transaction-response"
    return [each["response"]["status"][:3] for each in bundle["entry"]]


def locations(response: httpx.Response) -> list[str]:
    """``Type/id`` of each entry of the answer."""
    urls = [each["response"]["location"] for each in response.json()["entry"]]
    return ["/".join(url.removeprefix("http://testserver/fhir/").split("/")[:2]) for url in urls]


async def test_a_referral_is_stored_with_its_links_resolved(fresh_client: httpx.AsyncClient) -> None:
    """Eight entries that point at each other by urn:uuid become resources that point at each other."""
    response = await fresh_client.post("/", json=referral_bundle(1))
    assert statuses(response) == ["201"] * 8
    found = dict(location.split("/") for location in locations(response))
    order = (await fresh_client.get(f"/ServiceRequest/{found['ServiceRequest']}")).json()
    assert order["subject"]["reference"] == f"Patient/{found['Patient']}"
    assert order["requester"]["reference"] == f"PractitionerRole/{found['PractitionerRole']}"
    assert order["reasonReference"] == [{"reference": f"Condition/{found['Condition']}"}]
    assert order["insurance"] == [{"reference": f"Coverage/{found['Coverage']}"}]
    task = (await fresh_client.get(f"/Task?focus=ServiceRequest/{found['ServiceRequest']}")).json()
    assert task["total"] == 1


async def test_the_same_bundle_again_creates_nothing(fresh_client: httpx.AsyncClient) -> None:
    """Byte for byte the same request: the same resources, at version 1."""
    content = json.dumps(referral_bundle(1))
    headers = {"Content-Type": "application/fhir+json"}
    first = await fresh_client.post("/", content=content, headers=headers)
    second = await fresh_client.post("/", content=content, headers=headers)
    assert statuses(second) == ["200"] * 8
    assert locations(second) == locations(first)
    assert (await fresh_client.get("/_history")).json()["total"] == 8


async def test_a_second_referral_shares_what_exists(fresh_client: httpx.AsyncClient) -> None:
    """The same patient and practitioner, a new order."""
    await fresh_client.post("/", json=referral_bundle(1))
    second = await fresh_client.post("/", json=referral_bundle(2, patient_number=1))
    created = [
        place.split("/")[0]
        for place, status in zip(locations(second), statuses(second), strict=True)
        if status == "201"
    ]
    assert sorted(created) == ["ServiceRequest", "Task"]


async def test_one_bad_entry_stops_all(fresh_client: httpx.AsyncClient) -> None:
    """The refusal names the entry and the element; nothing is stored."""
    bundle = referral_bundle(1)
    bundle["entry"][6]["resource"]["status"] = "bogus"
    response = await fresh_client.post("/", json=bundle)
    assert_outcome(response, 400, "code-invalid", "Bundle.entry[6].resource.status")
    assert (await fresh_client.get("/_history")).json()["total"] == 0


async def test_every_bad_entry_is_named_at_once(fresh_client: httpx.AsyncClient) -> None:
    """An integrator should not have to send a Bundle eight times."""
    bundle = referral_bundle(1)
    for index in (6, 7):
        bundle["entry"][index]["resource"]["status"] = "bogus"
    outcome = (await fresh_client.post("/", json=bundle)).json()
    named = {path for issue in outcome["issue"] for path in issue["expression"]}
    assert named == {"Bundle.entry[6].resource.status", "Bundle.entry[7].resource.status"}


async def test_contents_refused_while_criteria_are_looked_up_cost_no_connection(
    fresh_client: httpx.AsyncClient,
) -> None:
    """Validation runs beside the statement that matches criteria; more refusals than connections leave all usable."""
    bundle = referral_bundle(1)
    broken = copy.deepcopy(bundle)
    broken["entry"][0]["resource"]["birthDate"] = "yesterday"
    refused = await asyncio.gather(*(fresh_client.post("/", json=broken) for _ in range(40)))
    assert {response.status_code for response in refused} == {400}
    assert_outcome(refused[0], 400, "value-invalid")
    assert statuses(await fresh_client.post("/", json=bundle)) == ["201"] * len(bundle["entry"])


async def test_cycles_between_entries_work(fresh_client: httpx.AsyncClient) -> None:
    """Two patients that are linked to each other."""
    one = patient(
        1, link=[{"other": {"reference": "urn:uuid:22222222-2222-4222-8222-222222222222"}, "type": "seealso"}]
    )
    two = patient(
        2, link=[{"other": {"reference": "urn:uuid:11111111-1111-4111-8111-111111111111"}, "type": "seealso"}]
    )
    response = await post(
        fresh_client,
        entry("POST", "Patient", one, "urn:uuid:11111111-1111-4111-8111-111111111111"),
        entry("POST", "Patient", two, "urn:uuid:22222222-2222-4222-8222-222222222222"),
    )
    assert statuses(response) == ["201", "201"]
    first, second = locations(response)
    assert (await fresh_client.get(f"/{first}")).json()["link"][0]["other"]["reference"] == second
    assert (await fresh_client.get(f"/{second}")).json()["link"][0]["other"]["reference"] == first


async def test_a_dangling_link_stops_all(fresh_client: httpx.AsyncClient) -> None:
    """It could never be followed."""
    response = await post(fresh_client, entry("POST", "Observation", observation("urn:uuid:nobody")))
    assert_outcome(response, 400, "reference-invalid")
    assert (await fresh_client.get("/_history")).json()["total"] == 0


async def test_a_conditional_reference_points_at_its_one_match(fresh_client: httpx.AsyncClient) -> None:
    """None or several stop the transaction."""
    reference = f"Patient?identifier={EHR}/mrn|MRN-1"
    nobody = await post(fresh_client, entry("POST", "Observation", observation(reference)))
    assert_outcome(nobody, 412, "reference-unmatched", "Bundle.entry[0].resource.subject")
    known = (await fresh_client.post("/Patient", json=patient(1))).json()["id"]
    response = await post(fresh_client, entry("POST", "Observation", observation(reference)))
    (stored,) = locations(response)
    assert (await fresh_client.get(f"/{stored}")).json()["subject"]["reference"] == f"Patient/{known}"
    await fresh_client.post("/Patient", json=patient(1))
    several = await post(fresh_client, entry("POST", "Observation", observation(reference)))
    assert_outcome(several, 412, "reference-ambiguous")


async def test_entries_are_processed_in_r4s_order(fresh_client: httpx.AsyncClient) -> None:
    """Delete, create, update, patch, read, whatever the order sent; answers come in the order sent."""
    for number in (1, 2, 3):
        await fresh_client.put(f"/Patient/p-{number}", json=patient(number, id=f"p-{number}"))
    document = base64.b64encode(b'[{"op":"replace","path":"/active","value":false}]').decode()
    response = await post(
        fresh_client,
        entry("GET", "Patient?active=false"),
        entry("PUT", "Patient/p-2", patient(2, id="p-2", active=False)),
        entry("GET", "Patient/p-3"),
        entry("POST", "Patient", patient(4, active=False)),
        entry(
            "PATCH",
            "Patient/p-3",
            {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": document},
        ),
        entry("DELETE", "Patient/p-1"),
    )
    assert statuses(response) == ["200", "200", "200", "201", "200", "204"]
    answers = response.json()["entry"]
    assert answers[0]["resource"]["total"] == 3
    assert answers[2]["resource"]["active"] is False
    assert (await fresh_client.get("/Patient/p-1")).status_code == 410


async def test_a_delete_makes_room_for_a_conditional_create_of_the_same(fresh_client: httpx.AsyncClient) -> None:
    """Because deletes are processed first."""
    await fresh_client.put("/Patient/p-1", json=patient(1, id="p-1"))
    criteria = f"identifier={EHR}/mrn|MRN-1"
    response = await post(
        fresh_client,
        entry("POST", "Patient", patient(1), ifNoneExist=criteria),
        entry("DELETE", "Patient/p-1"),
    )
    assert statuses(response) == ["201", "204"]


async def test_a_fhirpath_patch_works_in_a_bundle(fresh_client: httpx.AsyncClient) -> None:
    """As a Parameters resource."""
    await fresh_client.put("/Patient/p-1", json=patient(1, id="p-1"))
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Patient.active"},
        {"name": "value", "valueBoolean": False},
    ]
    document = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    assert statuses(await post(fresh_client, entry("PATCH", "Patient/p-1", document))) == ["200"]
    assert (await fresh_client.get("/Patient/p-1")).json()["active"] is False


@pytest.mark.parametrize(
    "first, second",
    [
        (entry("PUT", "Patient/p-1", patient(1, id="p-1")), entry("DELETE", "Patient/p-1")),
        (
            entry("PUT", "Patient/p-1", patient(1, id="p-1", active=False)),
            entry("PUT", f"Patient?identifier={EHR}/mrn|MRN-1", patient(1)),
        ),
    ],
)
async def test_a_transaction_may_change_a_resource_once(
    fresh_client: httpx.AsyncClient, first: Json, second: Json
) -> None:
    """By its id or by criteria that find it."""
    await fresh_client.put("/Patient/p-1", json=patient(1, id="p-1"))
    assert_outcome(await post(fresh_client, first, second), 400, "bundle-duplicate")
    assert (await fresh_client.get("/Patient/p-1")).headers["etag"] == 'W/"1"'


async def test_a_stale_version_stops_all(fresh_client: httpx.AsyncClient) -> None:
    """The version that any entry names."""
    await fresh_client.put("/Patient/p-1", json=patient(1, id="p-1"))
    response = await post(
        fresh_client,
        entry("POST", "Patient", patient(2)),
        entry("PUT", "Patient/p-1", patient(1, id="p-1", active=False), ifMatch='W/"7"'),
    )
    assert_outcome(response, 412, "version-conflict")
    assert (await fresh_client.get("/Patient")).json()["total"] == 1


async def test_a_read_that_fails_stops_all(fresh_client: httpx.AsyncClient) -> None:
    """A transaction has no partial success."""
    response = await post(fresh_client, entry("POST", "Patient", patient(1)), entry("GET", "Patient/nobody"))
    assert_outcome(response, 404, "not-found", "Bundle.entry[1]")
    assert (await fresh_client.get("/Patient")).json()["total"] == 0


async def test_prefer_decides_what_comes_back_of_writes(fresh_client: httpx.AsyncClient) -> None:
    """Nothing by default; the resource or an outcome where asked for."""
    plain = (await post(fresh_client, entry("POST", "Patient", patient(1)))).json()["entry"][0]
    assert "resource" not in plain
    full = (await post(fresh_client, entry("POST", "Patient", patient(2)), Prefer="return=representation")).json()
    assert full["entry"][0]["resource"]["birthDate"] == "1980-02-29"
    outcome = (await post(fresh_client, entry("POST", "Patient", patient(3)), Prefer="return=OperationOutcome")).json()
    assert outcome["entry"][0]["response"]["outcome"]["resourceType"] == "OperationOutcome"


async def test_an_empty_transaction_succeeds(fresh_client: httpx.AsyncClient) -> None:
    """It asks for nothing."""
    response = await fresh_client.post("/", json={"resourceType": "Bundle", "type": "transaction"})
    assert (response.status_code, response.json()["type"]) == (200, "transaction-response")


async def test_a_batch_performs_each_entry_on_its_own(fresh_client: httpx.AsyncClient) -> None:
    """One that fails carries its outcome, the others are done."""
    entries = [
        entry("POST", "Patient", patient(1)),
        entry("POST", "Patient", {"resourceType": "Patient", "gender": "bogus"}),
        entry("GET", "Patient/nobody"),
        entry("GET", "Spaceship/1"),
        {"request": {}},
        entry("GET", "Patient?active=true"),
    ]
    response = await fresh_client.post("/", json={"resourceType": "Bundle", "type": "batch", "entry": entries})
    assert response.status_code == 200
    answered = response.json()["entry"]
    assert [each["response"]["status"][:3] for each in answered] == ["201", "400", "404", "404", "400", "200"]
    refused = answered[1]["response"]["outcome"]["issue"][0]
    assert refused["expression"] == ["Bundle.entry[1].resource.gender"]
    assert answered[5]["resource"]["total"] == 1


async def test_a_transaction_larger_than_the_limit_is_refused(fresh_client: httpx.AsyncClient) -> None:
    """Before any of it is looked at."""
    response = await post(fresh_client, *[entry("GET", "Patient/1")] * 1001)
    assert_outcome(response, 400, "too-costly", "Bundle.entry")


async def test_a_bundle_that_was_sent_is_not_changed_by_a_retry(fresh_client: httpx.AsyncClient) -> None:
    """The same Bundle under new identifiers is another referral."""
    bundle = referral_bundle(1)
    untouched = copy.deepcopy(bundle)
    await fresh_client.post("/", json=bundle)
    assert bundle == untouched
    assert statuses(await fresh_client.post("/", json=referral_bundle(2)))[0] == "201"


@pytest.mark.parametrize(
    "envelope, expression",
    [
        ({"foo": 3}, "Bundle.foo"),
        ({"total": 3}, "Bundle"),
        ({"link": "x"}, "Bundle.link"),
        ({"entry": []}, "Bundle.entry"),
    ],
)
@pytest.mark.parametrize("kind", ["batch", "transaction"])
async def test_the_envelope_of_a_bundle_is_validated(
    fresh_client: httpx.AsyncClient, kind: str, envelope: Json, expression: str
) -> None:
    """By R4's own rules, whatever is in it."""
    response = await fresh_client.post("/", json={"resourceType": "Bundle", "type": kind, **envelope})
    assert response.status_code == 400
    assert expression in response.json()["issue"][0]["expression"]


async def test_a_misspelt_condition_is_refused(fresh_client: httpx.AsyncClient) -> None:
    """It would create what was there already."""
    made = entry("POST", "Patient", patient(1), ifNonExist="identifier=x")
    assert_outcome(await post(fresh_client, made), 400, "element-unknown", "Bundle.entry[0].request.ifNonExist")
    batch = await fresh_client.post("/", json={"resourceType": "Bundle", "type": "batch", "entry": [made]})
    refused = batch.json()["entry"][0]["response"]
    assert refused["status"].startswith("400")
    assert refused["outcome"]["issue"][0]["expression"] == ["Bundle.entry[0].request.ifNonExist"]
    assert (await fresh_client.get("/Patient")).json()["total"] == 0


@pytest.mark.parametrize("second", ["POST", "PUT"])
async def test_the_same_criteria_twice_are_refused(fresh_client: httpx.AsyncClient, second: str) -> None:
    """They would make two resources that match from then on."""
    criteria = f"identifier={EHR}/mrn|MRN-1"
    again = (
        entry("POST", "Patient", patient(1), ifNoneExist=criteria)
        if second == "POST"
        else entry("PUT", f"Patient?{criteria}", patient(1))
    )
    response = await post(fresh_client, entry("POST", "Patient", patient(1), ifNoneExist=criteria), again)
    assert_outcome(response, 400, "bundle-duplicate", "Bundle.entry[1]")


async def test_a_link_to_the_wrong_type_stops_all(fresh_client: httpx.AsyncClient) -> None:
    """What a plain create would refuse, a transaction refuses."""
    url = "urn:uuid:11111111-1111-4111-8111-111111111111"
    response = await post(
        fresh_client,
        entry("POST", "Organization", {"resourceType": "Organization", "name": "Practice"}, url),
        entry("POST", "Observation", observation(url)),
    )
    assert_outcome(response, 400, "reference-type", "Bundle.entry[1].resource.subject")


async def test_several_matches_stay_several_when_one_of_them_is_deleted(fresh_client: httpx.AsyncClient) -> None:
    """Three match, one goes: which of the others was meant?"""
    for name in ("a", "b", "c"):
        await fresh_client.put(f"/Patient/{name}", json=patient(1, id=name))
    for doomed in ("a", "b", "c"):
        response = await post(
            fresh_client,
            entry("PUT", f"Patient?identifier={EHR}/mrn|MRN-1", patient(1, active=False)),
            entry("DELETE", f"Patient/{doomed}"),
        )
        assert_outcome(response, 412, "multiple-matches", "Bundle.entry[0]")


async def test_a_head_entry_has_no_resource_and_a_known_one_is_not_modified(fresh_client: httpx.AsyncClient) -> None:
    """As the requests by themselves."""
    await fresh_client.put("/Patient/p", json=patient(1, id="p"))
    response = await post(
        fresh_client,
        entry("HEAD", "Patient/p"),
        entry("GET", "Patient/p", ifModifiedSince="2999-01-01T00:00:00Z"),
        entry("GET", "Patient/p/_history/1", ifNoneMatch='W/"1"'),
    )
    assert statuses(response) == ["200", "304", "304"]
    assert not any("resource" in each for each in response.json()["entry"])


@pytest.mark.parametrize("kind", ["plain", "batch"])
async def test_a_reference_by_criteria_outside_of_a_transaction_is_refused(
    fresh_client: httpx.AsyncClient, kind: str
) -> None:
    """Nobody would ever follow it."""
    content = observation(f"Patient?identifier={EHR}/mrn|MRN-1")
    if kind == "plain":
        response = await fresh_client.post("/Observation", json=content)
        assert_outcome(response, 400, "reference-invalid")
        return
    made = {"resourceType": "Bundle", "type": "batch", "entry": [entry("POST", "Observation", content)]}
    answered = (await fresh_client.post("/", json=made)).json()["entry"][0]["response"]
    assert answered["status"].startswith("400")


@pytest.mark.parametrize("logical_id", [".", ".."])
async def test_ids_that_no_url_can_address_are_refused(fresh_client: httpx.AsyncClient, logical_id: str) -> None:
    """Clients fold them away."""
    by_id = await post(fresh_client, entry("PUT", f"Patient/{logical_id}", patient(1, id=logical_id)))
    assert by_id.status_code in (400, 404)
    by_criteria = await fresh_client.put("/Patient?identifier=x|y", json=patient(1, id=logical_id))
    assert_outcome(by_criteria, 400, "id-invalid")


async def test_entries_of_a_batch_cannot_refer_to_each_other(fresh_client: httpx.AsyncClient) -> None:
    """A referral sent as a batch by mistake would be stored with links that lead nowhere."""
    bundle = referral_bundle(1)
    bundle["type"] = "batch"
    answered = (await fresh_client.post("/", json=bundle)).json()["entry"]
    by_type = {
        entry["resource"]["resourceType"]: each["response"]
        for entry, each in zip(bundle["entry"], answered, strict=True)
    }
    assert by_type["Patient"]["status"].startswith("201")
    assert by_type["Task"]["status"].startswith("400")
    assert by_type["Task"]["outcome"]["issue"][0]["expression"] == ["Bundle.entry[7].resource.focus"]


async def test_a_patch_leaves_no_conditional_reference_behind(fresh_client: httpx.AsyncClient) -> None:
    """Nobody would resolve it once the transaction is over."""
    await fresh_client.put("/Observation/o", json=observation("Patient/1", id="o"))
    operation = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Observation.subject.reference"},
        {"name": "value", "valueString": "Patient?_id=1"},
    ]
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": operation}]}
    refused = await post(fresh_client, entry("PATCH", "Observation/o", patch))
    assert_outcome(refused, 400, "reference-invalid")
