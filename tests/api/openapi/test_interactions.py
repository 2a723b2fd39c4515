"""What the OpenAPI document says, the running service does: interactions of every type, and of the system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from service.fhir import codec
from service.rest.openapi.examples import example_files, example_of
from tests.api.openapi.requests import COMPARTMENT, FHIR_JSON, FORM, SECOND, SENT, STORED, operations_of

if TYPE_CHECKING:
    import httpx

    from service.assembly import Standard
    from tests.api.openapi.described import Described

Json = dict[str, Any]

BESIDE = ("health", "auth", ".well-known")
"""What is no interaction of FHIR: health, and access control, which an open service does not have."""


async def test_every_operation_of_every_type_succeeds_as_described(
    client: httpx.AsyncClient, described: Described, standard: Standard
) -> None:
    """With its example body."""
    for name in standard.definitions.resource_types:
        of_compartments = COMPARTMENT if name in standard.definitions.compartments else ()
        operations = {(method, path.removeprefix(f"/{name}")) for method, path in described.operations(f"/{name}")}
        assert operations == {*operations_of(name), *of_compartments}
        for (method, below), sent in SENT.items():
            path = f"/{name}{below}".replace("{id}", STORED).replace("{vid}", "1")
            content: Json = (
                {"content": body(name, standard, STORED if below else SECOND)} if takes_resource(sent) else {}
            )
            response = await client.request(method, path, **sent, **content)
            described.assert_success(response, method, f"/{name}{below}")


async def test_every_search_of_a_compartment_succeeds_as_described(
    client: httpx.AsyncClient, described: Described, standard: Standard
) -> None:
    """Of each of the member types, and of all of them."""
    for name in standard.definitions.compartments:
        for (method, below), sent in COMPARTMENT.items():
            item = described.document["paths"][f"/{name}{below}"]
            (member,) = [each for each in item["parameters"] if each.get("name") == "member"]
            for each in member["schema"]["enum"]:
                path = f"/{name}{below}".replace("{id}", STORED).replace("{member}", each)
                response = await client.request(method, path, **sent)
                described.assert_success(response, method, f"/{name}{below}")


def takes_resource(sent: Json) -> bool:
    """Whether a resource goes with the request."""
    return sent.get("headers") == FHIR_JSON


def body(name: str, standard: Standard, logical_id: str) -> bytes:
    """The example of a type under a logical id."""
    content = example_of(name, standard.definitions) | {"id": logical_id}
    # no two active ones of the same code
    return codec.encode(content | {"status": "draft"} if name == "SearchParameter" else content)


async def test_every_operation_of_the_system_succeeds_as_described(
    client: httpx.AsyncClient, described: Described, standard: Standard
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
        (method, path) for method, path in described.operations("") if path.split("/")[1] not in (*types, *BESIDE)
    }
    assert outside | {("post", "/"), ("get", "/")} == set(sent)
    for (method, path), request in sent.items():
        described.assert_success(await client.request(method, path, **request), method, path)


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_health_is_described_where_it_is(client: httpx.AsyncClient, described: Described, path: str) -> None:
    """Beside the FHIR base, not below it."""
    item = described.document["paths"][path]
    response = await client.request("GET", f"http://testserver{path}")
    schema = item["get"]["responses"][str(response.status_code)]["content"]["application/json"]["schema"]
    assert item["servers"][0]["url"] == "/"
    assert jsonschema_rs.is_valid(schema, response.json())


@pytest.mark.parametrize("name", ["Patient", "ServiceRequest", "Observation", "Task"])
async def test_every_advertised_parameter_is_answered(
    client: httpx.AsyncClient, described: Described, standard: Standard, name: str
) -> None:
    """With the example of its schema, whatever it matches."""
    components = described.document["components"]
    for reference in described.document["paths"][f"/{name}"]["get"]["parameters"]:
        parameter = components["parameters"][reference["$ref"].rpartition("/")[2]]
        if parameter["in"] == "query" and parameter["name"] in standard.registry.parameters(name):
            items = parameter["schema"]["items"]
            examples = items.get("examples") or components["schemas"][items["$ref"].rpartition("/")[2]]["examples"]
            value = examples[0]
            response = await client.get(f"/{name}", params={parameter["name"]: value})
            assert response.status_code == 200, f"{parameter['name']}: {response.text}"
