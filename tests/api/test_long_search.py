"""A search whose next page no URL could name is refused at once, not at its second page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from service.fhir.reference import digest_of
from tests.api.outcome import assert_outcome

if TYPE_CHECKING:
    import httpx

SOME = [str(digest_of(str(number))) for number in range(900)]
"""Ids like those that the service gives, which cannot be compressed to much less than half."""
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def search(client: httpx.AsyncClient, ids: list[str], count: int) -> httpx.Response:
    """The organizations among the ids, `count` on a page."""
    body = f"_id={','.join(ids)}&_count={count}"
    return await client.post("Organization/_search", content=body, headers=FORM)


async def stored(client: httpx.AsyncClient) -> None:
    """The first two organizations."""
    for each in SOME[:2]:
        content = {"resourceType": "Organization", "id": each, "name": "Practice Example"}
        assert (await client.put(f"Organization/{each}", json=content)).status_code in {200, 201}


async def test_a_search_is_refused_when_the_link_to_its_next_page_would_be_too_long(client: httpx.AsyncClient) -> None:
    """900 ids come to 26,000 characters."""
    await stored(client)
    issue = assert_outcome(await search(client, SOME, 1), 400, "too-costly", "http._count")
    assert "16384" in issue["diagnostics"]


async def test_the_same_search_is_answered_on_one_page(client: httpx.AsyncClient) -> None:
    """There is nothing to link to."""
    await stored(client)
    assert (await search(client, SOME, 2)).json()["total"] == 2


async def test_the_link_to_the_next_page_is_one_that_the_service_takes(client: httpx.AsyncClient) -> None:
    """However many ids there are, up to where it is refused."""
    await stored(client)
    answered = 0
    for number in range(400, 600, 20):
        first = await search(client, SOME[:number], 1)
        if first.status_code == 200:
            (following,) = (link["url"] for link in first.json()["link"] if link["relation"] == "next")
            url = urlsplit(following)
            second = await client.get(f"Organization?{url.query}")
            assert second.status_code == 200, second.text
            assert len(second.json()["entry"]) == 1
            answered += 1
    assert 0 < answered < 10
