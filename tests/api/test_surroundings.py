"""What holds for the whole service, whatever is asked for: hosts, proxies, headers for browsers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.app import create_app
from tests.conftest import client_of, settings_for

if TYPE_CHECKING:
    import httpx

    from service.assembly import Standard

NOWHERE = "postgresql://nobody@127.0.0.1:1/nowhere"
"""None of this needs a database."""

FOREIGN = {"Host": "rebound.example"}


@pytest.fixture
def service(standard: Standard) -> Any:
    """What makes a client of a service that is not connected to its database."""

    def make(**settings: Any) -> httpx.AsyncClient:
        return client_of(create_app(settings_for(NOWHERE, **settings), standard))

    return make


PLACES = ["/fhir/metadata", "/", "/docs", "/openapi.json", "/nothing", "/health/live", "/fhir/Nothing"]


@pytest.mark.parametrize("place", PLACES)
async def test_every_answer_keeps_browsers_from_guessing_framing_and_plain_http(service: Any, place: str) -> None:
    answer = await service(base_url="https://testserver/fhir").get(f"http://testserver{place}")
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    (policy,) = answer.headers.get_list("content-security-policy")
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize("place", PLACES)
async def test_a_host_that_is_not_called_by_https_is_not_held_to_it(service: Any, place: str) -> None:
    for settings in ({}, {"base_url": "http://testserver/fhir"}):
        answer = await service(**settings).get(f"http://testserver{place}")
        assert "strict-transport-security" not in answer.headers


@pytest.mark.parametrize("place", ["/fhir/metadata", "/fhir/Patient", "/", "/docs", "/openapi.json", "/nothing"])
async def test_a_foreign_host_is_refused_everywhere(service: Any, place: str) -> None:
    for settings in ({}, {"base_url": "https://fhir.example.org/fhir"}):
        answer = await service(**settings).get(f"http://testserver{place}", headers=FOREIGN)
        assert answer.status_code == 421
        assert "rebound" not in answer.text


async def test_health_is_asked_for_by_whatever_address(service: Any) -> None:
    """An orchestrator probes the address of a container, which nobody has told the service."""
    answer = await service().get("http://testserver/health/live", headers={"Host": "10.42.0.7:8000"})
    assert answer.status_code == 200


@pytest.mark.parametrize("host", ["fhir.example.org", "127.0.0.1:8000", "gateway.internal"])
async def test_the_public_host_loopback_and_those_allowed_are_known(service: Any, host: str) -> None:
    http = service(base_url="https://fhir.example.org/fhir", allowed_hosts="gateway.internal")
    assert (await http.get("/metadata", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("proxies, base", [("127.0.0.1", "https://testserver/fhir"), ("", "http://testserver/fhir")])
async def test_the_scheme_of_links_is_that_of_the_trusted_proxy(service: Any, proxies: str, base: str) -> None:
    """The client of these tests calls from 127.0.0.1."""
    http = service(trusted_proxies=proxies)
    answer = await http.get("/metadata", headers={"X-Forwarded-Proto": "https"})
    assert answer.json()["implementation"]["url"] == base
