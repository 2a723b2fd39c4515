"""Which key verifies a token: exactly one, of the right kind, for signatures."""

from __future__ import annotations

from typing import Any

import pytest

from service.access.claims import Header
from service.access.keys import select_key
from service.access.refusal import Refused

EC = {"kty": "EC", "crv": "P-384", "kid": "k", "x": "x", "y": "y"}
RSA = {"kty": "RSA", "kid": "k", "n": "A" * 342, "e": "AQAB"}
BY_EC = Header(algorithm="ES384", key_id="k")
BY_RSA = Header(algorithm="RS384", key_id="k")


def test_a_key_is_named_by_kid_and_by_the_kind_that_the_algorithm_needs() -> None:
    """Two keys of one kid are told apart by their type."""
    assert select_key([EC, RSA], BY_EC) is EC
    assert select_key([EC, RSA], BY_RSA) is RSA


def test_a_token_that_names_no_key_is_verified_by_the_only_one_that_fits() -> None:
    assert select_key([RSA, EC], Header(algorithm="ES384", key_id=None)) is EC
    with pytest.raises(Refused, match="Several"):
        select_key([EC, EC | {"kid": "other"}], Header(algorithm="ES384", key_id=None))


@pytest.mark.parametrize("keys", [[], [RSA], [EC | {"kid": "other"}], [{**EC, "kid": None}], [EC, EC]])
def test_none_or_several_verify_nothing(keys: list[dict[str, Any]]) -> None:
    with pytest.raises(Refused):
        select_key(keys, BY_EC)


@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"},
        {"alg": "ES256"},
        {"key_ops": ["sign"]},
        {"key_ops": "verify"},
        {"crv": "P-256"},
        {"crv": None},
        {"kty": "OKP"},
        {"kty": "oct"},
        {"kty": None},
    ],
)
def test_a_key_for_something_else_verifies_nothing(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        select_key([EC | changes], BY_EC)


@pytest.mark.parametrize("changes", [{"use": "sig"}, {"alg": "ES384"}, {"key_ops": ["verify"]}])
def test_a_key_that_says_what_it_is_for_verifies_that(changes: dict[str, Any]) -> None:
    assert select_key([EC | changes], BY_EC) == EC | changes


@pytest.mark.parametrize("modulus", ["A" * 171, "A" * 341, "A" * 1367, "", None, 5])
def test_an_rsa_key_is_neither_short_nor_endless(modulus: Any) -> None:
    """2048 to 8192 bits."""
    with pytest.raises(Refused):
        select_key([RSA | {"n": modulus}], BY_RSA)
