"""The gate and the authorisation server, put together from what a deployment has chosen."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from service.auth.administration import Administration
from service.auth.client_authentication import ClientAuthentication
from service.auth.endpoints import endpoints_of
from service.auth.evenness import Evenness
from service.auth.gate import Gate
from service.auth.issuers import Issuers
from service.auth.key_sets import KeySets
from service.auth.recording import Recording
from service.auth.registry_routes import registry_routes
from service.auth.routes import discovery_routes, token_routes
from service.auth.signing_in import SigningIn
from service.auth.strangers import Strangers
from service.auth.throttle import Throttle
from service.auth.token import TokenEndpoint
from service.auth.token_state import TokenState
from service.auth.watch import Watch
from service.outgoing.address import EVERYWHERE
from service.outgoing.fetch import Fetch
from service.store.clients import Clients
from service.store.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.routing import Route

    from service.auth.endpoints import Endpoints
    from service.auth.recording import Journal
    from service.auth.signing_in import Page
    from service.outgoing.address import Network
    from service.store.pool import Pool

_TOKEN_BYTES: Final = 32
_SERVICE: Final = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_OAUTH_URIS: Final = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


class Choices(Struct, frozen=True, kw_only=True):
    """What a deployment chooses: see the settings of the same names. `fhir` is the public FHIR base URL."""

    fhir: str
    is_issuer: bool
    issuers: tuple[str, ...]
    audience: str
    algorithms: tuple[str, ...]
    private_networks: Sequence[Network]
    requests_per_minute: int
    stranger_requests_per_minute: int
    workers: int


class AccessServer(Struct, frozen=True, kw_only=True):
    """The gate that FHIR requests pass, the addresses beside FHIR, and what the CapabilityStatement says of them."""

    gate: Gate
    routes: list[Route]
    security: dict[str, Any]


def access_server(
    choices: Choices, pool: Pool, *, journal: Journal | None, now: Callable[[], float], page: Page
) -> AccessServer:
    """All of it, for one worker; `now` is in seconds since 1970. `journal` None: nothing is put on record.

    `page` makes the page on which a browser signs in, with what is to be told on it.
    """
    endpoints = endpoints_of(choices.fhir)
    clients, tokens = Clients(pool), Tokens(pool)
    throttle = Throttle(per_minute=choices.requests_per_minute, workers=choices.workers)
    issuers = _issuers(choices, tokens, now)
    strangers = Strangers(per_minute=choices.stranger_requests_per_minute, workers=choices.workers)
    recording = Recording(journal, now)
    gate = Gate(tokens, throttle, strangers, is_issuer=choices.is_issuer, issuers=issuers, now=now)
    fetch, watch = Fetch(allowed=choices.private_networks), Watch(strangers, recording, now)
    routes = discovery_routes(endpoints, issuers, None if choices.is_issuer else choices.issuers[0])
    if choices.is_issuer:
        key_sets = KeySets(fetch, now)
        evenness = Evenness(time.monotonic)
        authentication = ClientAuthentication(clients, key_sets, throttle, evenness, audience=endpoints.token, now=now)
        routes += token_routes(
            TokenEndpoint(authentication, tokens, now=now, new_token=_new_token),
            TokenState(authentication, gate, tokens, issuer=endpoints.fhir, now=now),
            watch,
        )
    administration = Administration(
        clients, gate, issuers=choices.issuers, check_url=fetch.check, new_id=new_client_id, now=now
    )
    routes += registry_routes(administration, recording)
    routes += SigningIn(gate, tokens, watch, fhir=choices.fhir, page=page).routes()
    return AccessServer(gate=gate, routes=routes, security=_security(endpoints, is_issuer=choices.is_issuer))


def new_client_id() -> str:
    """A random id for a client that brings none."""
    return secrets.token_hex(8)


def _issuers(choices: Choices, tokens: Tokens, now: Callable[[], float]) -> Issuers | None:
    if not choices.issuers:
        return None
    # who runs the service names its issuers, and they may well be on its own network
    fetch = Fetch(allowed=EVERYWHERE)
    return Issuers(
        choices.issuers,
        base=choices.fhir,
        audience=choices.audience,
        algorithms=choices.algorithms,
        fetch=fetch,
        key_sets=KeySets(fetch, now),
        tokens=tokens,
        now=now,
    )


def _new_token() -> str:
    return secrets.token_urlsafe(_TOKEN_BYTES)


def _security(endpoints: Endpoints, *, is_issuer: bool) -> dict[str, Any]:
    """https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html"""
    security: dict[str, Any] = {
        "cors": True,
        "service": [{"coding": [{"system": _SERVICE, "code": "SMART-on-FHIR"}], "text": "OAuth 2.0, SMART on FHIR"}],
        "description": "Requests carry a bearer token; its scopes say what they may do. Where tokens come from is told "
        f"at {endpoints.fhir}/.well-known/smart-configuration.",
    }
    if is_issuer:
        urls = {"token": endpoints.token, "introspect": endpoints.introspection, "revoke": endpoints.revocation}
        inner = [{"url": name, "valueUri": url} for name, url in urls.items()]
        security = {"extension": [{"url": _OAUTH_URIS, "extension": inner}], **security}
    return security
