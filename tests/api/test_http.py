"""FHIR's RESTful API over HTTP, as a client sees it: headers, forms of answers, methods, addresses."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.outcome import assert_outcome
from tests.builders.resources import observation, patient

if TYPE_CHECKING:
    import httpx

FHIR_JSON = "application/fhir+json"
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
RETIRE = [{"op": "replace", "path": "/active", "value": False}]


async def created(client: httpx.AsyncClient, content: dict[str, Any]) -> httpx.Response:
    """The answer to a create that succeeds."""
    response = await client.post(f"/{content['resourceType']}", json=content)
    assert response.status_code == 201, response.text
    return response


async def test_a_create_says_where_its_version_is_and_what_was_stored(client: httpx.AsyncClient) -> None:
    """Location, ETag and Last-Modified name the version that the body shows."""
    response = await created(client, patient(1))
    content = response.json()
    assert response.headers["location"] == f"http://testserver/fhir/Patient/{content['id']}/_history/1"
    assert response.headers["etag"] == 'W/"1"'
    assert response.headers["content-type"] == f"{FHIR_JSON}; charset=utf-8"
    assert content["meta"]["versionId"] == "1"
    version = await client.get(response.headers["location"])
    assert version.json() == content
    assert version.headers["last-modified"] == response.headers["last-modified"]


async def test_a_read_returns_the_stored_bytes(client: httpx.AsyncClient) -> None:
    """What create answered, read answers."""
    response = await created(client, patient(2))
    read = await client.get(f"/Patient/{response.json()['id']}")
    assert read.content == response.content
    assert read.headers["cache-control"] == "private, no-cache"


async def test_a_client_that_has_the_version_is_told_so(client: httpx.AsyncClient) -> None:
    """304 by entity tag or by instant, for read and vread; another tag gets the resource."""
    response = await created(client, patient(3))
    url = f"/Patient/{response.json()['id']}"
    for headers in (
        {"If-None-Match": response.headers["etag"]},
        {"If-None-Match": '"7", W/"1"'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": response.headers["last-modified"]},
    ):
        known = await client.get(url, headers=headers)
        assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", 'W/"1"')
    version = await client.get(f"{url}/_history/1", headers={"If-None-Match": 'W/"1"'})
    assert version.status_code == 304
    assert (await client.get(url, headers={"If-None-Match": 'W/"2"'})).status_code == 200
    old = {"If-Modified-Since": "Fri, 09 Jan 2015 08:00:00 GMT"}
    assert (await client.get(url, headers=old)).status_code == 200


async def test_head_is_a_read_without_the_body(client: httpx.AsyncClient) -> None:
    """Wherever GET works, HEAD gives the same headers."""
    location = (await created(client, patient(4))).headers["location"]
    for url in (location, location.partition("/_history")[0], "/Patient?_count=1", "/metadata", "/Patient/_history"):
        read, head = await client.get(url), await client.head(url)
        assert (head.status_code, head.content) == (200, b"")
        shared = set(read.headers) - {"x-request-id", "content-length", "date"}
        assert {name: head.headers[name] for name in shared} == {name: read.headers[name] for name in shared}


@pytest.mark.parametrize(
    "preference, body_type",
    [("minimal", None), ("representation", "Patient"), ("OperationOutcome", "OperationOutcome")],
)
async def test_a_write_returns_what_is_preferred(
    client: httpx.AsyncClient, preference: str, body_type: str | None
) -> None:
    """Create and update follow `Prefer: return` and say that they do."""
    headers = {"Prefer": f"return={preference}"}
    response = await client.post("/Patient", json=patient(5), headers=headers)
    assert response.status_code == 201
    assert response.headers["preference-applied"] == f"return={preference}"
    assert (response.json()["resourceType"] if response.content else None) == body_type
    logical_id = response.headers["location"].split("/")[-3]
    update = await client.put(f"/Patient/{logical_id}", json=patient(5, id=logical_id, active=False), headers=headers)
    assert update.status_code == 200
    assert (update.json()["resourceType"] if update.content else None) == body_type
    assert update.headers["etag"] == 'W/"2"'


async def test_an_update_is_guarded_by_if_match(client: httpx.AsyncClient) -> None:
    """The version that the client saw must be the current one; weak, strong, listed, bare and * are understood."""
    logical_id = (await created(client, patient(6))).json()["id"]
    url = f"/Patient/{logical_id}"
    for number, tag in enumerate(('W/"1"', '"2"', '"9", W/"3"', "4", "*"), 1):
        content = patient(6, id=logical_id, multipleBirthInteger=number)
        response = await client.put(url, json=content, headers={"If-Match": tag})
        assert response.headers["etag"] == f'W/"{number + 1}"', response.text
    stale = await client.put(url, json=patient(6, id=logical_id), headers={"If-Match": 'W/"1"'})
    assert_outcome(stale, 412, "version-conflict")
    for response in (
        await client.delete(url, headers={"If-Match": 'W/"1"'}),
        await client.patch(url, content=json.dumps(RETIRE), headers={**JSON_PATCH, "If-Match": 'W/"1"'}),
    ):
        assert_outcome(response, 412, "version-conflict")
    malformed = await client.put(url, json=patient(6, id=logical_id), headers={"If-Match": "latest"})
    assert_outcome(malformed, 400, "header-invalid", "http.If-Match")


async def test_a_client_may_name_a_new_resource_and_insist_that_it_is_new(client: httpx.AsyncClient) -> None:
    """PUT to an unused id creates; `If-None-Match: *` refuses to touch what is there."""
    content = patient(7, id="clinic-7")
    response = await client.put("/Patient/clinic-7", json=content, headers={"If-None-Match": "*"})
    assert response.status_code == 201
    assert response.headers["location"].endswith("/Patient/clinic-7/_history/1")
    again = await client.put("/Patient/clinic-7", json=content, headers={"If-None-Match": "*"})
    assert_outcome(again, 412, "already-exists")


async def test_what_was_deleted_is_gone(client: httpx.AsyncClient) -> None:
    """204, then 410; the version before the deletion stays readable, deleting again is no error."""
    response = await created(client, patient(8))
    url = f"/Patient/{response.json()['id']}"
    deleted = await client.delete(url)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert_outcome(await client.get(url), 410, "deleted")
    assert (await client.get(f"{url}/_history/1")).json() == response.json()
    assert (await client.delete(url)).status_code == 204
    outcome = await client.delete(url, headers={"Prefer": "return=OperationOutcome"})
    assert (outcome.status_code, outcome.json()["resourceType"]) == (200, "OperationOutcome")


async def test_a_conditional_create_finds_what_it_would_have_made(client: httpx.AsyncClient) -> None:
    """Sent again, it answers 200 with the place of the first one."""
    headers = {"If-None-Exist": "identifier=https://ehr.example.org/mrn|MRN-9"}
    first = await client.post("/Patient", json=patient(9), headers=headers)
    again = await client.post("/Patient", json=patient(9), headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["location"] == first.headers["location"]
    assert again.json() == first.json()


async def test_writes_may_name_their_target_by_criteria(client: httpx.AsyncClient) -> None:
    """Conditional update, patch and delete act on the one match."""
    criteria = {"identifier": "https://ehr.example.org/mrn|MRN-10"}
    made = await client.put("/Patient", params=criteria, json=patient(10))
    assert made.status_code == 201
    updated = await client.put("/Patient/", params=criteria, json=patient(10, gender="other"))
    assert (updated.status_code, updated.headers["etag"]) == (200, 'W/"2"')
    patched = await client.patch("/Patient", params=criteria, content=json.dumps(RETIRE), headers=JSON_PATCH)
    assert (patched.status_code, patched.json()["active"]) == (200, False)
    assert (await client.delete("/Patient", params=criteria)).status_code == 204
    assert_outcome(await client.get(f"/Patient/{made.json()['id']}"), 410, "deleted")


async def test_criteria_that_match_several_are_refused(client: httpx.AsyncClient) -> None:
    """Nothing is changed when it is not clear what should be."""
    for _ in range(2):
        await created(client, patient(11))
    criteria = {"identifier": "https://ehr.example.org/mrn|MRN-11"}
    assert_outcome(await client.put("/Patient", params=criteria, json=patient(11)), 412, "multiple-matches")
    assert_outcome(await client.delete("/Patient", params=criteria), 412, "multiple-matches")
    assert_outcome(await client.delete("/Patient"), 400, "criteria-required")


async def test_a_patch_is_a_json_patch_or_a_fhirpath_patch(client: httpx.AsyncClient) -> None:
    """Both change what they name and nothing else."""
    response = await created(client, patient(12))
    url = f"/Patient/{response.json()['id']}"
    by_json = await client.patch(url, content=json.dumps(RETIRE), headers=JSON_PATCH)
    assert (by_json.status_code, by_json.json()["active"]) == (200, False)
    by_path = await client.patch(
        url,
        json={
            "resourceType": "Parameters",
            "parameter": [
                {
                    "name": "operation",
                    "part": [
                        {"name": "type", "valueCode": "replace"},
                        {"name": "path", "valueString": "Patient.active"},
                        {"name": "value", "valueBoolean": True},
                    ],
                }
            ],
        },
        headers={"Content-Type": FHIR_JSON},
    )
    assert (by_path.status_code, by_path.json()["active"]) == (200, True)
    assert_outcome(await client.patch(url, content="[]", headers={"Content-Type": FHIR_JSON}), 400, "patch-invalid")
    broken = [{"op": "replace", "path": "/nowhere/1", "value": 1}]
    assert_outcome(await client.patch(url, content=json.dumps(broken), headers=JSON_PATCH), 422, "patch-failed")


async def test_an_answer_has_the_form_that_was_asked_for(client: httpx.AsyncClient) -> None:
    """`_format` and Accept choose the media type, `_pretty` the layout; the links of a search keep both."""
    url = f"/Patient/{(await created(client, patient(13))).json()['id']}"
    assert (await client.get(f"{url}?_format=json&_pretty=true")).text.startswith("{\n")
    plain = await client.get(url, headers={"Accept": "application/json"})
    assert plain.headers["content-type"] == "application/json; charset=utf-8"
    unescaped = await client.get(f"{url}?_format=application/fhir+json")
    assert unescaped.headers["content-type"] == f"{FHIR_JSON}; charset=utf-8"
    assert_outcome(await client.get(f"{url}?_format=xml"), 406, "not-acceptable")
    old = {"Accept": f"{FHIR_JSON}; fhirVersion=3.0"}
    assert_outcome(await client.get(url, headers=old), 406, "fhir-version-unsupported")
    await created(client, patient(13))
    page = await client.get("/Patient?_count=1&_format=application/json&_pretty=true")
    assert page.text.startswith("{\n")
    links = {link["relation"]: link["url"] for link in page.json()["link"]}
    following = await client.get(links["next"])
    assert following.headers["content-type"] == "application/json; charset=utf-8"
    assert following.text.startswith("{\n")


async def test_parts_of_a_resource_are_tagged(client: httpx.AsyncClient) -> None:
    """`_summary` and `_elements` work the same for a read and for the entries of a search."""
    subject = (await created(client, patient(14))).json()["id"]
    content = observation(f"Patient/{subject}", note=[{"text": "after the session"}])
    logical_id = (await created(client, content)).json()["id"]
    for parameters, kept, lost in (("_summary=true", "code", "note"), ("_elements=note", "note", "effectiveDateTime")):
        read = (await client.get(f"/Observation/{logical_id}?{parameters}")).json()
        found = (await client.get(f"/Observation?_id={logical_id}&{parameters}")).json()["entry"][0]["resource"]
        assert read == found
        assert kept in read
        assert lost not in read
        assert read["meta"]["tag"][0]["code"] == "SUBSETTED"
    everything = await client.get(f"/Observation/{logical_id}?_summary=false")
    assert everything.json()["note"] == content["note"]


async def test_bodies_may_be_compressed_both_ways(client: httpx.AsyncClient) -> None:
    """A gzip body is stored like a plain one; a long answer is compressed for who accepts it."""
    content = patient(15, contact=[{"name": {"text": "massage " * 300}}])
    response = await client.post(
        "/Patient",
        content=gzip.compress(json.dumps(content).encode()),
        headers={"Content-Type": FHIR_JSON, "Content-Encoding": "gzip"},
    )
    assert response.status_code == 201, response.text
    assert response.headers["content-encoding"] == "gzip"
    plain = await client.get(response.headers["location"], headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json() == response.json()


async def test_a_search_can_be_sent_as_a_form(client: httpx.AsyncClient) -> None:
    """POST to `_search` answers as GET does, with the parameters of both places."""
    logical_id = (await created(client, patient(16))).json()["id"]
    by_get = await client.get("/Patient", params={"identifier": "https://ehr.example.org/mrn|MRN-16", "_count": "5"})
    by_post = await client.post("/Patient/_search?_count=5", data={"identifier": "https://ehr.example.org/mrn|MRN-16"})
    assert [entry["resource"]["id"] for entry in by_get.json()["entry"]] == [logical_id]
    assert by_post.json()["entry"] == by_get.json()["entry"]
    refused = await client.get("/Patient/_search?_id=1")
    assert_outcome(refused, 405, "not-allowed")
    assert refused.headers["allow"] == "POST, OPTIONS"


async def test_histories_are_kept_on_three_levels(client: httpx.AsyncClient) -> None:
    """Of the instance, the type and the system, newest first."""
    logical_id = (await created(client, patient(17))).json()["id"]
    await client.delete(f"/Patient/{logical_id}")
    for url in (f"/Patient/{logical_id}/_history", "/Patient/_history?_count=2", "/_history?_count=2"):
        bundle = (await client.get(url)).json()
        assert bundle["type"] == "history"
        assert [entry["request"]["method"] for entry in bundle["entry"]] == ["DELETE", "POST"]


async def test_the_capabilities_name_what_is_served(client: httpx.AsyncClient) -> None:
    """GET /metadata, also with a trailing slash, for a person or in part."""
    for url in ("/metadata", "/metadata/", "/metadata?mode=full", "/metadata?_pretty=true", "/metadata?_elements=rest"):
        response = await client.get(url)
        assert response.status_code == 200, response.text
        assert response.json()["resourceType"] == "CapabilityStatement"
        assert response.json()["rest"][0]["resource"]
    assert "rest" not in (await client.get("/metadata?_summary=text")).json()


@pytest.mark.parametrize(
    "method, url, status, code",
    [
        ("GET", "", 404, "not-found"),
        ("GET", "/", 404, "not-found"),
        ("GET", "/Patient/unknown", 404, "not-found"),
        ("GET", "/Patient/unknown/_history", 404, "not-found"),
        ("GET", "/Patient/unknown/_history/99999999999999999999", 404, "not-found"),
        ("GET", "/Nonsense", 404, "type-unknown"),
        ("GET", "/Account/1", 404, "type-unknown"),
        ("GET", "/Patient/a_b", 400, "id-invalid"),
        ("GET", "/Patient/1/2/3", 404, "not-found"),
        ("GET", "/Patient/$nonsense", 404, "operation-unknown"),
        ("GET", "/Patient?nonsense=1", 400, "parameter-unknown"),
        ("PUT", "/metadata", 405, "not-allowed"),
        ("POST", "/Patient/1", 405, "not-allowed"),
        ("GET", f"/Patient?name={'x' * 20_000}", 400, "url-too-long"),
    ],
)
async def test_a_request_that_leads_nowhere_is_told_why(
    client: httpx.AsyncClient, method: str, url: str, status: int, code: str
) -> None:
    """Every refusal is an OperationOutcome with its stable code."""
    assert_outcome(await client.request(method, url), status, code)


async def test_lenient_handling_leaves_out_an_unknown_parameter(client: httpx.AsyncClient) -> None:
    """The self link shows what was used."""
    response = await client.get("/Patient?nonsense=1", headers={"Prefer": "handling=lenient"})
    assert response.status_code == 200
    assert "nonsense" not in response.json()["link"][0]["url"]


async def test_the_request_id_is_echoed(client: httpx.AsyncClient) -> None:
    """The client's own, or a fresh one for each request."""
    echoed = await client.get("/metadata", headers={"X-Request-Id": "ehr-1"})
    assert echoed.headers["x-request-id"] == "ehr-1"
    fresh = {(await client.get("/metadata")).headers["x-request-id"] for _ in range(2)}
    assert len(fresh) == 2


async def test_a_browser_may_call_from_anywhere(client: httpx.AsyncClient) -> None:
    """Preflight and answer carry what a browser needs, without credentials."""
    origin = {"Origin": "https://portal.example.org"}
    preflight = await client.options("/Patient/1", headers={**origin, "Access-Control-Request-Method": "PUT"})
    assert preflight.status_code == 204
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    answer = await client.get("/Patient/unknown", headers=origin)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "ETag" in answer.headers["access-control-expose-headers"]


async def test_a_part_of_a_resource_does_not_replace_the_whole(fresh_client: httpx.AsyncClient) -> None:
    """What _elements left out would be lost."""
    whole = (await fresh_client.put("/Patient/whole", json=patient(1, id="whole"))).json()
    part = (await fresh_client.get("/Patient/whole", params={"_elements": "gender"})).json()
    refused = await fresh_client.put("/Patient/whole", json=part)
    assert_outcome(refused, 422, "resource-subsetted")
    assert (await fresh_client.get("/Patient/whole")).json() == whole
