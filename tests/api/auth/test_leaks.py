"""What answers must not tell of resources that their reader does not see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    from tests.api.auth.conftest import Workers


@pytest.fixture(scope="module")
def auth_settings() -> dict[str, Any]:
    """References have to lead somewhere."""
    return {"referential_integrity": True}


async def test_who_may_not_delete_is_not_told_what_of_others_is_in_the_way(workers: Workers) -> None:
    owner, another = [
        (await workers.register(name, organisation=f"Organization/{name}"), await workers.bearer(name))[1]
        for name in ("owner", "another")
    ]
    named = await workers.one.post("Organization", json={"resourceType": "Organization", "name": "X"}, headers=owner)
    organisation = f"Organization/{named.json()['id']}"
    person = {"resourceType": "Patient", "managingOrganization": {"reference": organisation}}
    assert (await workers.one.post("Patient", json=person, headers=another)).status_code == 201
    refused = await workers.one.delete(organisation, headers=owner)
    issue = assert_outcome(refused, 409, "still-referenced")
    assert "Patient" not in issue["diagnostics"]
    asked = await workers.one.get(f"{organisation}/$validate?mode=delete", headers=owner)
    assert asked.json()["issue"][0]["diagnostics"] == issue["diagnostics"]
