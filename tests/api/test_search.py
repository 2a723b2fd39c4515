"""Searches over HTTP: joins, includes, orders, compartments, sets of codes, on one small clinic.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.api.outcome import assert_outcome
from tests.builders.resources import concept, observation, patient, reference, service_request

if TYPE_CHECKING:
    import httpx

    from tests.conftest import MakeClient

Json = dict[str, Any]

PAIN = "http://codes.example.org/pain"
BACK = "http://sets.example.org/back"

CLINIC: list[Json] = [
    {"resourceType": "Organization", "id": "practice", "name": "Practice Example", "identifier": [{"value": "P-1"}]},
    {"resourceType": "Organization", "id": "massage", "name": "Massage Example"},
    {"resourceType": "Practitioner", "id": "doctor", "name": [{"family": "Hausarzt"}]},
    {
        "resourceType": "PractitionerRole",
        "id": "role",
        "practitioner": reference("Practitioner/doctor"),
        "organization": reference("Organization/practice"),
    },
    patient(1, id="anna", name=[{"family": "Abend"}], managingOrganization=reference("Organization/practice")),
    patient(2, id="bert", name=[{"family": "Berg"}], birthDate="1970-01-01"),
    patient(3, id="carl", name=[{"family": "abel"}]),
    service_request("Patient/anna", "PractitionerRole/role", id="r1", number=1),
    service_request("Patient/bert", "Practitioner/doctor", id="r2", number=2),
    *(
        {
            "resourceType": "Task",
            "id": f"t{number}",
            "status": status,
            "intent": "order",
            "focus": reference(f"ServiceRequest/r{number}"),
            "for": reference(f"Patient/{subject}"),
            "owner": reference("Organization/massage"),
            "authoredOn": f"2026-01-0{number}",
        }
        for number, status, subject in ((1, "requested", "anna"), (2, "accepted", "bert"))
    ),
    *(
        observation(f"Patient/{subject}", id=f"o{number}", code=concept(PAIN, code), score=number)
        for number, (subject, code) in enumerate([("anna", "low-back"), ("anna", "neck"), ("bert", "back")], start=1)
    ),
    {
        "resourceType": "List",
        "id": "list",
        "status": "current",
        "mode": "working",
        "entry": [{"item": reference("Patient/bert")}, {"item": reference("Observation/o1")}],
    },
    {
        "resourceType": "CodeSystem",
        "id": "pain",
        "url": PAIN,
        "status": "active",
        "content": "complete",
        "concept": [
            {"code": "pain", "concept": [{"code": "back", "concept": [{"code": "low-back"}]}, {"code": "neck"}]}
        ],
    },
    {
        "resourceType": "ValueSet",
        "id": "back",
        "url": BACK,
        "status": "active",
        "compose": {"include": [{"system": PAIN, "filter": [{"property": "concept", "op": "is-a", "value": "back"}]}]},
    },
]


@pytest.fixture(scope="module")
async def clinic(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The service with the clinic in it."""
    for resource in CLINIC:
        response = await client.put(f"/{resource['resourceType']}/{resource['id']}", json=resource)
        assert response.status_code == 201, response.text
    return client


async def searched(clinic: httpx.AsyncClient, address: str) -> Json:
    """The Bundle of a search."""
    response = await clinic.get(address)
    assert response.status_code == 200, response.text
    found: Json = response.json()
    return found


def ids(bundle: Json, mode: str = "match") -> list[str]:
    """The logical ids of the matches, or of what was included, in their order."""
    return [entry["resource"]["id"] for entry in bundle.get("entry", ()) if entry["search"]["mode"] == mode]


def links(bundle: Json) -> dict[str, str]:
    """The links by relation."""
    return {link["relation"]: link["url"] for link in bundle["link"]}


