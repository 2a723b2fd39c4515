"""The hosts that requests may name: another one is a mistake, or a page that has its own name lead here.

A browser lets a page read what its own host answers; whoever owns a name can have it lead to this service (DNS
rebinding), and only the Host header tells. Names of the loopback are nobody's, so they are always known: a proxy or a
developer on the same machine uses them. Ports are not looked at.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from service.fhir.outcome import failure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.rest.request import Scope

ANY: Final = "*"
_HOST: Final = re.compile(r"(?P<name>[A-Za-z0-9._\-]+|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?")
_MOST_REMEMBERED: Final = 256


class Hosts:
    """The names and addresses by which the service is called; ``*`` among them is any."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(map(_plain, names))
        self._known: set[bytes] = set()

    def check(self, scope: Scope) -> None:
        """FhirError host-unknown for a Host of which the service knows nothing, header-invalid for none at all."""
        sent = [value for name, value in scope["headers"] if name == b"host"]
        for host in sent or [None]:
            self.check_one(host, scope)

    def check_one(self, host: bytes | None, scope: Scope) -> None:
        """The same for the only Host of a request; None where it has none."""
        if host in self._known or ANY in self._names:
            return
        if host is not None:
            self._judge(host)
        elif scope.get("http_version", "1.1") == "1.1":
            raise failure("header-invalid", "HTTP/1.1 needs the header Host.", "http.Host")

    def _judge(self, host: bytes) -> None:
        match = _HOST.fullmatch(host.decode("latin-1"))
        if match is None:
            raise failure("header-invalid", "The Host header must be a host name and an optional port.", "http.Host")
        name = _plain(match["name"])
        if name not in self._names and not _is_loopback(name):
            # it is not quoted: a page that has its own name lead here may be shown the answer
            told = "The service is not known by this Host; its operator can add the name to ALLOWED_HOSTS."
            raise failure("host-unknown", told, "http.Host")
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known.add(host)


def _plain(name: str) -> str:
    return name.lower().rstrip(".").strip("[]")


def _is_loopback(name: str) -> bool:
    try:
        return name == "localhost" or name.endswith(".localhost") or ip_address(name).is_loopback
    except ValueError:
        return False
