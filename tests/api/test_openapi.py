"""What the OpenAPI document says, the running service does: every operation, with its example, of every type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from service.fhir import codec
from service.fhir.outcome import CANONICAL
from service.rest.openapi import build
from service.rest.openapi.examples import example_files, example_of
from tests.builders import loop

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from service.assembly import Standard
    from tests.conftest import MakeClient

Json = dict[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")
FHIR_JSON = {"Content-Type": "application/fhir+json"}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
RELABELLED = b'[{"op": "add", "path": "/language", "value": "en"}]'
"""A change that every type can undergo."""

BESIDE = ("health", "auth", ".well-known")
"""What is no interaction of FHIR: health, and access control, which an open service does not have."""

STORED, SECOND = "example", "second"

SENT: dict[tuple[str, str], Json] = {
    ("put", "/{id}"): {"headers": FHIR_JSON},
    ("get", ""): {"params": {"_id": STORED}},
    ("get", "/{id}"): {},
    ("get", "/{id}/_history"): {"params": {"_count": "1"}},
    ("get", "/{id}/_history/{vid}"): {},
    ("get", "/_history"): {"params": {"_since": "2026-01-01T00:00:00Z"}},
    ("get", "/{id}/$validate"): {},
    ("post", ""): {"headers": FHIR_JSON},
    ("post", "/_search"): {"headers": FORM, "content": f"_id={STORED}&_count=1"},
    ("post", "/$validate"): {"headers": FHIR_JSON, "params": {"mode": "create"}},
    ("post", "/{id}/$validate"): {"headers": FHIR_JSON},
    ("patch", "/{id}"): {"headers": JSON_PATCH, "content": RELABELLED},
    ("patch", ""): {"headers": JSON_PATCH, "content": RELABELLED, "params": {"_id": STORED}},
    ("put", ""): {"headers": FHIR_JSON, "params": {"_id": SECOND}},
    ("delete", ""): {"params": {"_id": SECOND}},
    ("delete", "/{id}"): {},
}
"""Method and path below the type → what makes it succeed, in an order in which all of them do."""


COMPARTMENT: dict[tuple[str, str], Json] = {
    ("get", "/{id}/{member}"): {"params": {"_count": "1"}},
    ("post", "/{id}/{member}/_search"): {"headers": FORM, "content": "_count=1"},
}
"""Method and path below the types that have a compartment."""


EVERYTHING: dict[tuple[str, str], Json] = {
    ("get", "/{id}/$everything"): {"params": {"_count": "1"}},
    ("post", "/{id}/$everything"): {"example": "everything"},
}
PLAN_OPERATIONS: dict[str, dict[tuple[str, str], str]] = {
    "PlanDefinition": {
        (method, f"{below}/$apply"): "" if below else "&planDefinition=PlanDefinition/low-back-pain-6x"
        for method in ("get", "post")
        for below in ("", "/{id}")
    },
}
"""Type → method and path below it of the operations on protocols → what names the protocol in the URL."""

DOCUMENTS: dict[str, tuple[str, ...]] = {"CarePlan": ("progress-report",), "ServiceRequest": ("necessity-packet",)}
"""Type → the operations on an instance that answer with documents."""
FORM_OPERATIONS: dict[str, dict[tuple[str, str], Json]] = {
    "Questionnaire": {
        ("get", "/$populate"): {"params": {"questionnaire": f"{CANONICAL}/Questionnaire/nprs"}},
        ("post", "/$populate"): {"example": "populate"},
        ("get", "/{id}/$populate"): {"params": {"subject": "Patient/example"}},
        ("post", "/{id}/$populate"): {"example": "populate"},
    },
    "QuestionnaireResponse": {
        ("post", "/$extract"): {"example": "extract"},
        ("get", "/{id}/$extract"): {},
        ("post", "/{id}/$extract"): {},
    },
}
"""Type → method and path below it of the operations on questionnaires → what makes them succeed."""

SESSIONS: dict[str, set[tuple[str, str]]] = {"CarePlan": {("post", "/{id}/$record-session")}}
"""Type → method and path below it of the operations that record a session."""

CODES = "http://codes.example.org/described"
RECORD_OPERATIONS: dict[str, dict[tuple[str, str], Json]] = {
    "Patient": {**EVERYTHING, ("post", "/$match"): {"example": "match"}},
    "Observation": {
        ("get", "/$lastn"): {"params": {"patient": "example", "category": "survey", "max": "2"}},
        ("post", "/$lastn"): {"example": "lastn"},
        ("get", "/$stats"): {
            "params": {"subject": "Patient/example", "code": "a", "system": CODES, "statistic": "count"}
        },
        ("post", "/$stats"): {"example": "stats"},
    },
    "Organization": {
        ("get", "/{id}/$outcome-measures"): {"params": {"periodStart": "2026-01", "periodEnd": "2026-06"}},
        ("post", "/{id}/$outcome-measures"): {"example": "outcome-measures"},
    },
    "ServiceRequest": {
        **EVERYTHING,
        ("get", "/{id}/$outcome-summary"): {"params": {"asOf": "2026-03-01"}},
        ("post", "/{id}/$outcome-summary"): {"example": "outcome-summary"},
        ("get", "/{id}/$visits"): {},
        ("post", "/{id}/$visits"): {"example": "visits"},
    },
}
"""Type → method and path below it of the operations on records → what makes them succeed."""

IN_SYSTEM: Json = {"url": CODES, "code": "a"}
IN_SET: Json = {"system": CODES, "code": "a"}
CODE_OPERATIONS: dict[str, dict[str, Json]] = {
    "CodeSystem": {
        "/$lookup": {"system": CODES, "code": "a"},
        "/$validate-code": IN_SYSTEM,
        "/{id}/$validate-code": {"code": "a"},
        "/$subsumes": {"system": CODES, "codeA": "a", "codeB": "a"},
        "/{id}/$subsumes": {"codeA": "a", "codeB": "a"},
    },
    "ValueSet": {
        "/$expand": {"url": CODES, "count": "1"},
        "/{id}/$expand": {"filter": "a"},
        "/$validate-code": IN_SET | {"url": CODES},
        "/{id}/$validate-code": IN_SET,
    },
    "ConceptMap": {
        "/$translate": IN_SET | {"url": CODES},
        "/{id}/$translate": IN_SET,
    },
}
"""Type → path below it → parameters with which an operation on codes succeeds."""

CODE_RESOURCES: dict[str, Json] = {
    "CodeSystem": {"url": CODES, "content": "complete", "concept": [{"code": "a"}]},
    "ValueSet": {"url": CODES, "compose": {"include": [{"system": CODES}]}},
    "ConceptMap": {
        "url": CODES,
        "group": [{"source": CODES, "element": [{"code": "a", "target": [{"code": "b", "equivalence": "equal"}]}]}],
    },
}


def documents(name: str) -> set[tuple[str, str]]:
    """Method and path below a type of its operations that answer with documents."""
    return {(method, f"/{{id}}/${each}") for each in DOCUMENTS.get(name, ()) for method in ("get", "post")}


@pytest.fixture(scope="module")
def document(standard: Standard) -> Json:
    return build(standard.definitions, standard.registry, version="1")


@pytest.fixture(scope="module")
def resource(document: Json) -> jsonschema_rs.Draft202012Validator:
    """The schema of any resource."""
    whole = {"$ref": "#/components/schemas/Resource", "components": {"schemas": document["components"]["schemas"]}}
    return jsonschema_rs.Draft202012Validator(whole)


def described(document: Json, prefix: str) -> Iterator[tuple[str, str]]:
    """Method and path of every operation at or below a path."""
    for path, item in document["paths"].items():
        if path == prefix or path.startswith(f"{prefix}/"):
            yield from ((method, path) for method in METHODS if method in item)


def answer_of(document: Json, operation: Json, status: int) -> Json:
    """The described answer, resolved; the test fails where the status is not described."""
    assert str(status) in operation["responses"], f"{operation['operationId']} answered {status}"
    described: Json = operation["responses"][str(status)]
    name = described.get("$ref", "").rpartition("/")[2]
    return document["components"]["responses"][name] if name else described


async def test_every_operation_of_every_type_succeeds_as_described(
    client: httpx.AsyncClient, document: Json, resource: jsonschema_rs.Draft202012Validator, standard: Standard
) -> None:
    """With its example body; the status, the headers and the body are as the document says."""
    for name in standard.definitions.resource_types:
        operations = {(method, path.removeprefix(f"/{name}")) for method, path in described(document, f"/{name}")}
        of_codes = {(method, below) for below in CODE_OPERATIONS.get(name, ()) for method in ("get", "post")}
        of_forms = FORM_OPERATIONS.get(name, ())
        of_plans = {*PLAN_OPERATIONS.get(name, ()), *documents(name), *SESSIONS.get(name, ())}
        of_compartments = COMPARTMENT if name in standard.definitions.compartments else ()
        assert operations == {
            *SENT,
            *of_codes,
            *RECORD_OPERATIONS.get(name, ()),
            *of_plans,
            *of_forms,
            *of_compartments,
        }
        for (method, below), sent in SENT.items():
            operation = document["paths"][f"/{name}{below}"][method]
            path = f"/{name}{below}".replace("{id}", STORED).replace("{vid}", "1")
            content: Json = (
                {"content": body(name, standard, STORED if below else SECOND)} if takes_resource(sent) else {}
            )
            response = await client.request(method, path, **sent, **content)
            assert response.is_success, f"{operation['operationId']}: {response.status_code} {response.text}"
            answer = answer_of(document, operation, response.status_code)
            assert {header.lower() for header in answer.get("headers", ())} - {"etag"} <= response.headers.keys()
            assert bool(response.content) is ("content" in answer), operation["operationId"]
            if response.content:
                assert response.headers["content-type"].partition(";")[0] in answer["content"]
                assert resource.is_valid(response.json()), operation["operationId"]


async def test_every_operation_on_codes_succeeds_as_described(
    client: httpx.AsyncClient, document: Json, resource: jsonschema_rs.Draft202012Validator
) -> None:
    """With what is described for the URL, and with the same in Parameters."""
    for name, content in CODE_RESOURCES.items():
        stored = {"resourceType": name, "id": "codes", "status": "active", **content}
        assert (await client.put(f"{name}/codes", json=stored)).is_success
    for name, below, sent in ((name, *each) for name, listed in CODE_OPERATIONS.items() for each in listed.items()):
        item = document["paths"][f"/{name}{below}"]
        assert sent.keys() <= {each.get("name") for each in item["get"]["parameters"]}
        typed = [
            {"name": key} | ({"valueInteger": int(value)} if key == "count" else {"valueString": value})
            for key, value in sent.items()
        ]
        path = f"{name}{below}".replace("{id}", "codes")
        for response in (
            await client.get(path, params=sent),
            await client.post(path, json={"resourceType": "Parameters", "parameter": typed}),
        ):
            assert response.status_code == 200, response.text
            assert resource.is_valid(response.json())


async def test_every_operation_on_patients_and_referrals_succeeds_as_described(
    make_client: MakeClient, document: Json, resource: jsonschema_rs.Draft202012Validator
) -> None:
    """Where it is kept what belongs to a referral."""
    examples = document["components"]["examples"]
    async with make_client(referral_rules="on") as client:
        for name, listed in RECORD_OPERATIONS.items():
            content = examples[name]["value"] | {"id": "described"}
            # what is proposed is no referral yet
            content |= {"intent": "proposal"} if name == "ServiceRequest" else {}
            stored = await client.put(f"{name}/described", json=content)
            assert stored.is_success, stored.text
            for (method, below), sent in listed.items():
                operation = document["paths"][f"/{name}{below}"][method]
                path = f"{name}{below}".replace("{id}", "described")
                request: Json = {"json": examples[sent["example"]]["value"]} if "example" in sent else sent
                response = await client.request(method, path, **request)
                assert response.status_code == 200, response.text
                assert "content" in answer_of(document, operation, response.status_code)
                assert resource.is_valid(response.json()), operation["operationId"]


async def test_every_operation_on_protocols_succeeds_as_described(
    make_client: MakeClient, document: Json, resource: jsonschema_rs.Draft202012Validator
) -> None:
    """For the only referral of a patient."""
    examples = document["components"]["examples"]
    async with make_client() as client:
        subject = {"subject": {"reference": "Patient/example"}}
        for name, more in (("Patient", {}), ("ServiceRequest", subject)):
            content = examples[name]["value"] | {"id": "example"} | more
            # the example's time is over
            content.pop("occurrenceTiming", None)
            stored = await client.put(f"{name}/example", json=content)
            assert stored.is_success, stored.text
        for name, listed in PLAN_OPERATIONS.items():
            for (method, below), named in listed.items():
                operation = document["paths"][f"/{name}{below}"][method]
                query = f"?{named}" if method == "post" else f"?subject=Patient/example{named}"
                body: Json = {"json": examples["apply"]["value"]} if method == "post" else {}
                path = f"{name}{below}{query}".replace("{id}", "low-back-pain-6x")
                response = await client.request(method, path, **body)
                assert response.status_code == 200, response.text
                assert "content" in answer_of(document, operation, response.status_code)
                assert resource.is_valid(response.json()), operation["operationId"]


async def test_every_operation_that_makes_documents_succeeds_as_described(
    make_client: MakeClient, document: Json, resource: jsonschema_rs.Draft202012Validator
) -> None:
    """For the example's referral and the draft of a plan."""
    examples = document["components"]["examples"]
    async with make_client(referral_rules="on") as client:
        sent = await client.post("", json=examples["referral"]["value"])
        assert sent.is_success, sent.text
        made = [each["response"]["location"].partition("/fhir/")[2] for each in sent.json()["entry"]]
        referral = next(each.partition("/_history")[0] for each in made if each.startswith("ServiceRequest/"))
        order = (await client.get(referral)).json()
        plan = {"resourceType": "CarePlan", "status": "draft", "intent": "plan", "subject": order["subject"]}
        drafted = await client.post("CarePlan", json=plan | {"supportingInfo": [{"reference": referral}]})
        assert drafted.is_success, drafted.text
        for name, logical_id in (("CarePlan", drafted.json()["id"]), ("ServiceRequest", order["id"])):
            for method, below in documents(name):
                example = examples[DOCUMENTS[name][0]]["value"]
                path = f"{name}{below}".replace("{id}", logical_id)
                response = await client.request(method, path, **({"json": example} if method == "post" else {}))
                assert response.status_code == 200, response.text
                assert "content" in answer_of(document, document["paths"][f"/{name}{below}"][method], 200)
                assert resource.is_valid(response.json())


