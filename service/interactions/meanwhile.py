"""Work that is done while the database is at a statement."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_T = TypeVar("_T")

_TURNS_UNTIL_SENT: Final = 2
"""Turns of the event loop until a statement is on its way: it is made in the first, uvloop sends at the end of it."""


async def while_waiting(statement: Coroutine[Any, Any, _T], work: Callable[[], None] | None) -> _T:
    """The answer of a statement; `work` is done while the database is at it. What `work` raises comes first."""
    if work is None:
        return await statement
    answer = asyncio.ensure_future(statement)
    try:
        for _ in range(_TURNS_UNTIL_SENT):
            await asyncio.sleep(0)
        work()
    except BaseException:
        # until it has its answer, its connection is of no use to others
        with contextlib.suppress(Exception, asyncio.CancelledError):
            await asyncio.shield(answer)
        raise
    return await answer
