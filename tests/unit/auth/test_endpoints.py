"""Where the authorisation server is, beside a FHIR base."""

from __future__ import annotations

import pytest

from service.auth.endpoints import endpoints_of


@pytest.mark.parametrize(
    "fhir, token",
    [
        ("http://127.0.0.1:8000/fhir", "http://127.0.0.1:8000/auth/token"),
        ("https://example.org/fhir", "https://example.org/auth/token"),
        ("https://example.org/clinic/fhir", "https://example.org/clinic/auth/token"),
        ("https://fhir.example.org", "https://fhir.example.org/auth/token"),
    ],
)
def test_the_token_endpoint_lies_beside_the_fhir_base(fhir: str, token: str) -> None:
    assert endpoints_of(fhir).token == token
