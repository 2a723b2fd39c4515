"""Work that is done while a statement is under way."""

from __future__ import annotations

import asyncio

import pytest

from service.interactions.meanwhile import while_waiting


class Statement:
    """A statement that is answered when the test says so; it asks twice."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.first: asyncio.Future[str] = loop.create_future()
        self.second: asyncio.Future[str] = loop.create_future()
        self.seen: list[str] = []

    async def answer(self) -> str:
        """What both came to; a lost first one is noted."""
        self.seen.append("begun")
        try:
            self.seen.append(await self.first)
        except ValueError:
            self.seen.append("lost")
        return await self.second


async def test_the_work_is_done_after_a_statement_has_begun_and_before_its_answer() -> None:
    """The answer follows whatever the statement waits for."""
    statement = Statement()

    def work() -> None:
        statement.seen.append("work")
        statement.first.set_result("first")

    answered = asyncio.ensure_future(while_waiting(statement.answer(), work))
    await asyncio.wait_for(asyncio.shield(statement.first), 30)
    statement.second.set_result("second")
    assert await answered == "second"
    assert statement.seen == ["begun", "work", "first"]


async def test_what_the_database_says_reaches_the_statement_itself() -> None:
    """It may have something to do about it, and asks again."""
    statement = Statement()
    statement.second.set_result("second")
    assert await while_waiting(statement.answer(), lambda: statement.first.set_exception(ValueError())) == "second"
    assert statement.seen == ["begun", "lost"]


async def test_what_the_work_raises_comes_first_and_waits_for_the_answer() -> None:
    """Until then the connection is of no use to others."""
    statement = Statement()

    def work() -> None:
        asyncio.get_running_loop().call_soon(statement.first.set_result, "first")
        asyncio.get_running_loop().call_soon(statement.second.set_exception, OSError())
        raise LookupError

    with pytest.raises(LookupError):
        await while_waiting(statement.answer(), work)
    assert statement.seen == ["begun", "first"]


async def test_who_is_cancelled_waits_for_the_answer_no_longer() -> None:
    """The statement is told, as the driver has to be."""
    statement = Statement()
    waiting = asyncio.ensure_future(while_waiting(statement.answer(), lambda: None))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert statement.first.cancelled()


async def test_a_statement_that_needs_not_wait_or_fails_at_once_leaves_nothing_undone() -> None:
    """The work is done, and what it raises still comes first."""
    done: list[str] = []

    async def at_once() -> str:
        return "answer"

    async def refused() -> str:
        raise ValueError

    assert await while_waiting(at_once(), lambda: done.append("work")) == "answer"
    with pytest.raises(ValueError, match=r"^$"):
        await while_waiting(refused(), lambda: done.append("work"))
    assert done == ["work", "work"]

    def work() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await while_waiting(refused(), work)
