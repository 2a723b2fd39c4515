"""Versions: update, delete, what is read back, and what makes no version. https://hl7.org/fhir/R4/http.html#update"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.outcome import assert_outcome
from tests.builders.resources import observation, patient

if TYPE_CHECKING:
    import httpx

    from tests.conftest import MakeClient


async def test_a_client_may_choose_the_id_of_a_new_resource(client: httpx.AsyncClient) -> None:
    """Update as create: 201, then 200."""
    first = await client.put("/Patient/v-1", json=patient(1, id="v-1"))
    second = await client.put("/Patient/v-1", json=patient(1, id="v-1", active=False))
    assert [first.status_code, second.status_code] == [201, 200]
    assert [first.headers["etag"], second.headers["etag"]] == ['W/"1"', 'W/"2"']
    assert second.json()["meta"]["lastUpdated"] > first.json()["meta"]["lastUpdated"]


async def test_identical_content_makes_no_new_version(client: httpx.AsyncClient) -> None:
    """Whatever the order of keys, and whatever meta the client echoes; another decimal text is other content."""
    url = "/Observation/v-2"
    content = observation("Patient/v-1", id="v-2", valueQuantity={"value": 1.5})
    first = await client.put(url, json=content)
    again = await client.put(url, json=dict(reversed(first.json().items())))
    assert (again.status_code, again.headers["etag"]) == (200, 'W/"1"')
    text = first.text.replace('"value":1.5', '"value":1.50')
    other = await client.put(url, content=text, headers={"Content-Type": "application/fhir+json"})
    assert other.headers["etag"] == 'W/"2"'
    assert '"value":1.50' in (await client.get(url)).text


async def test_a_deleted_resource_is_gone_and_its_versions_stay(client: httpx.AsyncClient) -> None:
    """410 for the resource and its tombstone, 200 for what was before."""
    await client.put("/Patient/v-3", json=patient(3, id="v-3"))
    assert (await client.delete("/Patient/v-3")).status_code == 204
    assert_outcome(await client.get("/Patient/v-3"), 410, "deleted")
    assert_outcome(await client.get("/Patient/v-3/_history/2"), 410, "deleted")
    assert (await client.get("/Patient/v-3/_history/1")).json()["active"] is True


async def test_deleting_again_or_what_never_was_succeeds_and_stores_nothing(client: httpx.AsyncClient) -> None:
    """Deletion is idempotent."""
    await client.put("/Patient/v-4", json=patient(4, id="v-4"))
    for url in ("/Patient/v-4", "/Patient/v-4", "/Patient/never-was"):
        assert (await client.delete(url)).status_code == 204
    assert (await client.get("/Patient/v-4/_history")).json()["total"] == 2
    assert_outcome(await client.get("/Patient/never-was"), 404, "not-found")


async def test_an_update_brings_a_deleted_resource_back(client: httpx.AsyncClient) -> None:
    """As its next version, with 201."""
    await client.put("/Patient/v-5", json=patient(5, id="v-5"))
    await client.delete("/Patient/v-5")
    back = await client.put("/Patient/v-5", json=patient(5, id="v-5"))
    assert (back.status_code, back.headers["etag"]) == (201, 'W/"3"')
    assert (await client.get("/Patient/v-5")).status_code == 200
    found = await client.get("/Patient?_id=v-5")
    assert found.json()["total"] == 1


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "if_match, accepted",
    [('W/"1"', True), ('"1"', True), ("*", True), ('W/"7", W/"1"', True), ('W/"2"', False), ('W/"7", W/"8"', False)],
)
async def test_if_match_lets_only_the_current_version_be_changed(
    client: httpx.AsyncClient, method: str, if_match: str, accepted: bool
) -> None:
    """Weak, strong, listed, any; 412 with the current version otherwise, and nothing changed."""
    identity = (await client.post("/Patient", json=patient(6))).json()["id"]
    url = f"/Patient/{identity}"
    bodies = {
        "PUT": patient(6, id=identity, active=False),
        "PATCH": [{"op": "replace", "path": "/active", "value": False}],
        "DELETE": None,
    }
    headers = {"If-Match": if_match} | ({"Content-Type": "application/json-patch+json"} if method == "PATCH" else {})
    response = await client.request(method, url, json=bodies[method], headers=headers)
    if accepted:
        assert response.status_code in (200, 204)
        return
    issue = assert_outcome(response, 412, "version-conflict", "http.If-Match")
    assert 'W/"1"' in issue["diagnostics"]
    assert (await client.get(url)).headers["etag"] == 'W/"1"'


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_if_match_on_what_does_not_exist_is_refused(client: httpx.AsyncClient, method: str) -> None:
    """There is no version that could match."""
    body = patient(7, id="v-7") if method == "PUT" else None
    response = await client.request(method, "/Patient/v-7", json=body, headers={"If-Match": "*"})
    assert_outcome(response, 412, "version-conflict")


async def test_if_none_match_any_creates_only_what_is_not_there(client: httpx.AsyncClient) -> None:
    """A safe update as create."""
    headers = {"If-None-Match": "*"}
    first = await client.put("/Patient/v-8", json=patient(8, id="v-8"), headers=headers)
    second = await client.put("/Patient/v-8", json=patient(8, id="v-8", active=False), headers=headers)
    assert first.status_code == 201
    assert_outcome(second, 412, "already-exists", "http.If-None-Match")


@pytest.mark.parametrize(
    "content, code",
    [
        (patient(9), "id-mismatch"),
        (patient(9, id="other"), "id-mismatch"),
        (patient(9, id=9), "id-mismatch"),
        ({"resourceType": "Observation", "id": "v-9"}, "type-mismatch"),
        ({"id": "v-9"}, "type-mismatch"),
    ],
)
async def test_an_update_must_carry_the_id_and_type_of_its_address(
    client: httpx.AsyncClient, content: dict[str, object], code: str
) -> None:
    """Anything else would store something else than meant."""
    assert_outcome(await client.put("/Patient/v-9", json=content), 400, code)
    assert_outcome(await client.get("/Patient/v-9"), 404, "not-found")


@pytest.mark.parametrize(
    "version", ["0", "2", "01", "99999999999999999999", "-1", "1.0", "abc", "\u0661", "2147483648"]
)
async def test_a_version_that_is_not_there_is_not_found(client: httpx.AsyncClient, version: str) -> None:
    """Whatever its number looks like."""
    await client.put("/Patient/v-10", json=patient(10, id="v-10"))
    response = await client.get(f"/Patient/v-10/_history/{version}")
    assert response.status_code in (400, 404)
    assert (await client.get("/Patient/v-10/_history/1")).status_code == 200


async def test_what_the_client_says_about_version_and_instant_is_ignored(client: httpx.AsyncClient) -> None:
    """They are the server's; tags and profiles are the client's."""
    meta = {"versionId": "7", "lastUpdated": "2000-01-01T00:00:00Z", "tag": [{"system": "urn:x", "code": "kept"}]}
    content = (await client.post("/Patient", json=patient(11, meta=meta))).json()
    assert content["meta"]["versionId"] == "1"
    assert content["meta"]["lastUpdated"] > "2026"
    assert content["meta"]["tag"] == meta["tag"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_where_the_setting_demands_it_a_change_needs_if_match(make_client: MakeClient, method: str) -> None:
    """428 without, and what is new needs none."""
    async with make_client(require_if_match=True) as client:
        assert (await client.put("/Patient/p", json=patient(1, id="p"))).status_code == 201
        bodies = {
            "PUT": patient(1, id="p", active=False),
            "PATCH": [{"op": "replace", "path": "/active", "value": False}],
            "DELETE": None,
        }
        headers = {"Content-Type": "application/json-patch+json"} if method == "PATCH" else {}
        refused = await client.request(method, "/Patient/p", json=bodies[method], headers=headers)
        assert_outcome(refused, 428, "version-required", "http.If-Match")
        allowed = await client.request(
            method, "/Patient/p", json=bodies[method], headers=headers | {"If-Match": 'W/"1"'}
        )
        assert allowed.status_code in (200, 204)
        claimed = (await client.get("/metadata")).json()["rest"][0]["resource"][0]["versioning"]
        assert claimed == "versioned-update"


async def test_a_change_within_the_second_of_last_modified_is_not_hidden(client: httpx.AsyncClient) -> None:
    """Last-Modified has whole seconds, and two versions may lie in one."""
    await client.put("/Patient/v-12", json=patient(12, id="v-12"))
    first = await client.get("/Patient/v-12")
    since = {"If-Modified-Since": first.headers["last-modified"]}
    assert (await client.get("/Patient/v-12", headers=since)).status_code == 304
    await client.put("/Patient/v-12", json=patient(12, id="v-12", active=False))
    assert (await client.get("/Patient/v-12", headers=since)).status_code == 200
