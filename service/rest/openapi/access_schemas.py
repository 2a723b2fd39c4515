"""The schemas of access control: tokens, clients, and how OAuth refuses."""

from __future__ import annotations

from typing import Any, Final

from service.fhir.actor import Role

Json = dict[str, Any]

_TEXT: Final[Json] = {"type": "string"}
_INSTANT: Final[Json] = {"type": "string", "format": "date-time"}
_ROLE: Final[Json] = {"type": "string", "enum": list(Role.__args__)}  # type: ignore[attr-defined]
_ORGANISATION: Final[Json] = {
    "type": "string",
    "description": "The organisation that it acts for.",
    "examples": ["Organization/practice"],
}
_SCOPE: Final[Json] = {
    "type": "string",
    "description": "The scopes that it may ask for, separated by blanks.",
    "examples": ["system/ServiceRequest.crus system/Task.rs"],
}
_JWKS: Final[Json] = {
    "type": "object",
    "description": "Public keys, a JSON Web Key Set (RFC 7517): RSA of 2048 to 8192 bits, or EC on P-384.",
    "properties": {"keys": {"type": "array", "items": {"type": "object", "additionalProperties": True}}},
    "required": ["keys"],
}
_KEYS: Final[Json] = {"$ref": "#/components/schemas/JsonWebKeySet"}
_JWKS_URL: Final[Json] = {"type": "string", "format": "uri", "description": "Where it publishes them, by https."}
_RATE: Final[Json] = {"type": "integer", "minimum": 1, "maximum": 1_000_000}


def access_schemas() -> Json:
    """``components/schemas`` by name."""
    configuration = {"token_endpoint": _TEXT, "capabilities": {"type": "array", "items": _TEXT}}
    return {
        "OAuthError": _object({"error": _TEXT, "error_description": _TEXT}, "error", "error_description"),
        "Detail": {"description": "A refusal outside of FHIR and OAuth.", **_object({"detail": _TEXT}, "detail")},
        "JsonWebKeySet": _JWKS,
        "SmartConfiguration": {"type": "object", "properties": configuration},
        "AccessToken": _access_token(),
        "TokenState": _token_state(),
        **_client_schemas(),
    }


def _client_schemas() -> Json:
    client = {
        "id": _TEXT,
        "name": {**_TEXT, "description": "Who it is, for people."},
        "role": _ROLE,
        "organisation": _ORGANISATION,
        "scope": _SCOPE,
        "jwks": _KEYS,
        "jwks_url": _JWKS_URL,
        "issuer": {**_TEXT, "description": "The issuer that vouches for it, one of `OIDC_ISSUERS`."},
        "requests_per_minute": _RATE,
    }
    change = {
        "name": _TEXT,
        "scope": {**_SCOPE, "type": ["string", "null"]},
        "requests_per_minute": {**_RATE, "type": ["integer", "null"]},
    }
    listed = {"type": "array", "items": {"$ref": "#/components/schemas/RegisteredClient"}}
    shown = client | {"created_at": _INSTANT, "disabled_at": _INSTANT}
    made = (
        "With exactly one of `jwks`, `jwks_url` and `issuer`; without `id` one is made, "
        "without `scope` it has those of its role."
    )
    return {
        "RegisteredClient": _object(shown, "id", "name", "role", "scope", "created_at"),
        "Clients": _object({"clients": listed}, "clients"),
        "NewClient": {"description": made, **_object(client, "name", "role")},
        "ClientChange": {"minProperties": 1, **_object(change)},
        "ClientKeys": {"description": "Either of both.", **_object({"jwks": _KEYS, "jwks_url": _JWKS_URL})},
    }


def _access_token() -> Json:
    told = {
        "access_token": _TEXT,
        "token_type": {"const": "bearer"},
        "expires_in": {"type": "integer"},
        "scope": {**_TEXT, "description": "What was granted."},
    }
    return _object(told, *told)


def _token_state() -> Json:
    told = {
        "active": {"type": "boolean"},
        **dict.fromkeys(("scope", "client_id", "sub", "iss", "token_type", "organisation"), _TEXT),
        **{name: {"type": "integer", "description": "Seconds since 1970."} for name in ("iat", "exp")},
    }
    return _object(told, "active")


def _object(properties: Json, *required: str) -> Json:
    described: Json = {"type": "object", "properties": properties, "additionalProperties": False}
    return described | ({"required": list(required)} if required else {})
