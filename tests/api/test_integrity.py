"""REFERENTIAL_INTEGRITY: off as in R4's base rules, or on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.outcome import assert_outcome
from tests.builders.referral import transaction
from tests.builders.resources import observation, patient

if TYPE_CHECKING:
    from tests.conftest import MakeClient


async def test_when_off_a_reference_may_lead_nowhere(make_client: MakeClient) -> None:
    """R4 lets a resource arrive before the one that it points at."""
    async with make_client() as client:
        assert (await client.post("/Observation", json=observation("Patient/later"))).status_code == 201
        await client.put("/Patient/later", json=patient(1, id="later"))
        assert (await client.delete("/Patient/later")).status_code == 204


async def test_when_on_a_dangling_local_reference_is_refused_with_its_path(make_client: MakeClient) -> None:
    """On create, on update, relative and absolute; a foreign reference is none of our business."""
    async with make_client(referential_integrity=True) as client:
        for reference in ("Patient/nobody", "http://testserver/fhir/Patient/nobody"):
            response = await client.post("/Observation", json=observation(reference))
            assert_outcome(response, 422, "reference-not-found", "Observation.subject")
        foreign = await client.post("/Observation", json=observation("https://elsewhere.example.org/fhir/Patient/1"))
        assert foreign.status_code == 201


async def test_when_on_what_is_referred_to_cannot_be_deleted(make_client: MakeClient) -> None:
    """Until the last referrer is gone; the refusal names the types that refer."""
    async with make_client(referential_integrity=True) as client:
        await client.put("/Patient/p", json=patient(1, id="p"))
        pain = (await client.post("/Observation", json=observation("Patient/p"))).json()["id"]
        issue = assert_outcome(await client.delete("/Patient/p"), 409, "still-referenced")
        assert "Observation" in issue["diagnostics"]
        await client.delete(f"/Observation/{pain}")
        assert (await client.delete("/Patient/p")).status_code == 204


async def test_when_on_references_that_no_search_parameter_reads_count_too(make_client: MakeClient) -> None:
    """An extension's reference is a reference."""
    async with make_client(referential_integrity=True) as client:
        await client.put("/Patient/p", json=patient(1, id="p"))
        extension = [{"url": "https://example.org/x", "valueReference": {"reference": "Patient/p"}}]
        await client.put("/Patient/q", json=patient(2, id="q", extension=extension))
        assert_outcome(await client.delete("/Patient/p"), 409, "still-referenced")


async def test_when_on_a_transaction_may_refer_to_what_it_makes_and_delete_what_it_frees(
    make_client: MakeClient,
) -> None:
    """The state after the transaction is what counts."""
    async with make_client(referential_integrity=True) as client:
        await client.put("/Patient/p", json=patient(1, id="p"))
        await client.put("/Observation/o", json=observation("Patient/p", id="o"))
        made = transaction(
            [
                {"request": {"method": "DELETE", "url": "Patient/p"}},
                {"request": {"method": "DELETE", "url": "Observation/o"}},
                {
                    "fullUrl": "urn:uuid:11111111-1111-4111-8111-111111111111",
                    "resource": patient(2),
                    "request": {"method": "POST", "url": "Patient"},
                },
                {
                    "resource": observation("urn:uuid:11111111-1111-4111-8111-111111111111"),
                    "request": {"method": "POST", "url": "Observation"},
                },
            ]
        )
        assert (await client.post("/", json=made)).status_code == 200
        (pain,) = (await client.get("/Observation")).json()["entry"]
        dangling = transaction(
            [{"resource": observation("Patient/p"), "request": {"method": "POST", "url": "Observation"}}]
        )
        assert_outcome(
            await client.post("/", json=dangling), 422, "reference-not-found", "Bundle.entry[0].resource.subject"
        )
        assert pain["resource"]["subject"]["reference"].startswith("Patient/")


async def test_a_transaction_is_told_which_of_its_entries_deletes_what_is_referred_to(make_client: MakeClient) -> None:
    async with make_client(referential_integrity=True) as client:
        await client.put("/Patient/p", json=patient(1, id="p"))
        await client.post("/Observation", json=observation("Patient/p"))
        urls = ("Patient/q", "Patient/p")
        made = transaction([{"request": {"method": "DELETE", "url": url}} for url in urls])
        assert_outcome(await client.post("/", json=made), 409, "still-referenced", "Bundle.entry[1]")


@pytest.mark.parametrize("version, status", [("1", 201), ("2", 422), ("01", 422), ("0", 422), ("x", 422)])
async def test_when_on_a_reference_to_a_version_leads_to_one_that_was(
    make_client: MakeClient, version: str, status: int
) -> None:
    async with make_client(referential_integrity=True) as client:
        await client.put("/Patient/p", json=patient(1, id="p"))
        response = await client.post("/Observation", json=observation(f"Patient/p/_history/{version}"))
        assert response.status_code == status, response.text


async def test_when_on_a_reference_to_a_type_that_is_not_served_is_refused(make_client: MakeClient) -> None:
    """It can lead nowhere here."""
    async with make_client(referential_integrity=True) as client:
        await client.put("/Patient/p", json=patient(1, id="p"))
        content = observation("Patient/p", specimen={"reference": "Specimen/1"})
        response = await client.post("/Observation", json=content)
        assert_outcome(response, 422, "reference-not-found", "Observation.specimen")


async def test_when_on_every_dangling_reference_is_told(make_client: MakeClient) -> None:
    async with make_client(referential_integrity=True) as client:
        content = observation("Patient/nobody", focus=[{"reference": "Patient/nobody"}])
        issues = (await client.post("/Observation", json=content)).json()["issue"]
        assert [issue["expression"] for issue in issues] == [["Observation.subject"], ["Observation.focus[0]"]]
