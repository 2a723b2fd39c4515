"""Fetching a small JSON document from a URL that somebody else gave us.

The host is looked up once, every address that it has must be allowed, and the connection goes to one of those very
addresses: a name that resolves differently a moment later (DNS rebinding) leads nowhere else. Redirects are refused,
proxies of the environment ignored; size and time are limited. https://owasp.org/www-community/attacks/Server_Side_Request_Forgery
"""

from __future__ import annotations

import asyncio
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import msgspec

from service.outgoing.address import check_address, check_url, is_address
from service.outgoing.error import OutgoingError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Sequence

    from service.outgoing.address import Network

    Resolve = Callable[[str, int], Awaitable[list[str]]]

_JSON: Final = "application/json"
_PORTS: Final = {"https": 443, "http": 80}


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A fetched JSON document and the headers of its answer, names in lower case."""

    content: Any
    headers: dict[str, str]


async def resolve(host: str, port: int) -> list[str]:
    """Every address of a host, as the system's resolver has them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Fetch:
    """Fetches JSON; `allowed` are private networks that may be reached, also by plain http.

    `certificates` None: the authorities that certifi lists, read when they are first needed.
    """

    def __init__(
        self,
        *,
        allowed: Sequence[Network] = (),
        timeout_seconds: float = 5.0,
        max_bytes: int = 256 << 10,
        resolve: Resolve = resolve,
        certificates: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = tuple(allowed)
        self._timeout_seconds = timeout_seconds
        self._max_bytes = max_bytes
        self._resolve = resolve
        self._certificates = certificates

    def check(self, url: str) -> None:
        """OutgoingError for a URL that would be refused whatever its host resolves to."""
        host = check_url(url, self._allowed)
        if is_address(host):
            check_address(host, encrypted=url.startswith("https:"), allowed=self._allowed)

    async def __call__(self, url: str, *, authorization: str | None = None, accept: str = _JSON) -> Document:
        """The document at `url`; OutgoingError. `authorization` is the header of that name, sent to this host alone."""
        import httpx  # noqa: PLC0415 - most services fetch nothing, and a start need not wait for it

        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        if authorization is not None:
            headers["Authorization"] = authorization
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._fetched(url, headers)
        except TimeoutError:
            raise OutgoingError(f"There was no answer within {self._timeout_seconds:g} seconds.") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError):
            raise OutgoingError("The host could not be reached.") from None

    async def _fetched(self, url: str, headers: dict[str, str]) -> Document:
        import httpx  # noqa: PLC0415 - as above

        host = check_url(url, self._allowed)
        target = httpx.URL(url)
        encrypted = target.scheme == "https"
        addresses = await self._resolve(host, target.port or _PORTS[target.scheme])
        if not addresses:
            raise OutgoingError("The host has no address.")
        for address in addresses:
            check_address(address, encrypted=encrypted, allowed=self._allowed)
        # where there are both, the older kind of address is the one that a server is more likely to reach
        address = min(addresses, key=lambda each: ":" in each)
        if self._certificates is None:
            self._certificates = await asyncio.to_thread(httpx.create_ssl_context, trust_env=False)
        timeout = httpx.Timeout(self._timeout_seconds)
        async with (
            httpx.AsyncClient(trust_env=False, timeout=timeout, verify=self._certificates) as client,
            client.stream(
                "GET",
                target.copy_with(host=address),
                headers={**headers, "Host": target.netloc.decode()},
                # the certificate is checked against the name, not the address that the connection goes to
                extensions={"sni_hostname": host},
            ) as response,
        ):
            if response.status_code != HTTPStatus.OK:
                raise OutgoingError(f"The answer has the status {response.status_code}; redirects are not followed.")
            body = bytearray()
            async for part in response.aiter_raw():
                body += part
                if len(body) > self._max_bytes:
                    raise OutgoingError(f"The answer is larger than {self._max_bytes} bytes.")
        try:
            content = msgspec.json.decode(bytes(body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise OutgoingError("The answer is not JSON.") from None
        return Document(content=content, headers={name.lower(): value for name, value in response.headers.items()})
