"""What reaches whom: references, criteria, ids and directories lead nobody to what is not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.interactions import conditional
from tests.api.auth.organisations import IDENTIFIER, Network, network, observation, patient, referral, task
from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    import httpx

__all__ = ["network"]


async def test_a_reference_opens_nothing_that_its_writer_does_not_see(network: Network) -> None:
    """Neither what it points at, nor a way into it."""
    subject = await network.referrer.post(patient())
    made = await network.referrer.post(referral(subject))
    stolen = await network.other.post(referral(subject, "Organization/other"))
    assert await network.other.sees(stolen)
    assert not await network.other.sees(subject)
    for hanging in (task(made, "Organization/other"), observation(subject, basedOn=[{"reference": made}])):
        forged = await network.other.post(hanging)
        assert not await network.other.sees(made)
        assert not await network.clinic.sees(forged)
        assert not await network.referrer.sees(forged)


async def test_criteria_on_what_is_not_seen_find_nothing(network: Network) -> None:
    hidden = await network.other.post(patient("Hidden"))
    own = await network.clinic.post(observation(hidden, performer=[{"reference": "Organization/clinic"}]))
    number = own.split("/")[1]
    assert await network.clinic.found(f"Observation?_id={number}") == {own}
    for search in (
        f"Observation?_id={number}&subject:Patient.family=Hidden",
        f"Observation?_id={number}&subject:Patient.identifier={IDENTIFIER}|Hidden",
        f"Observation?_id={number}&patient._id={hidden.split('/')[1]}",
    ):
        assert await network.clinic.found(search) == set(), search
    assert await network.clinic.found(f"Observation?_id={number}&_include=Observation:subject") == {own}
    theirs = await network.other.post(observation(hidden, derivedFrom=[{"reference": own}]))
    mine = await network.clinic.post(patient("Mine"))
    about = await network.other.post(observation(mine))
    key = mine.split("/")[1]
    assert await network.clinic.found(f"Patient?_id={key}&_has:Observation:subject:status=final") == set()
    assert await network.clinic.found(f"Patient?_id={key}&_revinclude=Observation:subject") == {mine}
    assert await network.clinic.found(f"Patient?_id={key}&_revinclude:iterate=*&_revinclude=*") == {mine}
    assert {theirs, about}.isdisjoint(await network.clinic.found(f"{mine}/*"))
    answered = await network.clinic("GET", "Patient?family=Hidden&_total=accurate&_summary=count")
    assert answered.json()["total"] == 0


async def test_criteria_of_writes_match_only_what_is_seen(network: Network) -> None:
    """Each organisation may have a resource with the same identifier."""
    criteria = f"identifier={IDENTIFIER}|Shared"
    made = {}
    for name, each in (("clinic", network.clinic), ("other", network.other)):
        answered = await each("POST", "Patient", patient("Shared"), **{"If-None-Exist": criteria})
        assert answered.status_code == 201, answered.text
        made[name] = answered.json()["id"]
        again = await each("POST", "Patient", patient("Shared"), **{"If-None-Exist": criteria})
        assert (again.status_code, again.json()["id"]) == (200, made[name])
    assert made["clinic"] != made["other"]
    deleted = await network.referrer("DELETE", f"Patient?{criteria}")
    assert deleted.status_code in (200, 204)
    assert await network.clinic.sees(f"Patient/{made['clinic']}")


async def test_nobody_is_named_instead_of_another_by_a_role_that_is_sent_with_criteria(network: Network) -> None:
    """Whoever stores it first could else be sent what was meant for others."""
    await network.other.post(role("PractitionerRole", "THERAPIST", "Organization/other"))
    criteria = f"identifier={IDENTIFIER}|THERAPIST"
    for same in ("Organization/other", "http://testserver/fhir/Organization/other"):
        again = role("PractitionerRole", "THERAPIST", same)
        answered = await network.referrer("POST", "PractitionerRole", again, **{"If-None-Exist": criteria})
        assert answered.status_code == 200
    subject = await network.referrer.post(patient())
    url = "urn:uuid:00000000-0000-4000-8000-000000000001"
    meant = role("PractitionerRole", "THERAPIST", "Organization/clinic")
    entries = [
        {
            "fullUrl": url,
            "resource": meant,
            "request": {"method": "POST", "url": "PractitionerRole", "ifNoneExist": criteria},
        },
        {"resource": referral(subject, url), "request": {"method": "POST", "url": "ServiceRequest"}},
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    for status in ("201 Created", "200 OK"):
        sent = await network.referrer("POST", "", bundle)
        assert sent.json()["entry"][0]["response"]["status"] == status
    assert await network.clinic.sees(subject)
    assert not await network.other.sees(subject)
    turned = role("PractitionerRole", "THERAPIST", "Organization/third")
    refused = await network.referrer("POST", "PractitionerRole", turned, **{"If-None-Exist": criteria})
    assert_outcome(refused, 409, "identity-conflict", "PractitionerRole.organization")


@pytest.mark.parametrize("resource_type", ["Practitioner", "Organization", "Location", "ValueSet"])
async def test_nobody_blocks_the_conditional_writes_of_others_by_what_he_stores(
    network: Network, resource_type: str
) -> None:
    """In the directory and among definitions, which everybody sees: he would have all referrals refused."""
    status = {"status": "active"} if resource_type == "ValueSet" else {}
    content = {
        "resourceType": resource_type,
        "identifier": [{"system": IDENTIFIER, "value": f"SHARED-{resource_type}"}],
    } | status
    criteria = f"identifier={IDENTIFIER}|SHARED-{resource_type}"

    async def create() -> httpx.Response:
        return await network.referrer("POST", resource_type, content, **{"If-None-Exist": criteria})

    theirs = [await network.other.post(content)]
    made = await create()
    assert made.status_code == 201
    theirs += [await network.other.post(content) for _ in range(2)]
    basic = {"resourceType": "Basic", "code": {"text": "x"}, "author": {"reference": f"{resource_type}?{criteria}"}}
    if resource_type in ("Practitioner", "Organization"):
        entry = {"resource": basic, "request": {"method": "POST", "url": "Basic"}}
        sent = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
        answered = await network.referrer("POST", "", sent, Prefer="return=representation")
        meant = answered.json()["entry"][0]["resource"]["author"]
        assert meant == {"reference": f"{resource_type}/{made.json()['id']}"}
    again = await create()
    assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])
    updated = await network.referrer("PUT", f"{resource_type}?{criteria}", content | {"language": "en"})
    assert (updated.status_code, updated.json()["id"]) == (200, made.json()["id"])
    assert (await network.referrer("DELETE", f"{resource_type}?{criteria}")).status_code == 204
    for each in theirs:
        assert await network.referrer.sees(each)
    given = await network.administrator.post(content)
    assert f"{resource_type}/{(await create()).json()['id']}" == given


async def test_what_is_meant_is_found_among_any_number_that_strangers_stored(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would hide it otherwise, by storing more than are looked through."""
    monkeypatch.setattr(conditional, "_MOST_OF_STRANGERS", 3)
    for value, maker, more in (
        ("own", network.referrer, ""),
        ("administrators", network.administrator, ""),
        ("its-own", network.clinic, "&organization=clinic"),
    ):
        content = role("PractitionerRole", f"FLOOD-{value}", "Organization/clinic")
        for _ in range(5):
            await network.other.post(content)
        meant = await maker.post(content)
        for _ in range(5):
            await network.other.post(content)
        entry = {
            "resource": {
                "resourceType": "Basic",
                "code": {"text": "x"},
                "author": {"reference": f"PractitionerRole?identifier={IDENTIFIER}|FLOOD-{value}{more}"},
            },
            "request": {"method": "POST", "url": "Basic"},
        }
        sent = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
        answered = await network.referrer("POST", "", sent, Prefer="return=representation")
        assert answered.json()["entry"][0]["resource"]["author"] == {"reference": meant}


