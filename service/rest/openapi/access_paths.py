"""The addresses of access control: the authorisation server, and the registry of clients for administrators.

They are there where `AUTH_MODE` is not open; OAuth has its own way to refuse, which is no OperationOutcome.
https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.rest.openapi.access_schemas import access_schemas
from service.rest.openapi.headers import response_headers
from service.rest.openapi.operation import component

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]

ACCESS: Final = "Access"
ABOUT: Final = (
    "SMART Backend Services, and the registry of clients. Only where `AUTH_MODE` is not open: an open sandbox answers "
    "404. Refusals are those of OAuth."
)

_OUTSIDE_OF_BASE: Final = [{"url": "/", "description": "The authorisation server is outside of the FHIR base."}]
_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
_ASSERTED: Final[Mapping[str, Json]] = {
    "client_assertion_type": {"const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
    "client_assertion": {
        "type": "string",
        "description": "A JWT signed with a key of the client: `iss` and `sub` its id, `aud` the token endpoint, `exp` "
        "at most 5 minutes ahead, a new `jti`.",
    },
    "client_id": {"type": "string", "description": "May be sent, and then is `iss` of the assertion."},
}
_REFUSALS: Final[Mapping[str, str]] = {
    "400": "The request is malformed, or asks for what cannot be: `invalid_request`, `invalid_scope`, "
    "`unsupported_grant_type`.",
    "401": "Nobody who is known: `invalid_client`, `invalid_token`.",
    "403": "Not an administrator: `insufficient_scope`.",
    "404": "No such client: `not_found`; or a service without access control, which tells a `detail`.",
    "409": "A client of this id is registered: `already_exists`.",
    "429": "Too many requests: `slow_down`.",
    "421": "The request names a host that is none of the service's; it is told a `detail`.",
    "503": "The service cannot right now: `temporarily_unavailable`.",
}
_MISDIRECTED: Final[Json] = {
    "description": "The request names a host that is none of the service's; it is told a `detail`, or, without access "
    "control, an OperationOutcome.",
    "content": {
        _JSON: {"schema": {"anyOf": [component("schemas", "Detail"), component("schemas", "OperationOutcome")]}},
        "application/fhir+json": {"schema": component("schemas", "OperationOutcome")},
    },
}
_ALWAYS: Final = ("400", "401", "421", "429", "503")
_OF_ADMINISTRATORS: Final = (*_ALWAYS, "403", "404")
_ONLY_BEARER: Final[list[Json]] = [{"bearer": []}]
_BEARER_OR_ASSERTION: Final[list[Json]] = [{}, {"bearer": []}]
_ID: Final[Json] = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The client's id.",
    "schema": {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,127}$"},
}


def access_paths() -> dict[str, Json]:
    """Path → path item, for every address of access control."""
    return {
        "/.well-known/smart-configuration": {"get": _configuration()},
        "/auth/token": _beside(post=_token()),
        "/auth/introspect": _beside(post=_introspect()),
        "/auth/revoke": _beside(post=_revoke()),
        "/auth/clients": _beside(get=_list(), post=_add()),
        "/auth/clients/{id}": _beside(get=_one("showClient", "A client"), patch=_change()) | {"parameters": [_ID]},
        "/auth/clients/{id}/keys": _beside(put=_keys()) | {"parameters": [_ID]},
        "/auth/clients/{id}/disable": _beside(post=_one("disableClient", "Refuse a client, with the tokens it has"))
        | {"parameters": [_ID]},
        "/auth/clients/{id}/enable": _beside(post=_one("enableClient", "Let a disabled client in again"))
        | {"parameters": [_ID]},
    }


def access_components() -> tuple[Json, Json]:
    """``components/schemas`` and ``components/responses`` that the paths refer to."""
    return access_schemas(), {
        f"OAuth{status}": {"description": meaning, "content": {_JSON: {"schema": _refusal(status)}}} | _headers(status)
        for status, meaning in _REFUSALS.items()
    }


def _refusal(status: str) -> Json:
    match status:
        case "404":
            return {"anyOf": [component("schemas", "OAuthError"), component("schemas", "Detail")]}
        case "421":
            return component("schemas", "Detail")
        case _:
            return component("schemas", "OAuthError")


def _headers(status: str) -> Json:
    names = {"401": ("WWW-Authenticate",), "429": ("Retry-After",), "503": ("Retry-After",)}.get(status, ())
    return {"headers": response_headers(*names)} if names else {}


def _configuration() -> Json:
    """Below FHIR, which is where it is refused where there is no access control."""
    described = _operation(
        "smartConfiguration",
        "Where tokens come from",
        answer=_answer("What SMART calls the configuration.", "SmartConfiguration"),
        refusals=("503",),
        security=[],
    )
    described["responses"] |= {"404": component("responses", "NotFound"), "421": _MISDIRECTED}
    return described


def _token() -> Json:
    asked = {
        "grant_type": {"const": "client_credentials"},
        "scope": {
            "type": "string",
            "description": "Separated by blanks; what the client is registered for is granted.",
            "examples": ["system/ServiceRequest.crus system/Task.rs"],
        },
    }
    return _operation(
        "token",
        "Ask for an access token",
        body=_form({**asked, **_ASSERTED}, ("grant_type", "scope", "client_assertion_type", "client_assertion")),
        answer=_answer("The token, good for 300 seconds.", "AccessToken"),
        security=[],
    )


def _introspect() -> Json:
    return _operation(
        "introspect",
        "What a token stands for",
        description="A client is told of its own tokens, an administrator of all: RFC 7662.",
        body=_about_a_token(),
        answer=_answer("Whether it is good, and what for.", "TokenState"),
        security=_BEARER_OR_ASSERTION,
    )


def _revoke() -> Json:
    return _operation(
        "revoke",
        "End a token before its time",
        description="Unknown tokens, and those of others, are left as they are: RFC 7009.",
        body=_about_a_token(),
        answer={"description": "It is good no more, in any worker within a second."},
        security=_BEARER_OR_ASSERTION,
    )


def _list() -> Json:
    return _operation(
        "listClients",
        "All clients",
        answer={
            "description": "The oldest first.",
            "content": {_JSON: {"schema": component("schemas", "Clients")}},
        },
        refusals=_OF_ADMINISTRATORS,
    )


def _add() -> Json:
    return _operation(
        "addClient",
        "Register a client",
        body=_json("NewClient"),
        answer=_answer("As it is registered.", "RegisteredClient"),
        status="201",
        refusals=(*_OF_ADMINISTRATORS, "409"),
    )


def _change() -> Json:
    return _operation(
        "changeClient",
        "Change what a client is called, may ask for, and how often",
        description="What is not named stays; null stands for the scopes of the role, and for the usual rate. It holds "
        "within a second, for the tokens that are out, too.",
        body=_json("ClientChange"),
        answer=_answer("As it is registered now.", "RegisteredClient"),
        refusals=_OF_ADMINISTRATORS,
    )


def _keys() -> Json:
    return _operation(
        "setClientKeys",
        "Put keys in the place of those registered",
        description="To change keys without a gap, send the old and the new ones.",
        body=_json("ClientKeys"),
        answer=_answer("As it is registered now.", "RegisteredClient"),
        refusals=_OF_ADMINISTRATORS,
    )


def _one(identifier: str, summary: str) -> Json:
    return _operation(
        identifier, summary, answer=_answer("As it is registered.", "RegisteredClient"), refusals=_OF_ADMINISTRATORS
    )


def _operation(
    identifier: str,
    summary: str,
    *,
    answer: Json,
    description: str = "",
    body: Json | None = None,
    status: str = "200",
    refusals: tuple[str, ...] = (*_ALWAYS, "404"),
    security: list[Json] = _ONLY_BEARER,
) -> Json:
    described: Json = {"operationId": identifier, "tags": [ACCESS], "summary": summary}
    if description:
        described["description"] = description
    described["security"] = security
    if body is not None:
        described["requestBody"] = body
    failures = {each: component("responses", f"OAuth{each}") for each in sorted(refusals)}
    described["responses"] = {status: answer, **failures}
    return described


def _beside(**operations: Json) -> Json:
    return {"servers": _OUTSIDE_OF_BASE, **operations}


def _about_a_token() -> Json:
    token = {"token": {"type": "string", "description": "The access token that it is about."}}
    return _form({**token, **_ASSERTED}, ("token",))


def _form(properties: Json, required: tuple[str, ...]) -> Json:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"required": True, "content": {_FORM: {"schema": schema}}}


def _json(schema: str) -> Json:
    return {"required": True, "content": {_JSON: {"schema": component("schemas", schema)}}}


def _answer(description: str, schema: str) -> Json:
    return {"description": description, "content": {_JSON: {"schema": component("schemas", schema)}}}
