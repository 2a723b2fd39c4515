"""The operations on codes take the permission to read their type, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.auth.test_scopes import door
from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    from tests.api.auth.conftest import Workers

OPERATIONS = {
    "CodeSystem/$lookup?system=http://none&code=a": "CodeSystem",
    "CodeSystem/$validate-code?url=http://none&code=a": "CodeSystem",
    "CodeSystem/$subsumes?system=http://none&codeA=a&codeB=b": "CodeSystem",
    "ValueSet/$expand?url=http://none": "ValueSet",
    "ValueSet/$validate-code?url=http://none&system=a&code=b": "ValueSet",
    "ConceptMap/$translate?system=http://none&code=a": "ConceptMap",
}
"""Each of them for what is not held, which is 404 to whoever may ask."""


@pytest.mark.parametrize("resource_type", sorted({*OPERATIONS.values()}))
async def test_an_operation_on_codes_is_open_to_who_may_read_its_type(workers: Workers, resource_type: str) -> None:
    """And to nobody else."""
    scoped = await door(workers, f"system/{resource_type}.r")
    for url, needed in OPERATIONS.items():
        answered = await scoped("GET", url)
        if needed == resource_type:
            assert_outcome(answered, 404, "not-found")
        else:
            assert_outcome(answered, 403, "forbidden")


async def test_a_clinic_asks_the_code_systems_that_others_have_stored(workers: Workers) -> None:
    """They are about nobody."""
    url = "http://codes.example.org/shared"
    author = await door(workers, "system/CodeSystem.cruds", organisation="Organization/author")
    content = {"resourceType": "CodeSystem", "url": url, "status": "active", "content": "complete"}
    stored = await author("POST", "CodeSystem", content | {"concept": [{"code": "a"}]})
    assert stored.status_code == 201
    reader = await door(workers, "system/CodeSystem.r", organisation="Organization/reader")
    assert (await reader("GET", f"CodeSystem/$lookup?system={url}&code=a")).status_code == 200