async def test_every_operation_on_questionnaires_succeeds_as_described(
    make_client: MakeClient, document: Json, resource: jsonschema_rs.Draft202012Validator
) -> None:
    """Of a form that comes with the service, and of a response that is stored."""
    examples = document["components"]["examples"]
    (answers,) = examples["extract"]["value"]["parameter"]
    patient = {"resourceType": "Patient", "id": "example"}
    async with make_client() as client:
        for content in (patient, answers["resource"] | {"id": "example"}):
            stored = await client.put(f"{content['resourceType']}/{content['id']}", json=content)
            assert stored.is_success, stored.text
        for name, listed in FORM_OPERATIONS.items():
            for (method, below), sent in listed.items():
                operation = document["paths"][f"/{name}{below}"][method]
                body: Json = {"json": examples[sent["example"]]["value"]} if "example" in sent else {}
                path = f"{name}{below}".replace("{id}", "nprs" if name == "Questionnaire" else "example")
                response = await client.request(method, path, params=sent.get("params"), **body)
                assert response.status_code == 200, response.text
                assert "content" in answer_of(document, operation, response.status_code)
                assert resource.is_valid(response.json()), operation["operationId"]


async def test_a_session_is_recorded_as_described(
    make_client: MakeClient, document: Json, resource: jsonschema_rs.Draft202012Validator
) -> None:
    """For a referral in progress; the example says what a clinic would send, here an hour ago."""
    async with make_client(referral_rules="on") as client:
        story = await begun(client)
        path = "/CarePlan/{id}/$record-session"
        example = document["components"]["examples"]["record-session"]["value"]
        own: dict[str, Json] = {
            "performer": {"valueReference": {"reference": story["Practitioner"]}},
            "start": {"valueDateTime": (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="seconds")},
        }
        parameter = [
            {"name": each["name"], **own[each["name"]]} if each["name"] in own else each
            for each in example["parameter"]
        ]
        parameter.append({"name": "questionnaireResponse", "resource": story["check"]})
        sent = example | {"parameter": parameter}
        response = await client.post(path[1:].replace("CarePlan/{id}", story["CarePlan"]), json=sent)
        assert response.status_code == 200, response.text
        assert "content" in answer_of(document, document["paths"][path]["post"], 200)
        assert resource.is_valid(response.json())
        names = {each["name"] for each in response.json()["parameter"]}
        described = document["components"]["examples"]["recorded-session"]["value"]["parameter"]
        assert {each["name"] for each in described} <= names


