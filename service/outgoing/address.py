"""Where the service may connect to when somebody else gave it the URL.

https://owasp.org/www-community/attacks/Server_Side_Request_Forgery: an address of the service's own network would let
a client read, by us, what it cannot reach itself.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from service.outgoing.error import OutgoingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    Network = IPv4Network | IPv6Network
    Address = IPv4Address | IPv6Address

_LONGEST_URL: Final = 2048
_MAPPED: Final = (
    IPv6Network("64:ff9b::/96"),  # NAT64
    IPv6Network("64:ff9b:1::/48"),  # local NAT64
    IPv6Network("2002::/16"),  # 6to4
    IPv6Network("2001::/32"),  # Teredo
)
"""IPv6 addresses that lead to an IPv4 address inside of them."""

_UNICAST: Final = IPv6Network("2000::/3")
"""All that is given out for the internet; the old site-local addresses (fec0::/10) are private and count as global."""

EVERYWHERE: Final = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
"""For URLs that whoever runs the service gave it."""


def check_url(url: str, allowed: Sequence[Network] = ()) -> str:
    """The host of a URL that may be fetched, as far as the URL tells; OutgoingError.

    https only, unless private networks are `allowed`: a test server within them may do without.
    """
    schemes = ("https", "http") if allowed else ("https",)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise OutgoingError("The URL cannot be read.") from None
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise OutgoingError(f"The URL must be of at most {_LONGEST_URL} plain ASCII characters.")
    if parts.scheme not in schemes or not host or port == 0:
        raise OutgoingError("The URL must begin with https:// and a host.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise OutgoingError("The URL must carry neither a user nor a fragment.")
    return host


def is_address(host: str) -> bool:
    """Whether a host is an IP address itself, in any notation that a resolver might take for one."""
    return ":" in host or not any(letter.isalpha() for letter in host.rpartition(".")[2])


def check_address(text: str, *, encrypted: bool, allowed: Sequence[Network] = ()) -> None:
    """OutgoingError unless the IP address is public, or in one of the `allowed` networks; those may be plain http."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        raise OutgoingError("The host has no address that can be read.") from None
    address = _plain(address)
    if any(address in network for network in allowed if network.version == address.version):
        return
    if not encrypted:
        raise OutgoingError("The URL must begin with https://.")
    if not _is_public(address):
        raise OutgoingError("The host's address is not a public one.")


def _plain(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and (address not in _UNICAST or any(address in each for each in _MAPPED)):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
