"""Signing in as a person does: the form by keyboard, the pages behind it, the way out; nothing else opens them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from service.access.signed_in import COOKIE
from service.auth.client_authentication import ASSERTION_TYPE
from service.store.clients import Clients, Registration
from service.store.pool import Pool
from tests.api.auth.signing import Signer, claims_of, key_set
from tests.browser.serving import site_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.assembly import Standard
    from tests.browser.chromium import Page
    from tests.conftest import Cluster


@pytest.fixture
async def guarded(cluster: Cluster, standard: Standard) -> AsyncIterator[tuple[str, str]]:
    """Where a service with access control is, and an access token of a clinic."""
    async with cluster.clone() as url, site_on(url, standard, auth_mode="smart") as address:
        pool, signer = Pool(url, min_size=0, max_size=1), Signer("clinic-key")
        keys = httpx.Request("POST", "http://x", json=key_set(signer)).content
        values: dict[str, Any] = {"id": "clinic", "role": "clinic", "organisation": "Organization/clinic"}
        await Clients(pool).add(
            Registration(name="Clinic", scope="system/*.cruds", jwks=keys, created_at=datetime.now(UTC), **values)
        )
        await pool.close()
        claims = claims_of("clinic", now=time.time(), aud=f"{address}/auth/token")
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signer.sign(claims)}
        form |= {"grant_type": "client_credentials", "scope": "system/*.cruds"}
        async with httpx.AsyncClient(timeout=60) as client:
            answered = await client.post(f"{address}/auth/token", data=form)
        assert answered.status_code == 200, answered.text
        yield address, answered.json()["access_token"]


async def give(page: Page, token: str) -> None:
    """Type the token into the form, and send it."""
    await page.evaluate(f"const token = document.getElementById('token'); token.value = '{token}'; token.focus()")
    await page.press("Enter")
    await page.loaded()


async def test_a_person_signs_in_reads_and_signs_out(page: Page, guarded: tuple[str, str]) -> None:
    address, token = guarded
    await page.go(f"{address}/fhir/worklist")
    assert "Please identify yourself" in await page.evaluate("document.body.innerText")
    await page.go(f"{address}/sign-in")
    assert await page.accessibility() == []
    await give(page, token)
    assert await page.evaluate("document.querySelector('h1').innerText") == "Work list"
    assert await page.evaluate("location.href") == f"{address}/fhir/worklist"
    assert COOKIE not in await page.evaluate("document.cookie")
    await page.go(f"{address}/sign-in")
    await page.evaluate("document.querySelector('form[action=sign-out] button').focus()")
    await page.press("Enter")
    await page.loaded()
    assert "You are signed out" in await page.evaluate("document.body.innerText")
    await page.go(f"{address}/fhir/worklist")
    assert "Please identify yourself" in await page.evaluate("document.body.innerText")


async def test_a_page_of_another_site_reads_nothing(page: Page, guarded: tuple[str, str]) -> None:
    """Nor is its visitor known there."""
    address, token = guarded
    await page.go(f"{address}/sign-in")
    await give(page, token)
    assert await page.evaluate("document.querySelector('h1').innerText") == "Work list"
    await page.go("data:text/html,<p>evil</p>")
    asked = f"fetch('{address}/fhir/Patient', {{credentials: 'include'}}).then(r => String(r.status), e => 'refused')"
    assert await page.evaluate(asked) in ("401", "refused")