async def begun(client: httpx.AsyncClient) -> Json:
    """A referral that is accepted, a plan with a goal, a therapist, and answers to the check: references by type."""
    made: Json = {}

    async def create(content: Json) -> Json:
        answered = await client.post(content["resourceType"], json=content)
        assert answered.is_success, answered.text
        made[content["resourceType"]] = f"{content['resourceType']}/{answered.json()['id']}"
        stored: Json = answered.json()
        return stored

    patient = await create({"resourceType": "Patient"})
    subject = {"reference": f"Patient/{patient['id']}"}
    drop = ("id", "authoredOn")
    order = {key: value for key, value in loop.referral(subject=subject).items() if key not in drop}
    order |= {"requester": {"reference": "Organization/a"}, "performer": [{"reference": "Organization/b"}]}
    await create(order | {"authoredOn": (datetime.now(UTC) - timedelta(days=2)).isoformat()})
    (found,) = (await client.get(f"Task?focus={made['ServiceRequest']}")).json()["entry"]
    task = found["resource"] | {"status": "accepted"}
    tag = {"If-Match": f'W/"{task["meta"]["versionId"]}"'}
    accepted = await client.put(f"Task/{task['id']}", json=task, headers=tag)
    assert accepted.is_success, accepted.text
    anchor = [{"reference": made["ServiceRequest"]}]
    await create({**loop.goal(subject=subject), "addresses": anchor})
    goal = [{"reference": made["Goal"]}]
    await create(loop.plan(subject=subject, supportingInfo=anchor, goal=goal))
    await create({"resourceType": "Practitioner", "qualification": [{"code": {"text": "Licence"}}]})
    answers = loop.check(subject=subject)
    return made | {"check": {key: value for key, value in answers.items() if key != "encounter"}}


