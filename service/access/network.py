"""Whom a network address stands for."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

_OF_ONE: Final = 64
"""Whoever has one IPv6 address has the others of its /64, too."""


@lru_cache(maxsize=1024)
def who_calls(address: str | None) -> str:
    """What all addresses of one caller have in common: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return ""
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or IPv6Network((parsed, _OF_ONE), strict=False))
