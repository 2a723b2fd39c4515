"""Tokens as text: whatever is sent is refused or read, and nothing unsigned comes out as verified."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.claims import assertion_claims, assertion_header, require_registered_jku
from service.access.refusal import Refused
from service.auth.token_text import LONGEST_TOKEN, unverified, verified
from tests.api.auth.signing import AUDIENCE, NOW, Signer, claims_of, encoded

JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "alg", "kid", "typ", "crit", "jku", "b64"])
SIGNER = Signer("k")


@given(st.text() | st.binary().map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_any_text_is_a_token_or_is_refused(text: str) -> None:
    try:
        unverified(text)
    except Refused as refused:
        assert refused.reason


@given(JSON, JSON)
def test_whatever_its_parts_say_it_is_a_token_or_is_refused(header: object, claims: object) -> None:
    token = f"{encoded(header)}.{encoded(claims)}.AA"
    try:
        read = unverified(token)
    except Refused:
        assert not (isinstance(header, dict) and isinstance(claims, dict)) or len(token) > LONGEST_TOKEN
    else:
        assert isinstance(read.header, dict)
        with pytest.raises(Refused):
            verified(token, SIGNER.public, "ES384")


@given(st.dictionaries(NAMES, JSON, max_size=6))
def test_strange_headers_and_claims_are_refused_and_never_a_fault(strange: dict[str, object]) -> None:
    """Whatever types their values have."""
    for judge in (
        lambda: assertion_header({"alg": "ES384", "kid": "k"} | strange),
        lambda: require_registered_jku(strange, jwks_url=None),
        lambda: assertion_claims(claims_of("c") | strange, client_id="c", audience=AUDIENCE, now=NOW),
    ):
        try:
            judge()
        except Refused as refused:
            assert refused.reason


@given(st.binary(max_size=200))
def test_no_other_signature_than_the_keys_own_verifies(signature: bytes) -> None:
    signed = SIGNER.sign(claims_of("c")).rpartition(".")[0]
    with pytest.raises(Refused):
        verified(f"{signed}.{encoded(signature)}", SIGNER.public, "ES384")


@pytest.mark.parametrize("kind, algorithm", [("EC", "RS384"), ("RSA", "ES384"), ("EC", "HS384"), ("RSA", "none")])
def test_a_key_verifies_no_algorithm_of_another_kind(kind: str, algorithm: str) -> None:
    """Even if somebody asked for it."""
    signer = Signer("k", "EC" if kind == "EC" else "RSA")
    token = signer.sign(claims_of("c"), alg=algorithm)
    with pytest.raises(Refused):
        verified(token, signer.public, algorithm)


def test_what_was_signed_comes_out_as_it_was() -> None:
    for signer in (SIGNER, Signer("r", "RSA")):
        claims = claims_of("c")
        assert verified(signer.sign(claims), signer.public, signer.algorithm) == claims