@pytest.mark.parametrize(
    "address,expected",
    [
        ("Observation?patient.family=Abend", "o1 o2"),
        ("Observation?subject:Patient.family:exact=abend", ""),
        ("ServiceRequest?requester:PractitionerRole.organization.identifier=P-1", "r1"),
        ("ServiceRequest?requester.family=haus", "r2"),
        ("Task?focus:ServiceRequest.subject:Patient.organization.name=practice", "t1"),
        ("Patient?_has:Observation:patient:code=neck", "anna"),
        ("Patient?_has:Observation:patient:code=neck&_has:Observation:patient:code=low-back", "anna"),
        ("Patient?_has:Task:patient:owner.name=massage", "anna bert"),
        ("Practitioner?_has:PractitionerRole:practitioner:_has:ServiceRequest:requester:status=active", "doctor"),
        ("Task?patient._has:Observation:patient:code=back", "t2"),
        ("Patient?organization:missing=true", "bert carl"),
        ("Observation?patient.organization:missing=true", "o3"),
        ("Patient?_list=list", "bert"),
        ("Observation?_list=list", "o1"),
        ("?_list=list", "bert o1"),
        ("?_type=Patient,Task&_id=anna,t2", "anna t2"),
        ("Patient?_id:not=anna", "bert carl"),
        ("Patient/anna/Observation", "o1 o2"),
        ("Patient/anna/Observation?code=neck", "o2"),
        ("Patient/bert/*", "bert o3 r2"),
        ("Patient/bert/*?_type=Observation,ServiceRequest", "o3 r2"),
        (f"Observation?code:in={BACK}", "o1 o3"),
        ("Observation?code:in=ValueSet/back", "o1 o3"),
        (f"Observation?code:not-in={BACK}", "o2"),
        (f"Observation?code:below={PAIN}|back", "o1 o3"),
        (f"Observation?code:above={PAIN}|low-back", "o1 o3"),
        (f"Patient?_has:Observation:patient:code:in={BACK}", "anna bert"),
    ],
)
async def test_resources_are_found_through_others(clinic: httpx.AsyncClient, address: str, expected: str) -> None:
    assert sorted(ids(await searched(clinic, f"/{address}"))) == expected.split()


@pytest.mark.parametrize(
    "address,included",
    [
        ("Task?_include=Task:focus", "r1 r2"),
        ("Task?_id=t1&_include=Task:focus:ServiceRequest&_include=Task:owner", "massage r1"),
        ("Task?_id=t1&_include=*", "anna massage r1"),
        ("Task?_id=t1&_include=Task:focus&_include:iterate=ServiceRequest:requester", "r1 role"),
        ("Task?_id=t1&_include=Task:focus&_include:iterate=*", "anna doctor massage practice r1 role"),
        ("Patient?_id=anna&_revinclude=Observation:patient", "o1 o2"),
        ("Patient?_id=bert&_revinclude=Task:patient&_include:iterate=Task:owner", "massage t2"),
        ("Patient?_id=bert&_revinclude=List:*", "list"),
        ("Patient?_id=carl&_revinclude=*&_include=*", ""),
    ],
)
async def test_what_belongs_to_the_matches_comes_along(clinic: httpx.AsyncClient, address: str, included: str) -> None:
    assert sorted(ids(await searched(clinic, f"/{address}"), "include")) == included.split()


async def test_what_iterate_does_not_reach_is_told(client: httpx.AsyncClient) -> None:
    """Five steps by default; nothing is said where they lead to everything."""
    for number in range(7):
        part_of = {"partOf": {"reference": f"Organization/{number - 1}"}} if number else {}
        content = {"resourceType": "Organization", "id": str(number), "name": "A", **part_of}
        assert (await client.put(f"/Organization/{number}", json=content)).status_code == 201
    for first, left_out in ((5, False), (6, True)):
        bundle = await searched(client, f"/Organization?_id={first}&_include:iterate=Organization:partof")
        assert ids(bundle, "include") == [str(first - step) for step in range(1, 6)]
        told = [each["resource"]["issue"][0] for each in bundle["entry"] if each["search"]["mode"] == "outcome"]
        assert [(each["severity"], each["expression"]) for each in told] == [("warning", ["http._include"])] * left_out


@pytest.mark.parametrize(
    "address,expected",
    [
        ("Patient?_sort=family", "carl anna bert"),
        ("Patient?_sort=-family", "bert anna carl"),
        ("Patient?_sort=birthdate,-family", "bert anna carl"),
        ("Patient?_sort=_id", "anna bert carl"),
        ("Task?_sort=-authored-on", "t2 t1"),
        ("Observation?_sort=-value-quantity", "o3 o2 o1"),
        ("Observation?_sort=code,-_lastUpdated", "o3 o1 o2"),
    ],
)
async def test_matches_come_in_the_order_that_was_asked_for(
    clinic: httpx.AsyncClient, address: str, expected: str
) -> None:
    assert ids(await searched(clinic, f"/{address}")) == expected.split()


@pytest.mark.parametrize("sort", ["", "&_sort=family", "&_sort=-family", "&_sort=birthdate", "&_sort=organization"])
async def test_pages_lead_forth_and_back(clinic: httpx.AsyncClient, sort: str) -> None:
    """Each page by the links of its neighbours."""
    everything = ids(await searched(clinic, f"/Patient?_count=10{sort}"))
    first = await searched(clinic, f"/Patient?_count=1{sort}")
    assert "previous" not in links(first)
    second = await searched(clinic, links(first)["next"])
    third = await searched(clinic, links(second)["next"])
    assert "next" not in links(third)
    assert [*ids(first), *ids(second), *ids(third)] == everything
    back = await searched(clinic, links(third)["previous"])
    assert ids(back) == ids(second)
    assert ids(await searched(clinic, links(back)["previous"])) == ids(first)
    assert ids(await searched(clinic, links(third)["first"])) == ids(first)


