"""Of several versions of a value set the only active one decides; otherwise the search is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.fhir.code_systems import LOINC
from tests.api.outcome import assert_outcome
from tests.builders.resources import concept, observation

if TYPE_CHECKING:
    import httpx

URL = "http://sets.example.org/versions"


async def version(client: httpx.AsyncClient, number: int, status: str) -> None:
    """Store version `number` of the value set, with the code ``c<number>`` alone."""
    content = {
        "resourceType": "ValueSet",
        "id": f"v{number}",
        "url": URL,
        "version": str(number),
        "status": status,
        "compose": {"include": [{"system": LOINC, "concept": [{"code": f"c{number}"}]}]},
    }
    assert (await client.put(f"ValueSet/v{number}", json=content)).status_code == 201


async def found(client: httpx.AsyncClient, statuses: str) -> httpx.Response:
    """What `:in` answers when the versions have these statuses, the oldest first."""
    for number, status in enumerate(statuses.split(), start=1):
        await version(client, number, status)
        content = observation("Patient/p", id=f"o{number}", code=concept(LOINC, f"c{number}"))
        assert (await client.put(f"Observation/o{number}", json=content)).status_code == 201
    return await client.get(f"Observation?code:in={URL}")


@pytest.mark.parametrize(
    "statuses", ["active retired retired active", "active active draft draft draft", "draft retired", "retired " * 4]
)
async def test_several_versions_are_refused_when_not_exactly_one_is_active(
    fresh_client: httpx.AsyncClient, statuses: str
) -> None:
    """Whichever are the newest."""
    issue = assert_outcome(await found(fresh_client, statuses), 400, "not-supported", "http.code")
    assert "several versions" in issue["diagnostics"]


@pytest.mark.parametrize(
    "statuses,expected", [("active draft draft draft", "o1"), ("draft active", "o2"), ("retired", "o1")]
)
async def test_the_only_active_version_decides_or_the_only_one(
    fresh_client: httpx.AsyncClient, statuses: str, expected: str
) -> None:
    """However many others are newer."""
    answered = (await found(fresh_client, statuses)).json()
    assert [entry["resource"]["id"] for entry in answered["entry"]] == [expected]