async def sent_to(network: Network, subject: str, performer: str) -> httpx.Response:
    """A referral by a transaction, to whom criteria name."""
    entry = {"resource": referral(subject, performer), "request": {"method": "POST", "url": "ServiceRequest"}}
    return await network.referrer("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]})


PERFORMER = "Bundle.entry[0].resource.performer[0]"


def role(resource_type: str, value: str, stands_for: str) -> dict[str, Any]:
    element = {"PractitionerRole": "organization", "HealthcareService": "providedBy"}[resource_type]
    identifiers = [{"system": IDENTIFIER, "value": value}]
    return {"resourceType": resource_type, "identifier": identifiers, element: {"reference": stands_for}}


@pytest.mark.parametrize("resource_type", ["PractitionerRole", "HealthcareService"])
async def test_a_role_that_a_stranger_stored_names_no_party_by_criteria(network: Network, resource_type: str) -> None:
    """Whomever it stands for; and where the sender or an administrator stored one, no stranger's is in its way."""
    subject = await network.referrer.post(patient())
    criteria = f"{resource_type}?identifier={IDENTIFIER}|"
    for value, stands_for in (("FORGED", "Organization/clinic"), ("SQUATTED", "Organization/other")):
        await network.other.post(role(resource_type, value, stands_for))
        refused = await sent_to(network, subject, f"{criteria}{value}")
        assert_outcome(refused, 409, "identity-conflict", PERFORMER)
    for value, maker in {"sender": network.referrer, "administrator": network.administrator}.items():
        await maker.post(role(resource_type, value, "Organization/clinic"))
        for _ in range(3):
            await network.other.post(role(resource_type, value, "Organization/other"))
        answered = await sent_to(network, subject, f"{criteria}{value}")
        assert answered.status_code == 200, answered.text
        assert await network.clinic.sees(answered.json()["entry"][0]["response"]["location"].split("/_history")[0])
    assert not await network.other.sees(subject)


@pytest.mark.parametrize("named", ["Organization/clinic", "clinic", "http://testserver/fhir/Organization/clinic"])
async def test_the_own_role_of_an_organisation_is_named_by_criteria_that_name_the_organisation(
    network: Network, named: str
) -> None:
    """Its word is good for whom it stands for, and not for whose the identifier is."""
    subject = await network.referrer.post(patient())
    value = f"OWN-{named}"
    await network.clinic.post(role("PractitionerRole", value, "Organization/clinic"))
    await network.other.post(role("PractitionerRole", value, "Organization/clinic"))
    await network.other.post(role("PractitionerRole", value, "Organization/other"))
    criteria = f"PractitionerRole?identifier={IDENTIFIER}|{value}"
    assert_outcome(await sent_to(network, subject, criteria), 409, "identity-conflict", PERFORMER)
    answered = await sent_to(network, subject, f"{criteria}&organization={named}")
    assert answered.status_code == 200, answered.text
    assert await network.clinic.sees(subject)
    assert not await network.other.sees(subject)


async def test_an_organization_that_a_stranger_stored_names_no_party_by_criteria(network: Network) -> None:
    """A referral to it would reach nobody, or somebody else."""
    subject = await network.referrer.post(patient())
    identifiers = [{"system": IDENTIFIER, "value": "CLINIC"}]
    await network.other.post({"resourceType": "Organization", "identifier": identifiers, "name": "The clinic"})
    criteria = f"Organization?identifier={IDENTIFIER}|CLINIC"
    assert_outcome(await sent_to(network, subject, criteria), 409, "identity-conflict", PERFORMER)
    await network.administrator.post({"resourceType": "Organization", "identifier": identifiers, "name": "The clinic"})
    assert (await sent_to(network, subject, criteria)).status_code == 200


async def test_another_organisations_resource_is_not_changed(network: Network) -> None:
    """It is seen, so this is told."""
    subject = await network.referrer.post(patient())
    made = await network.referrer.post(referral(subject))
    for reference in (subject, made):
        assert_outcome(await network.clinic.put(reference, language="en"), 403, "forbidden")
        assert_outcome(await network.clinic("DELETE", reference), 403, "forbidden")
        patch = [{"op": "add", "path": "/language", "value": "en"}]
        headers = {"Content-Type": "application/json-patch+json"}
        assert_outcome(await network.clinic("PATCH", reference, patch, **headers), 403, "forbidden")
        assert (await network.referrer.put(reference, language="en")).status_code == 200


async def test_the_directory_is_seen_by_all_and_changed_by_its_makers(network: Network) -> None:
    made = await network.clinic.post({"resourceType": "Organization", "name": "A clinic"})
    for another in (network.referrer, network.other, network.administrator):
        assert await another.sees(made)
        assert_outcome(await another.put(made, name="Another"), 403, "forbidden")


async def test_an_id_is_not_chosen_by_who_must_not_learn_whether_it_is_free(network: Network) -> None:
    taken = await network.clinic.post(patient())
    for reference in (taken, "Patient/free"):
        content = patient() | {"id": reference.split("/")[1]}
        assert_outcome(await network.other("PUT", reference, content), 404, "not-found")
        bundle = {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [{"resource": content, "request": {"method": "PUT", "url": reference}}],
        }
        assert_outcome(await network.other("POST", "", bundle), 404, "not-found")
    by_criteria = await network.other("PUT", f"Patient?identifier={IDENTIFIER}|New", patient("New"))
    assert by_criteria.status_code == 201


async def test_an_administrator_breaks_the_glass_for_a_reason_that_is_on_record(network: Network) -> None:
    made = await network.clinic.post(patient())
    reason = "The patient asks for a copy of all records."
    opened = await network.administrator("GET", made, **{"X-Break-Glass": reason})
    assert opened.status_code == 200
    found = await network.administrator("GET", f"AuditEvent?entity={made}&_count=50")
    reasons = [each["resource"].get("purposeOfEvent") for each in found.json()["entry"]]
    expected = {
        "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
        "code": "BTG",
        "display": "break the glass",
    }
    assert [{"coding": [expected], "text": reason}] in reasons
    for unclear in ("", "because", "x" * 501):
        answered = await network.administrator("GET", made, **{"X-Break-Glass": unclear})
        assert_outcome(answered, 400, "header-invalid", "http.X-Break-Glass")
    for another in (network.clinic, network.other, network.referrer):
        answered = await another("GET", made, **{"X-Break-Glass": reason})
        assert_outcome(answered, 403, "forbidden", "http.X-Break-Glass")
