"""Work that is done while the database is at a statement."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from types import coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

_T = TypeVar("_T")


async def while_waiting(statement: Coroutine[Any, Any, _T], work: Callable[[], None] | None) -> _T:
    """The answer of a statement; `work` is done while the database is at it. What `work` raises comes first.

    The statement is begun by hand: in a task of its own it would wait for a turn of the event loop, and its answer for
    another.
    """
    if work is None:
        return await statement
    try:
        awaited = statement.send(None)
    except StopIteration as answer:
        work()
        found: _T = answer.value
        return found
    except Exception:
        work()
        raise
    rest = _resumed(statement, awaited)
    try:
        await asyncio.sleep(0)  # uvloop sends at the end of a turn
        work()
    except BaseException:
        # until it has its answer, its connection is of no use to others
        with contextlib.suppress(Exception, asyncio.CancelledError):
            await asyncio.shield(asyncio.ensure_future(_awaited(rest)))
        raise
    return await rest


async def _awaited(rest: Coroutine[Any, Any, _T]) -> _T:
    return await rest


@coroutine
def _resumed(begun: Coroutine[Any, Any, _T], awaited: Any) -> Generator[Any, Any, _T]:
    """The result of a coroutine that was begun by hand and waits for `awaited`."""
    while True:
        try:
            yield awaited
        except BaseException as error:  # noqa: BLE001 - it is for the coroutine to handle
            resume = partial(begun.throw, error)
        else:
            resume = partial(begun.send, None)
        try:
            awaited = resume()
        except StopIteration as answer:
            result: _T = answer.value
            return result
