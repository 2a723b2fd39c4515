"""The service with access control: two workers on one database, and clients that are registered there."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from service.app import create_app
from service.auth.client_authentication import ASSERTION_TYPE
from service.serve import prepare
from service.store.clients import Clients, Registration
from service.store.pool import Pool
from tests.api.auth.signing import NOW, Signer, claims_of, key_set
from tests.conftest import client_of, settings_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.app import Application
    from service.assembly import Standard
    from tests.conftest import Cluster


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    seconds: float = NOW

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Workers:
    """Two workers of one service, with their clock and the registry."""

    one: httpx.AsyncClient
    other: httpx.AsyncClient
    application: Application
    clock: Clock
    clients: Clients
    signers: dict[str, Signer] = field(default_factory=dict)

    async def register(self, client_id: str, scope: str = "system/*.cruds", **values: Any) -> Signer:
        """A client with one key of its own, unless its keys are given."""
        signer = values.pop("signer", None) or Signer(f"{client_id}-key")
        given: dict[str, Any] = {"role": "clinic", "organisation": "Organization/clinic", "name": client_id}
        if not values.keys() & {"jwks", "jwks_url", "issuer"}:
            given["jwks"] = httpx.Request("POST", "http://x", json=key_set(signer)).content
        registered = Registration(
            id=client_id, scope=scope, created_at=datetime.fromtimestamp(NOW, UTC), **(given | values)
        )
        assert await self.clients.add(registered)
        self.signers[client_id] = signer
        return signer

    def form(self, client_id: str, **changes: Any) -> dict[str, str]:
        """What a good client posts with its assertion."""
        signed = self.signers[client_id].sign(claims_of(client_id, now=self.clock.seconds, **changes))
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}

    async def ask(self, client_id: str, scope: str = "system/*.cruds") -> httpx.Response:
        """The answer to a token request."""
        form = {"grant_type": "client_credentials", "scope": scope, **self.form(client_id)}
        return await self.one.post("http://testserver/auth/token", data=form)

    async def bearer(self, client_id: str, scope: str = "system/*.cruds") -> dict[str, str]:
        """The headers of a client with a fresh token."""
        answered = await self.ask(client_id, scope)
        assert answered.status_code == 200, answered.text
        return {"Authorization": f"Bearer {answered.json()['access_token']}"}


@pytest.fixture(scope="module")
def auth_settings() -> dict[str, Any]:
    """What a module changes about the settings."""
    return {}


@pytest.fixture(scope="module")
async def workers(cluster: Cluster, standard: Standard, auth_settings: dict[str, Any]) -> AsyncIterator[Workers]:
    """Two workers on a database that the tests of the module share."""
    async with workers_on(cluster, standard, auth_settings) as opened:
        yield opened


@asynccontextmanager
async def workers_on(cluster: Cluster, standard: Standard, auth_settings: dict[str, Any]) -> AsyncIterator[Workers]:
    """Two workers on a database of their own."""
    clock = Clock()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(cluster.clone())
        # the clock stands still, so nobody's share is filled again
        given = {
            "auth_mode": "smart",
            "base_url": "http://testserver/fhir",
            "stranger_requests_per_minute": 100_000,
        } | auth_settings
        settings = await prepare(settings_for(url, **given))
        opened, applications = [], []
        for _ in range(2):
            running = create_app(settings, standard, now=clock)
            await stack.enter_async_context(running.running())
            applications.append(running)
            opened.append(await stack.enter_async_context(client_of(running)))
        pool = Pool(url, min_size=0, max_size=2)
        stack.push_async_callback(pool.close)
        yield Workers(one=opened[0], other=opened[1], application=applications[0], clock=clock, clients=Clients(pool))
