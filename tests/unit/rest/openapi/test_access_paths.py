"""What the OpenAPI document says of access control is what the authorisation server has and reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.auth.administration import Administration
from service.auth.error import _STATUS
from service.auth.recording import Recording
from service.auth.registering import Changes, NewClient, NewKeys
from service.auth.registry_routes import registry_routes
from service.auth.routes import token_routes
from service.auth.strangers import Strangers
from service.auth.watch import Watch
from service.rest.openapi.access_paths import access_components, access_paths

if TYPE_CHECKING:
    import msgspec

METHODS = ("get", "post", "put", "patch", "delete")
ANY: Any = None


def test_every_address_of_access_control_is_described_and_no_other() -> None:
    watch = Watch(Strangers(per_minute=1, workers=1), Recording(None, ANY), ANY)
    routes = [
        *token_routes(ANY, ANY, watch),
        *registry_routes(
            Administration(ANY, ANY, issuers=(), check_url=ANY, new_id=ANY, now=ANY), Recording(None, ANY)
        ),
    ]
    served = {(route.path, method.lower()) for route in routes for method in (route.methods or ()) if method != "HEAD"}
    described = {(path, method) for path, item in access_paths().items() for method in METHODS if method in item}
    assert described == served | {("/.well-known/smart-configuration", "get")}


@pytest.mark.parametrize("schema, read", [("NewClient", NewClient), ("ClientChange", Changes), ("ClientKeys", NewKeys)])
def test_what_is_described_of_a_body_is_what_is_read(schema: str, read: type[msgspec.Struct]) -> None:
    schemas, _ = access_components()
    assert set(schemas[schema]["properties"]) == set(read.__struct_fields__)
    assert schemas[schema]["additionalProperties"] is False


def test_every_error_code_of_oauth_is_described_under_its_status() -> None:
    _, responses = access_components()
    for code, status in _STATUS.items():
        assert f"`{code}`" in responses[f"OAuth{int(status)}"]["description"]


def test_who_is_asked_to_wait_is_told_how_long() -> None:
    _, responses = access_components()
    assert [name for name, each in responses.items() if "Retry-After" in each.get("headers", {})] == [
        "OAuth429",
        "OAuth503",
    ]
