"""What proxies say of a request: from where it came, and whether it was encrypted; believed of trusted ones only.

Anybody can send these headers. An address is believed as far as it was added by a proxy that is trusted, so it is
looked for from the end of the list, where the nearest proxy has added who called it. Only one family of headers is
looked at, because a proxy that sets one of them passes the other on as the client sent it.
https://www.rfc-editor.org/rfc/rfc7239
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from service.rest.request import Scope

    Network = IPv4Network | IPv6Network

Family = Literal["x-forwarded", "forwarded"]

_SCHEMES: Final = ("http", "https")
_MOST_HOPS: Final = 20
_PAIR: Final = re.compile(r'\s*([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^\s;,"]*)\s*(?:;|\Z)')
_NODE: Final = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<four>[0-9.]+))(?::\d{1,5})?")


class Proxies:
    """Proxies in the `trusted` networks, which set the headers of one `family`."""

    def __init__(self, trusted: Sequence[Network], family: Family) -> None:
        self._trusted = tuple(trusted)
        self._hops = _forwarded if family == "forwarded" else _x_forwarded

    def resolve(self, scope: Scope) -> None:
        """Put the real client's address, and the scheme that it used, in the place of the nearest proxy's."""
        caller = scope.get("client")
        address = _parsed(caller[0]) if caller else None
        if address is None or not self._trusts(address):
            return
        found, scheme = address, None
        for hop, told in self._hops(scope["headers"]):
            scheme = told or scheme
            if hop is None:
                break
            found = hop
            if not self._trusts(hop):
                break
        if found != address:
            scope["client"] = (str(found), 0)
        if scheme in _SCHEMES:
            scope["scheme"] = scheme

    def _trusts(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted)


@lru_cache(maxsize=1024)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """The address of a text, an IPv4 one where it is mapped into IPv6; None for anything else."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


_Hop = tuple[IPv4Address | IPv6Address | None, str | None]
"""Who called, and by which scheme where that is told; None for what is no address."""


def _x_forwarded(headers: Iterable[tuple[bytes, bytes]]) -> list[_Hop]:
    """The hops of X-Forwarded-For, the nearest first; X-Forwarded-Proto counts as the nearest proxy has set it."""
    sent = list(headers)
    nearest = _listed(sent, b"x-forwarded-proto")[:1]
    scheme = nearest[0].lower() if nearest else None
    hops: list[_Hop] = [(_address(each), None) for each in _listed(sent, b"x-forwarded-for")]
    if not hops:
        return [(None, scheme)]
    return [(hops[0][0], scheme), *hops[1:]]


def _forwarded(headers: Iterable[tuple[bytes, bytes]]) -> list[_Hop]:
    """The hops of Forwarded, the nearest first."""
    hops: list[_Hop] = []
    for element in _listed(headers, b"forwarded"):
        pairs = {name.lower(): value.strip('"') for name, value in _PAIR.findall(element)}
        hops.append((_address(pairs.get("for", "")), pairs.get("proto", "").lower() or None))
    return hops


def _listed(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    """The last values of a list that may be spread over several headers, the last one first."""
    values = [value for sent, value in headers if sent == name]
    return (
        [part.strip() for part in b",".join(values).decode("latin-1").split(",")[-_MOST_HOPS:]][::-1] if values else []
    )


def _address(node: str) -> IPv4Address | IPv6Address | None:
    """The address of a node, with or without port and brackets; ``unknown`` and made-up names are none."""
    node = node.strip('"')
    match = _NODE.fullmatch(node)
    return _parsed((match["six"] or match["four"]) if match else node)
