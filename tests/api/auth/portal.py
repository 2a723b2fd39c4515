"""A portal: the clinic's client of an outside issuer, by which patients and clinicians sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.api.auth.signing import NOW
from tests.api.auth.test_issuers import AUDIENCE, KEYS
from tests.api.auth.test_scopes import Door

if TYPE_CHECKING:
    from tests.api.auth.conftest import Workers
    from tests.api.auth.test_jwks_url import KeyServer


def portal_settings(key_server: KeyServer) -> dict[str, Any]:
    """A service that takes the issuer's tokens beside its own, as many as a table of attacks sends."""
    return {
        "auth_mode": "smart,oidc",
        "oidc_issuers": key_server.url("/realm"),
        "oidc_audience": AUDIENCE,
        "oidc_algorithms": "ES384,RS384",
        "client_requests_per_minute": 1_000_000,
    }


async def register_portal(workers: Workers, key_server: KeyServer, scope: str) -> None:
    """Register the portal of the clinic."""
    await workers.register("portal", scope, issuer=key_server.url("/realm"), organisation="Organization/clinic")


def signed_in(workers: Workers, key_server: KeyServer, **claims: Any) -> Door:
    """The door for a user of the portal, whose token has these claims beside those of all."""
    same = {"iss": key_server.url("/realm"), "aud": AUDIENCE, "azp": "portal", "sub": "x"}
    token = KEYS["ec"].sign(same | {"exp": NOW + 600, "iat": NOW} | claims)
    return Door(workers.one, {"Authorization": f"Bearer {token}"})
