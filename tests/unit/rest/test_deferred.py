"""An application that is made when it is first asked is made once, and not in the way of others."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from service.rest.deferred import Deferred

if TYPE_CHECKING:
    from service.rest.body import Receive
    from service.rest.protection import Send
    from service.rest.request import Scope


class Application:
    """Remembers who made it and what it was asked."""

    def __init__(self) -> None:
        self.made_by = threading.current_thread()
        self.asked: list[Scope] = []

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        self.asked.append(scope)


async def nothing(*_: Any) -> Any:
    """Neither received nor sent."""


async def test_requests_at_the_same_time_are_answered_by_one_application() -> None:
    made: list[Application] = []

    def make() -> Application:
        made.append(Application())
        return made[-1]

    deferred = Deferred(make)
    await asyncio.gather(*(deferred({"path": f"/{number}"}, nothing, nothing) for number in range(8)))
    assert len(made) == 1
    assert len(made[0].asked) == 8


async def test_it_is_made_beside_the_event_loop() -> None:
    deferred = Deferred(Application)
    await deferred({"path": "/"}, nothing, nothing)
    application = deferred.made()
    assert isinstance(application, Application)
    assert application.made_by is not threading.current_thread()


async def test_what_was_made_before_is_asked() -> None:
    deferred = Deferred(Application)
    application = deferred.made()
    await deferred({"path": "/"}, nothing, nothing)
    assert isinstance(application, Application)
    assert [scope["path"] for scope in application.asked] == ["/"]


async def test_an_application_that_could_not_be_made_is_tried_again() -> None:
    attempts = iter([True, False])

    def make() -> Application:
        if next(attempts):
            raise OSError("no more open files")
        return Application()

    deferred = Deferred(make)
    with pytest.raises(OSError, match="open files"):
        await deferred({"path": "/"}, nothing, nothing)
    await deferred({"path": "/"}, nothing, nothing)
