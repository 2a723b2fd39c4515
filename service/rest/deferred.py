"""An application that is made when it is first asked, because making it would hold up a start."""

from __future__ import annotations

import asyncio
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from service.rest.body import Receive
    from service.rest.protection import Send
    from service.rest.request import Scope

    Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


class Deferred:
    """The application that `make` makes: once, and in a thread, while other requests are answered."""

    def __init__(self, make: Callable[[], Asgi]) -> None:
        self._make = make
        self._made: Asgi | None = None
        self._lock = Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have it answer."""
        application = self._made
        if application is None:
            application = await asyncio.to_thread(self.made)
        await application(scope, receive, send)

    def made(self) -> Asgi:
        """It itself, from any thread."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
        return self._made
