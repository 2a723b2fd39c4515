"""Links between the entries of a Bundle, and from them to what is stored.

https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.bundles import entry, locations, post, statuses
from tests.api.outcome import assert_outcome
from tests.builders.referral import referral_bundle
from tests.builders.resources import EHR, observation, patient

if TYPE_CHECKING:
    import httpx


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


async def test_a_link_to_what_the_transaction_deletes_stops_all(fresh_client: httpx.AsyncClient) -> None:
    """It leads nowhere once the transaction is over."""
    url = "urn:uuid:11111111-1111-4111-8111-111111111111"
    await fresh_client.put("/Patient/p", json=patient(1, id="p"))
    response = await post(
        fresh_client,
        entry("DELETE", "Patient/p", None, url),
        entry("POST", "Observation", observation(url)),
    )
    assert_outcome(response, 400, "reference-invalid", "Bundle.entry[1].resource.subject")
    assert (await fresh_client.get("/Patient/p")).status_code == 200


async def test_a_link_to_the_wrong_type_stops_all(fresh_client: httpx.AsyncClient) -> None:
    """What a plain create would refuse, a transaction refuses."""
    url = "urn:uuid:11111111-1111-4111-8111-111111111111"
    response = await post(
        fresh_client,
        entry("POST", "Organization", {"resourceType": "Organization", "name": "Practice"}, url),
        entry("POST", "Observation", observation(url)),
    )
    assert_outcome(response, 400, "reference-type", "Bundle.entry[1].resource.subject")


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


async def test_a_reference_by_criteria_to_no_type_of_r4_is_refused(fresh_client: httpx.AsyncClient) -> None:
    """At the reference, before anything is looked for."""
    response = await post(fresh_client, entry("POST", "Observation", observation("Foo?identifier=1")))
    assert_outcome(response, 400, "reference-invalid", "Bundle.entry[0].resource.subject")


async def test_a_reference_to_a_version_follows_what_is_made(fresh_client: httpx.AsyncClient) -> None:
    """Another server's version becomes the first one here."""
    theirs = "https://ehr.example.org/fhir/Patient/7"
    response = await post(
        fresh_client,
        entry("POST", "Observation", observation(f"{theirs}/_history/4")),
        entry("POST", "Patient", patient(1), theirs),
    )
    made, subject = locations(response)
    stored = (await fresh_client.get(f"/{made}")).json()
    assert stored["subject"]["reference"] == f"{subject}/_history/1"


async def test_a_reference_to_a_version_follows_what_is_found_instead(fresh_client: httpx.AsyncClient) -> None:
    """The version is the current one of what the criteria match."""
    theirs, mrn = "https://ehr.example.org/fhir/Patient/7", f"identifier={EHR}/mrn|MRN-1"
    await fresh_client.put("/Patient/p", json=patient(1, id="p"))
    await fresh_client.put("/Patient/p", json=patient(1, id="p", active=False))
    response = await post(
        fresh_client,
        entry("POST", "Observation", observation(f"{theirs}/_history/4")),
        entry("POST", "Patient", patient(1), theirs, ifNoneExist=mrn),
    )
    stored = (await fresh_client.get(f"/{locations(response)[0]}")).json()
    assert stored["subject"]["reference"] == "Patient/p/_history/2"


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
