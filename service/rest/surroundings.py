"""What stands between clients and the whole service: proxies that are believed, hosts that it is called by, headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.fhir.outcome import FhirError
from service.rest.health import HEALTH, refused
from service.rest.protection import protected, protecting_headers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from service.rest.body import Receive
    from service.rest.hosts import Hosts
    from service.rest.protection import Send
    from service.rest.proxies import Proxies
    from service.rest.request import Scope

    Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


class Surroundings:
    """Looked after before a request goes on; `proxies` None: none is believed."""

    def __init__(self, proxies: Proxies | None, hosts: Hosts, base_url: str | None) -> None:
        self.hosts = hosts
        self._proxies = proxies
        self._headers = protecting_headers(base_url)

    def resolve(self, scope: Scope) -> None:
        """Put the client that a proxy speaks for in the place of the proxy."""
        if self._proxies is not None:
            self._proxies.resolve(scope)

    async def protect(self, application: Asgi, scope: Scope, receive: Receive, send: Send) -> None:
        """Have an application other than FHIR answer, which does all of this by itself, with the headers.

        Health is asked for by whatever address an orchestrator knows.
        """
        answer, send = application, protected(send, self._headers)
        if scope["type"] == "http" and not scope["path"].startswith(HEALTH):
            try:
                self.hosts.check(scope)
            except FhirError as error:
                answer = refused(error)
        await answer(scope, receive, send)
