"""Bundles as the tests send them, and what the entries of an answer say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.builders.referral import transaction

if TYPE_CHECKING:
    import httpx

Json = dict[str, Any]


def entry(method: str, url: str, resource: Json | None = None, full_url: str | None = None, **request: str) -> Json:
    """A Bundle entry."""
    made: Json = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        made["resource"] = resource
    return made if full_url is None else {"fullUrl": full_url, **made}


async def post(client: httpx.AsyncClient, *entries: Json, **headers: str) -> httpx.Response:
    """The answer to a transaction of these entries."""
    return await client.post("/", json=transaction(entries), headers=headers)


def statuses(response: httpx.Response) -> list[str]:
    """The status of each entry of the answer."""
    assert response.status_code == 200, response.text
    bundle = response.json()
    assert bundle["type"] == "transaction-response"
    return [each["response"]["status"][:3] for each in bundle["entry"]]


def locations(response: httpx.Response) -> list[str]:
    """``Type/id`` of each entry of the answer."""
    urls = [each["response"]["location"] for each in response.json()["entry"]]
    return ["/".join(url.removeprefix("http://testserver/fhir/").split("/")[:2]) for url in urls]