async def test_sorted_by_a_reference_what_refers_to_the_same_stands_together(clinic: httpx.AsyncClient) -> None:
    """In an order that means nothing else."""
    found = ids(await searched(clinic, "/Observation?_sort=subject,date&code:missing=false"))
    assert sorted(found) == ["o1", "o2", "o3"]
    assert found.index("o3") != 1


async def test_a_plan_is_the_one_for_all_values(clinic: httpx.AsyncClient) -> None:
    """Which is the one that is used; the values are not in it."""
    reply = await clinic.get("/Patient?family=Zebrafinch&birthdate=1971-03-04&_explain=true")
    plan = reply.json()["parameter"][0]["valueString"]
    assert "index_string" in plan
    assert "zebrafinch" not in plan
    assert "1971" not in plan


async def test_a_cursor_goes_with_its_search_alone(clinic: httpx.AsyncClient) -> None:
    """Not with other criteria, another order, another type; nor when it was made up."""
    page = await searched(clinic, "/Patient?active=true&_sort=family&_count=1")
    cursor = dict(parse_qsl(urlsplit(links(page)["next"]).query))["_cursor"]
    others = ["Patient?active=true&_sort=-family", "Patient?active=false&_sort=family", "Task?status=requested"]
    for address in (*(f"/{each}&_cursor={cursor}" for each in others), "/Patient?_cursor=forged"):
        assert_outcome(await clinic.get(address), 400, "cursor-invalid", "http._cursor")


async def test_a_name_stays_out_of_the_position(clinic: httpx.AsyncClient) -> None:
    """The sort value of the last match is sealed."""
    page = await searched(clinic, "/Patient?_sort=family&_count=2")
    assert "abend" not in links(page)["next"].casefold()


async def test_lenient_searches_say_what_they_left_out(clinic: httpx.AsyncClient) -> None:
    """In an OperationOutcome, and in self by its absence."""
    lenient = {"Prefer": "handling=lenient"}
    response = await clinic.get("/Patient?family=Berg&organization.foo=1&_score=1", headers=lenient)
    bundle = response.json()
    assert ids(bundle) == ["bert"]
    (outcome,) = [entry["resource"] for entry in bundle["entry"] if entry["search"]["mode"] == "outcome"]
    assert [issue["expression"] for issue in outcome["issue"]] == [["http.organization.foo"], ["http._score"]]
    assert urlsplit(links(bundle)["self"]).query == "family=Berg"


@pytest.mark.parametrize(
    "address,code,expression",
    [
        ("Observation?code:in=http://sets.example.org/unknown", "not-supported", "http.code"),
        (f"Observation?code:below={PAIN}|unknown", "not-supported", "http.code"),
        ("Task?status=requestd", "parameter-value", "http.status"),
        ("Task?status:not=requestd", "parameter-value", "http.status"),
        ("Patient?_has:Task:patient:status=requestd", "parameter-value", "http._has:Task:patient:status"),
        ("Task?_include=Task:nonsense", "parameter-value", "http._include"),
        ("Task?_include:recurse=Task:part-of", "modifier-unsupported", "http._include"),
        ("Observation?_sort=code-value-quantity", "parameter-value", "http._sort"),
        (
            f"Task?{'part-of.' * 50}status=requested",
            "too-costly",
            "http.part-of.part-of.part-of.part-of.part-of.part-of.part-of.part-of",
        ),
    ],
)
async def test_what_cannot_be_answered_is_refused(
    clinic: httpx.AsyncClient, address: str, code: str, expression: str
) -> None:
    assert_outcome(await clinic.get(f"/{address}"), 400, code, expression)


@pytest.mark.parametrize("address", ["Patient/anna/Task", "Patient/anna/Organization", "Organization/massage/Task"])
async def test_an_address_outside_of_the_compartments_is_not_found(clinic: httpx.AsyncClient, address: str) -> None:
    assert_outcome(await clinic.get(f"/{address}"), 404, "not-found")


async def test_dates_without_a_zone_are_those_of_the_service(make_client: MakeClient) -> None:
    """Stored and searched alike."""
    async with make_client(time_zone="Europe/Berlin") as client:
        await client.put("/Patient/p", json={"resourceType": "Patient", "id": "p", "birthDate": "1970-02-03"})
        for value, total in (("1970-02-03", 1), ("1970-02-03T00:00:00%2B01:00", 0), ("1970-02-02", 0)):
            assert (await client.get(f"/Patient?birthdate={value}")).json()["total"] == total
        found = await client.get("/Patient", params={"birthdate": "lt1970-02-03T00:30:00+01:00"})
        assert found.json()["total"] == 1, "its day begins at midnight in Berlin"
