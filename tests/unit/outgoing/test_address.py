"""URLs that somebody else gave us: which are fetched at all, and which addresses they may lead to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.outgoing.address import EVERYWHERE, check_address, check_url
from service.outgoing.error import OutgoingError

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",  # noqa: S104 - an address to be refused
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "feff::1",
    "5f00::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "not an address",
    "",
]
PUBLIC = ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    """Loopback, private, link-local, site-local, shared, reserved, multicast, and IPv6 that leads to such IPv4."""
    with pytest.raises(OutgoingError):
        check_address(address, encrypted=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_for_encrypted_connections(address: str) -> None:
    check_address(address, encrypted=True)
    with pytest.raises(OutgoingError):
        check_address(address, encrypted=False)


def test_a_network_that_is_allowed_opens_itself_and_no_other() -> None:
    """Also to plain http, and behind an IPv4-mapped address."""
    allowed = (ip_network("10.1.0.0/16"),)
    for address in ("10.1.2.3", "::ffff:10.1.2.3"):
        check_address(address, encrypted=False, allowed=allowed)
    for address in ("10.2.0.1", "127.0.0.1", "::1"):
        with pytest.raises(OutgoingError):
            check_address(address, encrypted=True, allowed=allowed)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_what_is_accepted_is_global(address: IPv4Address | IPv6Address) -> None:
    """For every address that there is."""
    try:
        check_address(str(address), encrypted=True)
    except OutgoingError:
        return
    assert address.is_global
    assert not address.is_multicast


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_whoever_runs_the_service_may_name_any_address(address: IPv4Address | IPv6Address) -> None:
    check_address(str(address), encrypted=False, allowed=EVERYWHERE)


BAD_URLS = [
    "",
    "https://",
    "https:///path",
    "//host/path",
    "host/path",
    "http://host/",
    "ftp://host/",
    "file:///etc/passwd",
    "gopher://host/",
    "https://user@host/",
    "https://user:password@host/",
    "https://host/#fragment",
    "https://host:0/",
    "https://host:99999/",
    "https://[::1/",
    "https://host\\@other/",
    "https://ho st/",
    "https://host/\r\nX: y",
    "https://hößt/",
    "https://host/" + "a" * 2048,
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_url_of_another_form_is_refused(url: str) -> None:
    """Each could be read in two ways, or leads elsewhere than to a web server with TLS."""
    with pytest.raises(OutgoingError):
        check_url(url)


@pytest.mark.parametrize(
    "url", ["https://ehr.example.org/jwks.json", "https://ehr.example.org:8443/a?b=c", "HTTPS://X.Y/"]
)
def test_a_plain_https_url_is_accepted(url: str) -> None:
    assert check_url(url)


@given(st.text())
def test_no_text_is_too_strange_to_be_refused(text: str) -> None:
    """Refused or accepted, never anything else."""
    try:
        assert check_url(text)
    except OutgoingError as error:
        assert not text or len(text) < 4 or text not in str(error)


def test_plain_http_needs_a_network_that_is_allowed() -> None:
    networks: tuple[IPv4Network | IPv6Network, ...] = (ip_network("127.0.0.0/8"),)
    assert check_url("http://127.0.0.1:8080/jwks", networks) == "127.0.0.1"
