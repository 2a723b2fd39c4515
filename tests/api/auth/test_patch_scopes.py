"""What a patch shows to a client whose scopes do not let it read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.auth.test_scopes import bundle, door, entry, observation

if TYPE_CHECKING:
    from tests.api.auth.conftest import Workers


@pytest.mark.parametrize(
    "scope", ["system/Observation.cu", "system/Observation.cu system/Observation.rs?category=exam"]
)
async def test_a_patch_shows_nothing_to_who_may_not_read(workers: Workers, scope: str) -> None:
    """Not even one that changes nothing; alone, in a batch, or in a transaction that prefers the representation."""
    scoped = await door(workers, scope, organisation="Organization/patching")
    made = (await scoped("POST", "Observation", observation("hidden"))).json()["id"]
    patch, preferred = {"Content-Type": "application/json-patch+json"}, {"Prefer": "return=representation"}
    for document in ([], [{"op": "add", "path": "/language", "value": "en"}]):
        for headers in ({}, preferred):
            answered = await scoped("PATCH", f"Observation/{made}", document, **patch, **headers)
            assert (answered.status_code, answered.text) == (200, "")
            assert answered.headers["location"].startswith(f"http://testserver/fhir/Observation/{made}/_history/")
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": "W10="}
    for kind in ("batch", "transaction"):
        sent = bundle(kind, entry("PATCH", f"Observation/{made}", binary))
        answered = await scoped("POST", "", sent, **preferred)
        (one,) = answered.json()["entry"]
        assert one["response"]["status"] == "200 OK"
        assert "resource" not in one
    reading = await door(workers, "system/Observation.ru", organisation="Organization/patching")
    assert (await reading("PATCH", f"Observation/{made}", [], **patch)).json()["id"] == made
