"""$validate on a type and on an instance. https://hl7.org/fhir/R4/resource-operation-validate.html"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.api.outcome import assert_outcome
from tests.builders.resources import patient

if TYPE_CHECKING:
    import httpx


def parameters(*pairs: tuple[str, Any]) -> dict[str, Any]:
    """Parameters with a resource or a code each."""
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": name, "resource" if isinstance(value, dict) else "valueCode": value} for name, value in pairs
        ],
    }


@pytest.mark.parametrize(
    "query, pairs",
    [
        ("", [("resource", patient(1)), ("resource", patient(2))]),
        ("", [("resource", patient(1)), ("mode", "create"), ("mode", "update")]),
        ("?mode=create", [("resource", patient(1)), ("mode", "update")]),
        ("?mode=create&mode=update", [("resource", patient(1))]),
    ],
)
async def test_a_parameter_that_is_given_twice_is_refused(
    client: httpx.AsyncClient, query: str, pairs: list[tuple[str, Any]]
) -> None:
    """The service does not choose which one was meant."""
    response = await client.post(f"/Patient/$validate{query}", json=parameters(*pairs))
    assert_outcome(response, 400, "parameter-value")


@pytest.mark.parametrize("query", ["", "?mode=profile", "?mode=delete"])
async def test_a_deleted_instance_is_gone_as_it_is_for_a_read(client: httpx.AsyncClient, query: str) -> None:
    await client.put("/Patient/v-gone", json=patient(1, id="v-gone"))
    await client.delete("/Patient/v-gone")
    assert_outcome(await client.get(f"/Patient/v-gone/$validate{query}"), 410, "deleted")
    assert_outcome(await client.get(f"/Patient/v-never/$validate{query}"), 404, "not-found")


@pytest.mark.parametrize("query", ["", "?mode=create", "?mode=update", "?mode=profile"])
@pytest.mark.parametrize("sent, codes", [("v-1", set()), ("v-2", {"id-mismatch"})])
async def test_an_instance_is_validated_under_its_own_id(
    client: httpx.AsyncClient, query: str, sent: str, codes: set[str]
) -> None:
    """In every mode that has content, the id of the body is held against that of the URL."""
    response = await client.post(f"/Patient/v-1/$validate{query}", json=patient(1, id=sent))
    assert response.status_code == 200, response.text
    errors = [issue for issue in response.json()["issue"] if issue["severity"] == "error"]
    assert {issue["details"]["coding"][0]["code"] for issue in errors} == codes
