"""The rules for headers and claims by themselves; through the endpoints they are tried in tests/api/auth."""

from __future__ import annotations

from typing import Any

import pytest

from service.access.claims import (
    Assertion,
    Header,
    access_token_header,
    assertion_claims,
    assertion_header,
    check_access_token,
    check_times,
    client_of,
    granted_text,
    require_registered_jku,
)
from service.access.refusal import Refused

NOW = 1_800_000_000.0
AUDIENCE = "https://fhir.example.org/auth/token"
HEADER = {"alg": "ES384", "kid": "k", "typ": "JWT"}
CLAIMS = {"iss": "c", "sub": "c", "aud": AUDIENCE, "exp": NOW + 300, "jti": "1"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"alg": "RS384"},
        {"typ": "jwt"},
        {"typ": "client-authentication+jwt"},
        {"x5t": "x", "unheard-of": [1]},
        {"jku": "https://ehr.example.org/jwks"},
    ],
)
def test_a_header_of_a_good_assertion_is_read(changes: dict[str, Any]) -> None:
    """What it says beside is nobody's business."""
    header = HEADER | changes
    require_registered_jku(header, jwks_url="https://ehr.example.org/jwks")
    read = assertion_header(header)
    assert read == Header(algorithm=header["alg"], key_id="k")


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "none"},
        {"alg": "HS384"},
        {"alg": "ES256"},
        {"alg": None},
        {"alg": ["ES384"]},
        {"alg": {"ES384": 1}},
        {"kid": None},
        {"kid": ""},
        {"kid": 1},
        {"kid": "k" * 256},
        {"typ": "at+jwt"},
        {"typ": None},
        {"typ": 1},
        {"crit": []},
        {"crit": ["b64"], "b64": False},
        {"b64": True},
    ],
)
def test_a_header_of_another_kind_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        assertion_header(HEADER | changes)


@pytest.mark.parametrize("jku", ["https://ehr.example.org/jwks/", None, 1])
def test_another_jku_than_the_registered_one_is_refused(jku: Any) -> None:
    with pytest.raises(Refused):
        require_registered_jku(HEADER | {"jku": jku}, jwks_url="https://ehr.example.org/jwks")


def test_a_jku_is_refused_from_a_client_whose_keys_are_registered_themselves() -> None:
    with pytest.raises(Refused, match="jku"):
        require_registered_jku(HEADER | {"jku": "https://ehr.example.org/jwks"}, jwks_url=None)


@pytest.mark.parametrize("changes", [{}, {"aud": [AUDIENCE]}, {"exp": NOW + 310}, {"exp": NOW - 9}, {"nbf": NOW + 10}])
def test_the_claims_of_a_good_assertion_are_read(changes: dict[str, Any]) -> None:
    """Clocks may be ten seconds apart."""
    claims: dict[str, Any] = CLAIMS | changes
    read = assertion_claims(claims, client_id="c", audience=AUDIENCE, now=NOW)
    assert read == Assertion(client_id="c", token_id="1", expires_at=claims["exp"])


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["1", True, [], {}, -1, 1e300, 1 << 80])
def test_a_time_that_is_no_number_of_seconds_is_refused(name: str, value: Any) -> None:
    with pytest.raises(Refused):
        check_times({"exp": NOW + 1, name: value}, now=NOW)


@pytest.mark.parametrize("changes", [{"exp": NOW - 10}, {"nbf": NOW + 10.1}, {"iat": NOW + 11}, {"exp": None}])
def test_a_token_holds_from_its_beginning_to_its_end(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        check_times({"exp": NOW + 1} | changes, now=NOW)


ACCESS = {"iss": "https://i", "aud": "us", "exp": NOW + 60}


@pytest.mark.parametrize("aud", ["us", ["us"], ["others", "us"]])
def test_an_access_token_for_us_is_accepted(aud: Any) -> None:
    assert check_access_token(ACCESS | {"aud": aud}, issuer="https://i", audience="us", now=NOW) == NOW + 60


@pytest.mark.parametrize("changes", [{"iss": "https://other"}, {"iss": None}, {"aud": "u"}, {"aud": []}, {"aud": None}])
def test_an_access_token_for_others_or_of_others_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        check_access_token(ACCESS | changes, issuer="https://i", audience="us", now=NOW)


@pytest.mark.parametrize("header", [{"alg": "RS256"}, {"alg": "RS256", "kid": "k", "typ": "at+jwt"}])
def test_an_access_token_need_not_name_its_key_or_kind(header: dict[str, Any]) -> None:
    """Its issuer may have a single key."""
    assert access_token_header(header, algorithms=["RS256"]).key_id == header.get("kid")


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS256"}, {"alg": "RS256", "crit": ["x"]}, {}])
def test_an_access_token_with_another_header_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        access_token_header(header, algorithms=["RS256"])


@pytest.mark.parametrize(
    "claims, client_id", [({"client_id": "a", "azp": "b"}, "a"), ({"azp": "b"}, "b"), ({"appid": "c"}, "c")]
)
def test_the_client_is_found_where_issuers_put_it(claims: dict[str, Any], client_id: str) -> None:
    assert client_of(claims) == client_id


@pytest.mark.parametrize("claims", [{}, {"sub": "x"}, {"client_id": ""}, {"client_id": 1, "azp": "b"}, {"azp": "a\n"}])
def test_a_token_without_a_client_is_refused(claims: dict[str, Any]) -> None:
    """The subject may be a person."""
    with pytest.raises(Refused):
        client_of(claims)


@pytest.mark.parametrize(
    "claims, text",
    [
        ({}, ""),
        ({"scope": "a b"}, "a b"),
        ({"scp": ["a", 1, "b"]}, "a b"),
        ({"scope": "a", "scp": "b"}, "a b"),
        ({"scope": 5}, ""),
    ],
)
def test_scopes_are_read_however_they_are_written(claims: dict[str, Any], text: str) -> None:
    assert granted_text(claims) == text
