"""What the OpenAPI document says of access control, a service without it does: it is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema_rs

if TYPE_CHECKING:
    import httpx

    from tests.api.openapi.described import Described
    from tests.conftest import MakeClient

Json = dict[str, Any]

ROOT = "http://testserver"


async def test_what_an_open_service_does_not_have_is_refused_as_described(
    client: httpx.AsyncClient, described: Described
) -> None:
    """The authorisation server outside of the FHIR base, and what tells of it below."""
    for method, path in [*described.operations("/auth"), *described.operations("/.well-known")]:
        address = f"{ROOT}{path.replace('{id}', 'a')}" if path.startswith("/auth") else path[1:]
        assert_refused(described, await client.request(method, address), method, path, 404)


async def test_another_host_is_refused_as_described(make_client: MakeClient, described: Described) -> None:
    elsewhere = {"Host": "elsewhere.example"}
    async with make_client(base_url=f"{ROOT}/fhir") as client:
        for path, address in (
            ("/auth/token", f"{ROOT}/auth/token"),
            ("/.well-known/smart-configuration", ".well-known/smart-configuration"),
        ):
            for method, _ in described.operations(path):
                response = await client.request(method, address, headers=elsewhere)
                assert_refused(described, response, method, path, 421)


def assert_refused(described: Described, response: httpx.Response, method: str, path: str, status: int) -> None:
    """The answer has this status, and a body that the document has for it."""
    assert response.status_code == status, f"{method} {path}"
    answer = described.answer(method, path, status)
    schema = answer["content"][response.headers["content-type"].partition(";")[0]]["schema"]
    schemas = {"components": {"schemas": described.document["components"]["schemas"]}}
    assert jsonschema_rs.is_valid({**schema, **schemas}, response.json()), f"{method} {path}: {response.text}"
