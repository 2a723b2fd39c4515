"""Each organisation sees its own: what it made, its referrals, and what hangs on them; nothing else is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    import httpx

    from tests.api.auth.conftest import Workers

IDENTIFIER = "urn:mrn"


@dataclass
class Organisation:
    """The service as the client of an organisation meets it."""

    http: httpx.AsyncClient
    headers: dict[str, str]

    async def __call__(self, method: str, target: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.http.request(method, target, json=body, headers=self.headers | headers)

    async def post(self, content: dict[str, Any]) -> str:
        """Create a resource; its reference."""
        made = await self("POST", content["resourceType"], content)
        assert made.status_code == 201, made.text
        return f"{content['resourceType']}/{made.json()['id']}"

    async def put(self, reference: str, **changes: Any) -> httpx.Response:
        """Update a resource by what it reads."""
        content = (await self("GET", reference)).json()
        return await self("PUT", reference, content | changes)

    async def sees(self, reference: str) -> bool:
        """Whether a resource can be read; where not, it is as if it were not there."""
        answered = await self("GET", reference)
        if answered.status_code == 200:
            return True
        assert_outcome(answered, 404, "not-found")
        return False

    async def found(self, search: str) -> set[str]:
        """The references of all that a search returns, matches and what goes with them."""
        answered = await self("GET", search)
        assert answered.status_code == 200, answered.text
        every = [each["resource"] for each in answered.json().get("entry", ())]
        return {f"{each['resourceType']}/{each['id']}" for each in every}


@dataclass
class Network:
    """A referrer, two clinics and an administrator."""

    referrer: Organisation
    clinic: Organisation
    other: Organisation
    administrator: Organisation


ROLES = {"referrer": "referrer", "clinic": "clinic", "other": "clinic", "administrator": "administrator"}


@pytest.fixture(scope="module")
async def network(workers: Workers) -> Network:
    found = {}
    for name, role in ROLES.items():
        organisation = None if role == "administrator" else f"Organization/{name}"
        await workers.register(name, role=role, organisation=organisation)
        found[name] = Organisation(workers.one, await workers.bearer(name))
    return Network(**found)


def patient(family: str = "Example") -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": IDENTIFIER, "value": family}],
        "name": [{"family": family}],
    }


def referral(subject: str, performer: str | None = "Organization/clinic", **more: Any) -> dict[str, Any]:
    content = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": {"text": "massage"},
        "subject": {"reference": subject},
        "requester": {"reference": "Organization/referrer"},
        **more,
    }
    return content | ({"performer": [{"reference": performer}]} if performer else {})


def observation(subject: str, **more: Any) -> dict[str, Any]:
    subjects = {"reference": subject}
    return {"resourceType": "Observation", "status": "final", "code": {"text": "pain"}, "subject": subjects, **more}


def condition(subject: str) -> dict[str, Any]:
    return {"resourceType": "Condition", "code": {"text": "back pain"}, "subject": {"reference": subject}}


def task(focus: str, owner: str | None = None, status: str = "requested") -> dict[str, Any]:
    content: dict[str, Any] = {
        "resourceType": "Task",
        "status": status,
        "intent": "order",
        "focus": {"reference": focus},
    }
    return content | ({"owner": {"reference": owner}} if owner else {})


async def test_what_an_organisation_makes_nobody_else_sees(network: Network) -> None:
    made = await network.clinic.post(patient())
    assert await network.clinic.sees(made)
    for another in (network.referrer, network.other, network.administrator):
        assert not await another.sees(made)
        assert not await another.sees(f"{made}/_history/1")
        assert not await another.sees(f"{made}/_history")
        assert await another.found(f"Patient?_id={made.split('/')[1]}") == set()
        assert made not in await another.found("Patient/_history")
        assert made not in await another.found("_history")
        assert made not in await another.found("?_lastUpdated=gt2000&_type=Patient,Organization")


async def test_what_is_not_seen_is_told_as_what_is_not_there(network: Network) -> None:
    """To the letter, but for the id of the request."""
    made = await network.clinic.post(patient())
    number = made.split("/")[1]
    for method, hidden, missing, body in (
        ("GET", made, "Patient/none", None),
        ("GET", f"{made}/_history/1", "Patient/none/_history/1", None),
        ("GET", f"{made}/_history", "Patient/none/_history", None),
        ("PUT", made, "Patient/none", patient()),
        ("PATCH", made, "Patient/none", [{"op": "test", "path": "/active", "value": True}]),
        ("DELETE", made, "Patient/none", None),
    ):
        headers = {"Content-Type": "application/json-patch+json"} if isinstance(body, list) else {}
        answers = []
        for target in (hidden, missing):
            logical_id = number if target == hidden else "none"
            sent = body | {"id": logical_id} if isinstance(body, dict) else body
            answered = await network.other(method, target, sent, **headers)
            told = answered.text.replace(number, "none")
            kept = {name: value for name, value in answered.headers.items() if name != "x-request-id"}
            answers.append((answered.status_code, told, kept))
        assert answers[0] == answers[1], (method, hidden)
    assert await network.clinic.sees(made)


async def test_a_referral_shows_its_performer_what_hangs_on_it_and_no_more(network: Network) -> None:
    ordered, unseen = network.referrer, network.other
    subject = await ordered.post(patient())
    reason, other_reason = await ordered.post(condition(subject)), await ordered.post(condition(subject))
    made = await ordered.post(referral(subject, reasonReference=[{"reference": reason}]))
    asked = await ordered.post(task(made, "Organization/clinic"))
    for reference in (subject, reason, made, asked):
        assert await network.clinic.sees(reference), reference
        assert not await unseen.sees(reference), reference
    assert not await network.clinic.sees(other_reason)
    plan = await network.clinic.post(
        {
            "resourceType": "CarePlan",
            "status": "active",
            "intent": "plan",
            "subject": {"reference": subject},
            "supportingInfo": [{"reference": made}],
        }
    )
    measured = await network.clinic.post(observation(subject, basedOn=[{"reference": plan}]))
    for reference in (plan, measured):
        assert await ordered.sees(reference), reference
        assert not await unseen.sees(reference), reference


async def test_all_of_it_may_come_in_one_transaction(network: Network) -> None:
    """In any order of the entries, links among them included."""
    entries = [
        ("urn:uuid:00000000-0000-4000-8000-000000000004", task("urn:uuid:00000000-0000-4000-8000-000000000003")),
        (
            "urn:uuid:00000000-0000-4000-8000-000000000003",
            referral(
                "urn:uuid:00000000-0000-4000-8000-000000000001",
                reasonReference=[{"reference": "urn:uuid:00000000-0000-4000-8000-000000000002"}],
            ),
        ),
        ("urn:uuid:00000000-0000-4000-8000-000000000002", condition("urn:uuid:00000000-0000-4000-8000-000000000001")),
        ("urn:uuid:00000000-0000-4000-8000-000000000001", patient()),
    ]
    body = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": url, "resource": content, "request": {"method": "POST", "url": content["resourceType"]}}
            for url, content in entries
        ],
    }
    answered = await network.referrer("POST", "", body)
    assert answered.status_code == 200, answered.text
    for each in answered.json()["entry"]:
        reference = each["response"]["location"].partition("/fhir/")[2].partition("/_history")[0]
        assert await network.clinic.sees(reference), reference
        assert not await network.other.sees(reference), reference


async def test_a_role_of_an_organisation_stands_for_it(network: Network) -> None:
    role = await network.clinic.post(
        {"resourceType": "PractitionerRole", "organization": {"reference": "Organization/clinic"}}
    )
    subject = await network.referrer.post(patient())
    made = await network.referrer.post(referral(subject, role))
    assert await network.clinic.sees(made)
    assert await network.clinic.sees(subject)
    assert not await network.other.sees(made)


async def test_an_open_referral_is_seen_by_every_clinic_until_one_claims_it(network: Network) -> None:
    subject = await network.referrer.post(patient())
    made = await network.referrer.post(referral(subject, None))
    asked = await network.referrer.post(task(made))
    for clinic in (network.clinic, network.other):
        assert await clinic.sees(made)
        assert await clinic.sees(subject)
        assert asked in await clinic.found("Task?owner:missing=true&status=requested")
    claimed = await network.other.put(asked, owner={"reference": "Organization/other"}, status="received")
    assert claimed.status_code == 200, claimed.text
    for reference in (made, asked, subject):
        assert await network.other.sees(reference), reference
        assert not await network.clinic.sees(reference), reference
    declined = await network.other.put(asked, status="rejected")
    assert declined.status_code == 200
    assert await network.clinic.sees(made)
    assert await network.other.sees(asked)


async def test_who_declined_sees_nothing_of_who_took_over(network: Network) -> None:
    """But the referral and its own Task, and what it wrote itself."""
    subject = await network.referrer.post(patient())
    made = await network.referrer.post(referral(subject, None))
    first = await network.referrer.post(task(made, "Organization/other"))
    assert await network.other.sees(subject)
    noted = await network.other.post(observation(subject, basedOn=[{"reference": made}]))
    assert (await network.other.put(first, status="rejected")).status_code == 200
    second = await network.referrer.post(task(made, "Organization/clinic"))
    measured = await network.clinic.post(observation(subject, basedOn=[{"reference": made}]))
    for reference in (made, first, noted):
        assert await network.other.sees(reference), reference
    for reference in (subject, second, measured):
        assert not await network.other.sees(reference), reference
        assert await network.clinic.sees(reference), reference


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