async def test_every_search_of_a_compartment_succeeds_as_described(
    client: httpx.AsyncClient, document: Json, resource: jsonschema_rs.Draft202012Validator, standard: Standard
) -> None:
    """Of each of the member types, and of all of them."""
    for name in standard.definitions.compartments:
        for (method, below), sent in COMPARTMENT.items():
            item = document["paths"][f"/{name}{below}"]
            (member,) = [each for each in item["parameters"] if each.get("name") == "member"]
            for each in member["schema"]["enum"]:
                path = f"/{name}{below}".replace("{id}", STORED).replace("{member}", each)
                response = await client.request(method, path, **sent)
                assert response.status_code == 200, response.text
                assert resource.is_valid(response.json())


def takes_resource(sent: Json) -> bool:
    """Whether a resource goes with the request."""
    return sent.get("headers") == FHIR_JSON


def body(name: str, standard: Standard, logical_id: str) -> bytes:
    """The example of a type under a logical id."""
    content = example_of(name, standard.definitions) | {"id": logical_id}
    # no two active ones of the same code
    return codec.encode(content | {"status": "draft"} if name == "SearchParameter" else content)


async def test_every_operation_of_the_system_succeeds_as_described(
    client: httpx.AsyncClient, document: Json, resource: jsonschema_rs.Draft202012Validator, standard: Standard
) -> None:
    sent: dict[tuple[str, str], Json] = {
        ("post", "/"): {"headers": FHIR_JSON, "content": example_files()["referral"]},
        ("get", "/"): {"params": {"_type": "Patient,Task", "_lastUpdated": "ge2026-01-01", "_count": "2"}},
        ("post", "/_search"): {"headers": FORM, "content": "_type=Patient"},
        ("get", "/_history"): {"params": {"_count": "2"}},
        ("get", "/metadata"): {"params": {"mode": "full"}},
        ("get", "/worklist"): {},
        ("get", "/$reindex"): {},
        ("post", "/$reindex"): {"headers": FHIR_JSON, "content": codec.encode({"resourceType": "Parameters"})},
    }
    types = standard.definitions.resource_types
    outside = {
        (method, path) for method, path in described(document, "") if path.split("/")[1] not in (*types, *BESIDE)
    }
    assert outside | {("post", "/"), ("get", "/")} == set(sent)
    for (method, path), request in sent.items():
        operation = document["paths"][path][method]
        response = await client.request(method, path, **request)
        assert response.is_success, f"{operation['operationId']}: {response.status_code} {response.text}"
        answer = answer_of(document, operation, response.status_code)
        assert {header.lower() for header in answer["headers"]} <= response.headers.keys()
        told = response.headers["content-type"].partition(";")[0]
        assert told in answer["content"]
        assert told == "text/html" or resource.is_valid(response.json()), operation["operationId"]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_health_is_described_where_it_is(client: httpx.AsyncClient, document: Json, path: str) -> None:
    """Beside the FHIR base, not below it."""
    item = document["paths"][path]
    response = await client.request("GET", f"http://testserver{path}")
    schema = item["get"]["responses"][str(response.status_code)]["content"]["application/json"]["schema"]
    assert item["servers"][0]["url"] == "/"
    assert jsonschema_rs.is_valid(schema, response.json())


@pytest.mark.parametrize("name", ["Patient", "ServiceRequest", "Observation", "Task"])
async def test_every_advertised_parameter_is_answered(
    client: httpx.AsyncClient, document: Json, standard: Standard, name: str
) -> None:
    """With the example of its schema, whatever it matches."""
    components = document["components"]
    for reference in document["paths"][f"/{name}"]["get"]["parameters"]:
        parameter = components["parameters"][reference["$ref"].rpartition("/")[2]]
        if parameter["in"] == "query" and parameter["name"] in standard.registry.parameters(name):
            items = parameter["schema"]["items"]
            examples = items.get("examples") or components["schemas"][items["$ref"].rpartition("/")[2]]["examples"]
            value = examples[0]
            response = await client.get(f"/{name}", params={parameter["name"]: value})
            assert response.status_code == 200, f"{parameter['name']}: {response.text}"
