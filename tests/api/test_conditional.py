"""Conditional interactions: one match, none, several. https://hl7.org/fhir/R4/http.html#ccreate"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.store.store import Session
from tests.api.outcome import assert_outcome
from tests.builders.resources import EHR, patient

if TYPE_CHECKING:
    import httpx

RETIRE = [{"op": "replace", "path": "/active", "value": False}]
JSON_PATCH = {"Content-Type": "application/json-patch+json"}


def criteria(number: int) -> str:
    """What finds patient `number`."""
    return f"identifier={EHR}/mrn|MRN-{number}"


async def stored(client: httpx.AsyncClient, number: int, copies: int = 1) -> list[str]:
    """The ids of `copies` patients with the same identifier."""
    return [(await client.post("/Patient", json=patient(number))).json()["id"] for _ in range(copies)]


async def test_a_conditional_create_without_a_match_creates(client: httpx.AsyncClient) -> None:
    """And says so."""
    response = await client.post("/Patient", json=patient(100), headers={"If-None-Exist": criteria(100)})
    assert response.status_code == 201


async def test_a_conditional_create_with_one_match_answers_with_what_exists(client: httpx.AsyncClient) -> None:
    """200, the existing version, and nothing new, even when the content differs."""
    (existing,) = await stored(client, 101)
    changed = patient(101, active=False)
    response = await client.post("/Patient", json=changed, headers={"If-None-Exist": criteria(101)})
    assert response.status_code == 200
    assert response.headers["etag"] == 'W/"1"'
    assert (response.json()["id"], response.json()["active"]) == (existing, True)
    assert (await client.get(f"/Patient?{criteria(101)}")).json()["total"] == 1


async def test_a_conditional_create_with_several_matches_is_refused(client: httpx.AsyncClient) -> None:
    """412, and nothing new."""
    await stored(client, 102, copies=2)
    response = await client.post("/Patient", json=patient(102), headers={"If-None-Exist": criteria(102)})
    assert_outcome(response, 412, "multiple-matches")
    assert (await client.get(f"/Patient?{criteria(102)}")).json()["total"] == 2


@pytest.mark.parametrize(
    "header, code",
    [
        ("", "criteria-required"),
        ("_count=1", "parameter-unsupported"),
        ("nonsense=1", "parameter-unknown"),
        ("identifier=", "parameter-value"),
    ],
)
async def test_a_conditional_create_takes_plain_criteria_only(
    client: httpx.AsyncClient, header: str, code: str
) -> None:
    """What selects nothing, or is ignored, would create duplicates."""
    response = await client.post("/Patient", json=patient(103), headers={"If-None-Exist": header})
    assert_outcome(response, 400, code)


async def test_a_conditional_update_without_a_match_creates_under_the_id_that_was_sent_or_a_new_one(
    client: httpx.AsyncClient,
) -> None:
    """As R4 says."""
    response = await client.put(f"/Patient?{criteria(104)}", json=patient(104))
    assert response.status_code == 201
    taken = await client.put(f"/Patient?{criteria(998)}", json=patient(998, id=response.json()["id"]))
    assert_outcome(taken, 409, "id-taken", "Patient.id")
    chosen = await client.put(f"/Patient?{criteria(105)}", json=patient(105, id="chosen-105"))
    assert (chosen.status_code, chosen.json()["id"]) == (201, "chosen-105")


async def test_a_conditional_update_with_one_match_updates_it(client: httpx.AsyncClient) -> None:
    """With or without its id in the content; another id is refused."""
    (existing,) = await stored(client, 106)
    response = await client.put(f"/Patient?{criteria(106)}", json=patient(106, active=False))
    assert (response.status_code, response.headers["etag"]) == (200, 'W/"2"')
    same = await client.put(f"/Patient?{criteria(106)}", json=patient(106, active=True, id=existing))
    assert (same.status_code, same.headers["etag"]) == (200, 'W/"3"')
    other = await client.put(f"/Patient?{criteria(106)}", json=patient(106, id="other"))
    assert_outcome(other, 400, "id-mismatch", "Patient.id")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_several_matches_are_refused_whatever_the_method(client: httpx.AsyncClient, method: str) -> None:
    """412, and nothing changed."""
    await stored(client, 107, copies=2)
    bodies: dict[str, Any] = {"PUT": patient(107, active=False), "PATCH": RETIRE, "DELETE": None}
    headers = JSON_PATCH if method == "PATCH" else {}
    response = await client.request(method, f"/Patient?{criteria(107)}", json=bodies[method], headers=headers)
    assert_outcome(response, 412, "multiple-matches")
    found = (await client.get(f"/Patient?{criteria(107)}")).json()
    assert {entry["resource"]["meta"]["versionId"] for entry in found["entry"]} == {"1"}


async def test_a_conditional_patch_needs_its_match(client: httpx.AsyncClient) -> None:
    """One is patched; none is 404."""
    await stored(client, 108)
    patched = await client.patch(f"/Patient?{criteria(108)}", json=RETIRE, headers=JSON_PATCH)
    assert (patched.status_code, patched.json()["active"]) == (200, False)
    nobody = await client.patch(f"/Patient?{criteria(999)}", json=RETIRE, headers=JSON_PATCH)
    assert_outcome(nobody, 404, "not-found")


async def test_a_conditional_delete_of_one_or_none_succeeds(client: httpx.AsyncClient) -> None:
    """204 both times; the second has nothing left to delete."""
    (existing,) = await stored(client, 109)
    for _ in range(2):
        assert (await client.delete(f"/Patient?{criteria(109)}")).status_code == 204
    assert_outcome(await client.get(f"/Patient/{existing}"), 410, "deleted")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_conditional_change_without_criteria_is_refused(client: httpx.AsyncClient, method: str) -> None:
    """It would mean every patient."""
    bodies: dict[str, Any] = {"PUT": patient(110), "PATCH": RETIRE, "DELETE": None}
    headers = JSON_PATCH if method == "PATCH" else {}
    response = await client.request(method, "/Patient", json=bodies[method], headers=headers)
    assert_outcome(response, 400, "criteria-required")


async def test_if_match_guards_a_conditional_update(client: httpx.AsyncClient) -> None:
    """The version of what the criteria match."""
    await stored(client, 111)
    stale = await client.put(
        f"/Patient?{criteria(111)}", json=patient(111, active=False), headers={"If-Match": 'W/"7"'}
    )
    assert_outcome(stale, 412, "version-conflict", "http.If-Match")


async def test_what_changed_since_it_was_matched_is_matched_again(
    fresh_client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another client makes the patient active between the match and the deletion of those who are not."""
    await fresh_client.put("/Patient/p", json=patient(1, id="p", active=False))
    match = Session.match
    changes = iter([patient(1, id="p", active=True)])

    async def match_then_change(self: Session, *queries: Any, **options: Any) -> Any:
        found = await match(self, *queries, **options)
        for change in changes:
            assert (await fresh_client.put("/Patient/p", json=change)).status_code == 200
            break
        return found

    monkeypatch.setattr(Session, "match", match_then_change)
    assert (await fresh_client.delete(f"/Patient?identifier={EHR}/mrn|MRN-1&active=false")).is_success
    assert (await fresh_client.get("/Patient/p")).json()["active"] is True
