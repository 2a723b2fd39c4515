"""OPTIONS, and what browsers are told about other origins."""

from __future__ import annotations

import pytest

from service.fhir.outcome import failure
from tests.unit.rest.recording import RecordingEngine, application, exchange

PORTAL = "https://portal.example.org"
PREFLIGHT = (("Origin", PORTAL), ("Access-Control-Request-Method", "PUT"))


@pytest.mark.parametrize(
    "target, allow",
    [
        ("/", "GET, HEAD, POST, OPTIONS"),
        ("/metadata", "GET, HEAD, OPTIONS"),
        ("/Patient", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        ("/Patient/a", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("/Patient/_search", "POST, OPTIONS"),
        ("/Patient/a/_history", "GET, HEAD, OPTIONS"),
        ("/Patient/$validate", "GET, HEAD, POST, OPTIONS"),
    ],
)
async def test_options_names_the_methods_of_a_place(target: str, allow: str) -> None:
    """OPTIONS is answered without asking the engine."""
    engine = RecordingEngine()
    response = await exchange(application(engine), "OPTIONS", target)
    assert (response.status_code, response.headers["allow"], engine.asked) == (204, allow, [])


async def test_options_of_nothing_is_not_found() -> None:
    """A place that is not there has no methods."""
    assert (await exchange(application(RecordingEngine()), "OPTIONS", "/Nonsense")).status_code == 404


async def test_a_preflight_is_told_what_a_page_may_send() -> None:
    """Methods of the place, and the headers of FHIR's RESTful API."""
    response = await exchange(application(RecordingEngine()), "OPTIONS", "/Patient/a", PREFLIGHT)
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == "*"
    assert "PUT" in response.headers["access-control-allow-methods"]
    assert {"If-Match", "Prefer", "Authorization"} <= set(response.headers["access-control-allow-headers"].split(", "))
    assert "access-control-allow-credentials" not in response.headers


async def test_a_page_may_read_the_headers_that_fhir_needs() -> None:
    """ETag and Location are of no use to a page that cannot see them."""
    response = await exchange(application(RecordingEngine()), "GET", "/Patient/a", (("Origin", PORTAL),))
    assert response.headers["access-control-allow-origin"] == "*"
    assert {"ETag", "Location", "Last-Modified", "X-Request-Id"} <= set(
        response.headers["access-control-expose-headers"].split(", ")
    )


async def test_a_page_may_read_refusals_too() -> None:
    """Without the headers a browser would hide the OperationOutcome."""
    engine = RecordingEngine(error=failure("not-found", "No."))
    response = await exchange(application(engine), "GET", "/Patient/a", (("Origin", PORTAL),))
    assert response.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("origin, allowed", [(PORTAL, True), ("https://evil.example.org", False), ("null", False)])
async def test_only_listed_origins_are_let_in(origin: str, allowed: bool) -> None:
    """With a list of origins, the one that calls is named; others get an answer that a browser hides."""
    served = application(RecordingEngine(), cors_origins=(PORTAL,))
    response = await exchange(served, "GET", "/Patient/a", (("Origin", origin),))
    assert response.headers.get("access-control-allow-origin") == (PORTAL if allowed else None)
    assert "origin" in response.headers["vary"]
    preflight = await exchange(
        served, "OPTIONS", "/Patient/a", (("Origin", origin), ("Access-Control-Request-Method", "PUT"))
    )
    assert ("access-control-allow-methods" in preflight.headers) == allowed


async def test_without_an_origin_nothing_is_said_about_origins() -> None:
    """Clients that are no browsers get no such headers."""
    response = await exchange(application(RecordingEngine()), "GET", "/Patient/a")
    assert not [name for name in response.headers if name.startswith("access-control-")]
