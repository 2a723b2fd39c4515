"""Where the authorisation server is, and what ``.well-known/smart-configuration`` says of it.

https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html#using-well-known
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct

from service.access.claims import ASSERTION_ALGORITHMS
from service.auth.client_authentication import ASSERTION_TYPE
from service.auth.token import GRANT

_SCOPES: Final = (
    *("system/*.rs", "system/*.cruds", "system/Patient.crus", "system/ServiceRequest.crus", "system/Task.crus"),
    *("system/CarePlan.crus", "system/Procedure.crus", "system/Observation.crus", "system/DiagnosticReport.crus"),
)
_CAPABILITIES: Final = ("client-confidential-asymmetric", "permission-v2", "permission-v1")


class Endpoints(Struct, frozen=True, kw_only=True):
    """The URLs of the authorisation server beside a FHIR base; `root` has no trailing slash."""

    fhir: str
    root: str

    @property
    def token(self) -> str:
        """Where tokens are asked for; the audience of client assertions."""
        return f"{self.root}/token"

    @property
    def introspection(self) -> str:
        """Where tokens are asked about."""
        return f"{self.root}/introspect"

    @property
    def revocation(self) -> str:
        """Where tokens are revoked."""
        return f"{self.root}/revoke"


def endpoints_of(fhir: str) -> Endpoints:
    """The endpoints beside a FHIR base: ``https://x/fhir`` has ``https://x/auth/token``."""
    root = fhir.rpartition("/")[0] if urlsplit(fhir).path.strip("/") else fhir
    return Endpoints(fhir=fhir, root=f"{root}/auth")


def smart_configuration(endpoints: Endpoints) -> dict[str, Any]:
    """The document of the built-in authorisation server."""
    return {
        "issuer": endpoints.fhir,
        "token_endpoint": endpoints.token,
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "grant_types_supported": [GRANT],
        "scopes_supported": list(_SCOPES),
        "introspection_endpoint": endpoints.introspection,
        "introspection_endpoint_auth_methods_supported": ["private_key_jwt"],
        "revocation_endpoint": endpoints.revocation,
        "revocation_endpoint_auth_methods_supported": ["private_key_jwt"],
        "capabilities": list(_CAPABILITIES),
        "client_assertion_types_supported": [ASSERTION_TYPE],
    }


def delegated_configuration(discovered: dict[str, Any]) -> dict[str, Any]:
    """The document where another issuer gives out the tokens: what it publishes, as far as SMART knows it."""
    told = {name: discovered[name] for name in _TAKEN_OVER if name in discovered}
    return told | {"scopes_supported": list(_SCOPES), "capabilities": ["permission-v2", "permission-v1"]}


_TAKEN_OVER: Final = (
    *("issuer", "jwks_uri", "authorization_endpoint", "token_endpoint", "token_endpoint_auth_methods_supported"),
    *("token_endpoint_auth_signing_alg_values_supported", "grant_types_supported", "introspection_endpoint"),
    *("revocation_endpoint", "code_challenge_methods_supported"),
)
