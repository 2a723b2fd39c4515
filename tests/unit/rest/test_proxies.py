"""From where a request came: told by proxies, and believed of those that are trusted only."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from service.rest.proxies import Family, Proxies

TRUSTED = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


def resolved(peer: str, headers: dict[str, str], family: Family = "x-forwarded") -> tuple[str, str]:
    """The address and the scheme that are believed of a plain request from `peer`."""
    sent = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope: dict[str, Any] = {"client": (peer, 1234), "scheme": "http", "headers": sent}
    Proxies(TRUSTED, family).resolve(scope)
    return scope["client"][0], scope["scheme"]


BELIEVED = [
    ("10.0.0.1", {"X-Forwarded-For": "203.0.113.7"}, "203.0.113.7"),
    ("10.0.0.1", {"X-Forwarded-For": "203.0.113.7, 10.0.0.9"}, "203.0.113.7"),
    ("10.0.0.1", {"X-Forwarded-For": "198.51.100.66, 203.0.113.7"}, "203.0.113.7"),
    ("10.0.0.1", {"X-Forwarded-For": "198.51.100.66, 203.0.113.7, 10.0.0.9, 10.0.0.8"}, "203.0.113.7"),
    ("10.0.0.1", {"X-Forwarded-For": "10.0.0.5, 10.0.0.9"}, "10.0.0.5"),
    ("10.0.0.1", {"X-Forwarded-For": "203.0.113.7:50123"}, "203.0.113.7"),
    ("10.0.0.1", {"X-Forwarded-For": "[2001:db8::7]:50123"}, "2001:db8::7"),
    ("10.0.0.1", {"X-Forwarded-For": "2001:db8::7"}, "2001:db8::7"),
    ("10.0.0.1", {"X-Forwarded-For": "::ffff:203.0.113.7"}, "203.0.113.7"),
    ("::ffff:10.0.0.1", {"X-Forwarded-For": "203.0.113.7"}, "203.0.113.7"),
    ("fd00::1", {"X-Forwarded-For": "203.0.113.7"}, "203.0.113.7"),
    ("10.0.0.1", {}, "10.0.0.1"),
]


@pytest.mark.parametrize("peer, headers, address", BELIEVED)
def test_the_client_is_the_last_one_that_no_trusted_proxy_is(peer: str, headers: dict[str, str], address: str) -> None:
    """What stands before it in the list was sent by itself, and may be made up."""
    assert resolved(peer, headers)[0] == address


@pytest.mark.parametrize("peer", ["203.0.113.1", "11.0.0.1", "2001:db8::1", "127.0.0.1"])
@pytest.mark.parametrize("family", ["x-forwarded", "forwarded"])
def test_nobody_else_is_believed(peer: str, family: Family) -> None:
    spoofed = {
        "X-Forwarded-For": "198.51.100.66",
        "X-Forwarded-Proto": "https",
        "Forwarded": "for=198.51.100.66;proto=https",
    }
    assert resolved(peer, spoofed, family) == (peer, "http")


@pytest.mark.parametrize("told", ["unknown", "", "_hidden", "198.51.100.66.1", "a, b", "198.51.100.66, x", "\xff"])
def test_where_a_proxy_tells_no_address_it_stands_for_its_client(told: str) -> None:
    """Never the made-up ones before that."""
    assert resolved("10.0.0.1", {"X-Forwarded-For": told})[0] == "10.0.0.1"


def test_a_proxy_that_sets_one_family_passes_the_other_on_as_it_came() -> None:
    """So only one of them is believed."""
    both = {"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=198.51.100.66;proto=https"}
    assert resolved("10.0.0.1", both, "x-forwarded") == ("203.0.113.7", "http")
    both = {"X-Forwarded-For": "198.51.100.66", "X-Forwarded-Proto": "https", "Forwarded": "for=203.0.113.7"}
    assert resolved("10.0.0.1", both, "forwarded") == ("203.0.113.7", "http")


FORWARDED = [
    ("for=203.0.113.7;proto=https;by=10.0.0.1", ("203.0.113.7", "https")),
    ('For="[2001:db8:cafe::17]:4711";Proto=HTTPS', ("2001:db8:cafe::17", "https")),
    ("for=198.51.100.66;proto=https, for=203.0.113.7;proto=http", ("203.0.113.7", "http")),
    ("for=203.0.113.7;proto=https, for=10.0.0.9;proto=http", ("203.0.113.7", "https")),
    ("for=198.51.100.66, for=unknown", ("10.0.0.1", "http")),
    ("for=198.51.100.66, proto=https", ("10.0.0.1", "https")),
    ("=;=,,;", ("10.0.0.1", "http")),
    ('for="203.0.113.7', ("10.0.0.1", "http")),
]


@pytest.mark.parametrize("header, expected", FORWARDED)
def test_forwarded_is_read_as_rfc_7239_has_it(header: str, expected: tuple[str, str]) -> None:
    assert resolved("10.0.0.1", {"Forwarded": header}, "forwarded") == expected


@pytest.mark.parametrize(
    "told, scheme", [("https", "https"), ("HTTPS", "https"), ("http, https", "https"), ("file", "http"), ("", "http")]
)
def test_the_scheme_is_what_the_nearest_proxy_says(told: str, scheme: str) -> None:
    assert resolved("10.0.0.1", {"X-Forwarded-Proto": told})[1] == scheme


def test_a_list_without_end_is_looked_at_for_twenty_hops() -> None:
    hops = ", ".join(["203.0.113.7"] + ["10.0.0.2"] * 100_000)
    assert resolved("10.0.0.1", {"X-Forwarded-For": hops})[0] == "10.0.0.2"


def test_a_list_may_be_spread_over_several_headers() -> None:
    scope: dict[str, Any] = {
        "client": ("10.0.0.1", 1),
        "headers": [(b"x-forwarded-for", b"198.51.100.66"), (b"x-forwarded-for", b"203.0.113.7")],
    }
    Proxies(TRUSTED, "x-forwarded").resolve(scope)
    assert scope["client"][0] == "203.0.113.7"


def test_a_request_from_nowhere_stays_so() -> None:
    """A Unix socket has no address."""
    scope: dict[str, Any] = {"client": None, "headers": [(b"x-forwarded-for", b"203.0.113.7")]}
    Proxies(TRUSTED, "x-forwarded").resolve(scope)
    assert scope["client"] is None
