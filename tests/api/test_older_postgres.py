"""The oldest PostgreSQL that is supported does what the embedded one does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.outcome import assert_outcome
from tests.builders.referral import referral_bundle
from tests.builders.resources import patient
from tests.conftest import application_on, client_of, settings_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from service.assembly import Standard
    from tests.conftest import Cluster

pytestmark = pytest.mark.postgres15


@pytest.fixture
async def older_client(older_cluster: Cluster, standard: Standard) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service on the older server."""
    async with (
        older_cluster.clone() as url,
        application_on(settings_for(url), standard) as running,
        client_of(running) as http,
    ):
        yield http


async def test_a_referral_goes_in_once_and_is_found(older_client: httpx.AsyncClient) -> None:
    """Transaction, conditional create, references, search."""
    for expected in ("201", "200"):
        answered = (await older_client.post("/", json=referral_bundle(1))).json()
        assert {entry["response"]["status"][:3] for entry in answered["entry"]} == {expected}
    order = (await older_client.get("/ServiceRequest?identifier=https://ehr.example.org/orders|ORDER-1")).json()
    subject = order["entry"][0]["resource"]["subject"]["reference"]
    assert (await older_client.get(f"/Task?patient={subject}&status=requested")).json()["total"] == 1


async def test_versions_are_kept_guarded_and_told(older_client: httpx.AsyncClient) -> None:
    """Update, If-Match, patch, delete, history, re-creation."""
    await older_client.put("/Patient/p", json=patient(1, id="p"))
    stale = await older_client.put("/Patient/p", json=patient(1, id="p"), headers={"If-Match": 'W/"2"'})
    assert_outcome(stale, 412, "version-conflict")
    patched = await older_client.patch(
        "/Patient/p",
        json=[{"op": "replace", "path": "/active", "value": False}],
        headers={"Content-Type": "application/json-patch+json"},
    )
    assert patched.headers["etag"] == 'W/"2"'
    await older_client.delete("/Patient/p")
    assert_outcome(await older_client.get("/Patient/p"), 410, "deleted")
    await older_client.put("/Patient/p", json=patient(1, id="p"))
    assert (await older_client.get("/Patient/p/_history")).json()["total"] == 4
    assert (await older_client.get("/_history?_count=2")).json()["link"][1]["relation"] == "next"
