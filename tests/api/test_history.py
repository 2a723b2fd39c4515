"""History of an instance, a type, the system. https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.api.outcome import assert_outcome
from tests.builders.resources import observation, patient

if TYPE_CHECKING:
    import httpx


async def three_versions(client: httpx.AsyncClient, logical_id: str) -> None:
    """A resource that was created, updated, deleted."""
    await client.put(f"/Patient/{logical_id}", json=patient(1, id=logical_id))
    await client.put(f"/Patient/{logical_id}", json=patient(1, id=logical_id, active=False))
    await client.delete(f"/Patient/{logical_id}")


def versions(bundle: dict[str, Any]) -> list[tuple[str, str]]:
    """(id, entity tag) of each entry."""
    return [(entry["fullUrl"].rpartition("/")[2], entry["response"]["etag"]) for entry in bundle.get("entry", ())]


async def pages(client: httpx.AsyncClient, url: str) -> list[dict[str, Any]]:
    """All pages from `url` on."""
    found = []
    following: str | None = url
    while following:
        response = await client.get(following)
        assert response.status_code == 200, response.text
        found.append(response.json())
        following = next((link["url"] for link in found[-1]["link"] if link["relation"] == "next"), None)
    return found


async def test_an_instance_tells_all_its_versions_newest_first(fresh_client: httpx.AsyncClient) -> None:
    """Each with the request that made it; the deletion has no resource."""
    await three_versions(fresh_client, "h-1")
    bundle = (await fresh_client.get("/Patient/h-1/_history")).json()
    assert (bundle["type"], bundle["total"]) == ("history", 3)
    assert versions(bundle) == [("h-1", 'W/"3"'), ("h-1", 'W/"2"'), ("h-1", 'W/"1"')]
    assert [entry["request"]["method"] for entry in bundle["entry"]] == ["DELETE", "PUT", "PUT"]
    assert [entry["response"]["status"][:3] for entry in bundle["entry"]] == ["204", "200", "201"]
    assert ["resource" in entry for entry in bundle["entry"]] == [False, True, True]
    assert bundle["entry"][2]["resource"]["active"] is True


@pytest.mark.parametrize("place", ["/Patient/h-back/_history", "/Patient/_history", "/_history"])
async def test_what_brought_a_deleted_resource_back_created_it(fresh_client: httpx.AsyncClient, place: str) -> None:
    """As the write itself was answered; and the next one did not."""
    await three_versions(fresh_client, "h-back")
    for active, status in ((True, 201), (False, 200)):
        again = await fresh_client.put("/Patient/h-back", json=patient(1, id="h-back", active=active))
        assert again.status_code == status
    bundle = (await fresh_client.get(place)).json()
    statuses = [each["response"]["status"] for each in bundle["entry"] if each["fullUrl"].endswith("h-back")]
    assert statuses == ["200 OK", "201 Created", "204 No Content", "200 OK", "201 Created"]


async def test_a_created_resource_says_post_on_its_type(fresh_client: httpx.AsyncClient) -> None:
    """bdl-3 and the meaning of request.url."""
    await fresh_client.post("/Patient", json=patient(1))
    (entry,) = (await fresh_client.get("/Patient/_history")).json()["entry"]
    assert entry["request"] == {"method": "POST", "url": "Patient"}
    assert entry["response"]["status"] == "201 Created"


async def test_type_and_system_tell_their_versions_page_by_page_without_gaps(fresh_client: httpx.AsyncClient) -> None:
    """Whatever the page size; the type leaves other types out."""
    for number in range(3):
        await three_versions(fresh_client, f"h-{number}")
        await fresh_client.put(f"/Observation/o-{number}", json=observation("Patient/1", id=f"o-{number}"))
    for level, expected in (("/Patient", 9), ("", 12)):
        whole = versions((await fresh_client.get(f"{level}/_history")).json())
        assert len(whole) == expected
        for size in (1, 4, 5):
            walked = [
                one for page in await pages(fresh_client, f"{level}/_history?_count={size}") for one in versions(page)
            ]
            assert walked == whole


async def test_since_leaves_out_what_was_before(fresh_client: httpx.AsyncClient) -> None:
    """Inclusive, by the instant of the version."""
    await fresh_client.put("/Patient/h-1", json=patient(1, id="h-1"))
    second = await fresh_client.put("/Patient/h-1", json=patient(1, id="h-1", active=False))
    since = second.json()["meta"]["lastUpdated"]
    response = await fresh_client.get("/_history", params={"_since": since})
    assert versions(response.json()) == [("h-1", 'W/"2"')]
    unescaped = await fresh_client.get("/_history?_since=2026-01-01T00:00:00+01:00")
    assert unescaped.status_code == 200, "the plus sign arrives as a blank"
    later = await fresh_client.get("/Patient/h-1/_history", params={"_since": "2999-01-01"})
    assert versions(later.json()) == []


async def test_at_tells_the_versions_that_were_current_then(fresh_client: httpx.AsyncClient) -> None:
    """At an instant, or at some time within a day."""
    first = await fresh_client.put("/Patient/h-1", json=patient(1, id="h-1"))
    second = await fresh_client.put("/Patient/h-1", json=patient(1, id="h-1", active=False))
    instants = [answer.json()["meta"]["lastUpdated"] for answer in (first, second)]
    for level in ("/Patient/h-1", "/Patient", ""):
        for number, instant in enumerate(instants, start=1):
            found = await fresh_client.get(f"{level}/_history", params={"_at": instant})
            assert versions(found.json()) == [("h-1", f'W/"{number}"')]
        day = await fresh_client.get(f"{level}/_history", params={"_at": instants[0][:10]})
        assert len(versions(day.json())) == 2
        before = await fresh_client.get(f"{level}/_history", params={"_at": "2000"})
        assert versions(before.json()) == []


async def test_history_of_what_never_was_is_not_found_and_of_an_empty_type_is_empty(
    fresh_client: httpx.AsyncClient,
) -> None:
    """An empty list would claim that the resource exists."""
    assert_outcome(await fresh_client.get("/Patient/nobody/_history"), 404, "not-found")
    assert (await fresh_client.get("/Patient/_history")).json()["total"] == 0


@pytest.mark.parametrize(
    "query, code",
    [
        ("_since=yesterday", "parameter-value"),
        ("_at=2026-13", "parameter-value"),
        ("_count=-1", "parameter-value"),
        ("_count=many", "parameter-value"),
        ("_since=2026&_since=2025", "parameter-value"),
        ("name=x", "parameter-unknown"),
        ("_cursor=forged", "cursor-invalid"),
        ("_summary=count", "parameter-value"),
    ],
)
async def test_what_history_does_not_take_is_refused(fresh_client: httpx.AsyncClient, query: str, code: str) -> None:
    """With the parameter named."""
    expression = f"http.{query.partition('=')[0]}"
    assert_outcome(await fresh_client.get(f"/Patient/_history?{query}"), 400, code, expression)


async def test_a_cursor_of_one_history_does_not_open_another(fresh_client: httpx.AsyncClient) -> None:
    """It is sealed to its address."""
    await three_versions(fresh_client, "h-1")
    first = (await fresh_client.get("/Patient/h-1/_history?_count=1")).json()
    following = next(link["url"] for link in first["link"] if link["relation"] == "next")
    moved = following.replace("/Patient/h-1/_history", "/_history")
    assert_outcome(await fresh_client.get(moved), 400, "cursor-invalid")


async def test_history_shows_the_part_of_each_version_that_is_asked_for(fresh_client: httpx.AsyncClient) -> None:
    """Marked as a part."""
    await fresh_client.put("/Patient/h-1", json=patient(1, id="h-1"))
    (entry,) = (await fresh_client.get("/Patient/h-1/_history?_elements=gender")).json()["entry"]
    assert (entry["resource"]["gender"], "birthDate" in entry["resource"]) == ("female", False)
    assert entry["resource"]["meta"]["tag"][0]["code"] == "SUBSETTED"
