"""Creates that arrive together, written together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest

from service.fhir.outcome import FhirError, failure
from service.store.change import Conflict
from service.store.together import Company, Together
from tests.unit.store.test_write_statement import change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.store.change import Change


class Database:
    """Writes nothing, but remembers what it was given; refuses what it is told to; waits until it may go on."""

    def __init__(self, refused: dict[str, Exception] | None = None) -> None:
        self.groups: list[list[str]] = []
        self._refused = refused or {}
        self._open = asyncio.Event()

    def go_on(self) -> None:
        """Let every write come to its end."""
        self._open.set()

    async def write(self, changes: Sequence[Change]) -> None:
        """All changes or none."""
        ids = [each.version.id for each in changes]
        self.groups.append(ids)
        await self._open.wait()
        for each in ids:
            if each in self._refused:
                raise self._refused[each]


def grouping(database: Database, *, patience_seconds: float = 60, most_waiting: int = 1000) -> Together[Change]:
    """Groups of creates as the store makes them."""
    return Together(database.write, patience_seconds=patience_seconds, most_at_once=32, most_waiting=most_waiting)


async def started(together: Together[Change], numbers: range) -> list[asyncio.Task[None]]:
    """Creates that have all arrived."""
    tasks = [asyncio.create_task(together.add(change(number))) for number in numbers]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_a_create_that_finds_nobody_writing_is_written_at_once() -> None:
    database = Database()
    database.go_on()
    together = grouping(database, patience_seconds=60)
    await together.add(change(1))
    await together.add(change(2))
    assert database.groups == [["1"], ["2"]]


async def test_those_that_arrive_meanwhile_are_written_together() -> None:
    database = Database()
    tasks = await started(grouping(database, patience_seconds=60), range(40))
    assert database.groups == [["0"]]
    assert not any(task.done() for task in tasks), "nobody is told before the commit"
    database.go_on()
    await asyncio.gather(*tasks)
    assert [len(group) for group in database.groups] == [1, 32, 7]
    assert sorted(each for group in database.groups for each in group) == sorted(str(number) for number in range(40))


async def in_company() -> tuple[Database, Together[Change]]:
    """A database that makes nobody wait, whose last statement was for several."""
    database = Database()
    together = grouping(database)
    tasks = await started(together, range(3))
    database.go_on()
    await asyncio.gather(*tasks)
    assert database.groups.pop() == ["1", "2"]
    database.groups.clear()
    return database, together


async def arriving(together: Together[Change], number: int, rounds: int) -> None:
    """A create that arrives when the event loop has come round so many times."""
    for _ in range(rounds):
        await asyncio.sleep(0)
    await together.add(change(number))


async def test_where_there_was_company_the_first_one_waits_for_it_to_come_back() -> None:
    """As long as the event loop brings somebody else each time it comes round."""
    database, together = await in_company()
    await asyncio.gather(*(arriving(together, number, rounds=number) for number in range(6)), arriving(together, 9, 20))
    assert [len(group) for group in database.groups] == [6, 1]


async def test_who_was_answered_together_is_given_time_to_come_back() -> None:
    """As many rounds of the event loop with nobody else as were asked for, before later statements too."""
    database = Database()
    together: Together[Change] = Together(
        database.write, patience_seconds=60, most_at_once=32, company=Company(quiet_rounds=4)
    )
    tasks = await started(together, range(3))
    database.go_on()
    await asyncio.gather(*tasks)
    database.groups.clear()
    await asyncio.gather(*(arriving(together, number, rounds=3 * number) for number in range(4)))
    assert [len(group) for group in database.groups] == [4]


async def apart(return_seconds: float) -> tuple[Database, Together[Change]]:
    """A database that has just answered three, and waits for what they send next for so long."""
    database = Database()
    together: Together[Change] = Together(
        database.write, patience_seconds=60, most_at_once=32, company=Company(return_seconds=return_seconds)
    )
    tasks = await started(together, range(4))
    database.go_on()
    await tasks[0]
    assert database.groups.pop(0) == ["0"]
    await asyncio.gather(*tasks)
    database.groups.clear()
    return database, together


async def test_those_who_came_apart_are_waited_for_when_they_have_been_answered() -> None:
    """However many rounds of the event loop they take."""
    database, together = await apart(return_seconds=60)
    await asyncio.gather(*(arriving(together, number, rounds=20 * number) for number in range(3)))
    assert [len(group) for group in database.groups] == [3]


async def test_those_who_have_been_answered_and_do_not_come_back_are_waited_for_a_moment_once() -> None:
    database, together = await apart(return_seconds=0.001)
    for number in range(3):
        await together.add(change(number))
    assert database.groups == [["0"], ["1"], ["2"]]


async def test_who_comes_long_after_others_were_answered_waits_for_nobody() -> None:
    database, together = await apart(return_seconds=0.001)
    await asyncio.sleep(0.002)
    served = asyncio.create_task(together.add(change(5)))
    for _ in range(4):
        await asyncio.sleep(0)
    assert database.groups == [["5"]]
    await served


async def test_who_had_no_company_the_last_time_is_served_at_once() -> None:
    database, together = await in_company()
    await together.add(change(4))
    database.groups.clear()
    served = asyncio.create_task(together.add(change(5)))
    await asyncio.sleep(0)
    assert database.groups == [["5"]]
    await served


@pytest.mark.parametrize("refusal", [asyncpg.DataError("no"), Conflict()])
async def test_what_the_database_refuses_fails_alone(refusal: Exception) -> None:
    database = Database({"3": refusal})
    tasks = await started(grouping(database, patience_seconds=60), range(6))
    database.go_on()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [result is None for result in results] == [True, True, True, False, True, True]
    assert results[3] is refusal


async def test_a_database_that_is_lost_is_told_to_all() -> None:
    """Trying one by one would only take longer."""
    lost = failure("database-unavailable", "The database is away.")
    database = Database({"3": lost})
    tasks = await started(grouping(database, patience_seconds=60), range(6))
    database.go_on()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results[0] is None
    assert all(isinstance(result, FhirError) for result in results[1:])
    assert [len(group) for group in database.groups] == [1, 5]


async def test_who_leaves_keeps_nobody_waiting() -> None:
    """Whether its create was under way or not yet begun."""
    database = Database()
    together = grouping(database, patience_seconds=60)
    tasks = await started(together, range(4))
    tasks[0].cancel()
    tasks[2].cancel()
    await asyncio.sleep(0)
    database.go_on()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [result is None for result in results] == [False, True, False, True]
    assert database.groups == [["0"], ["1", "3"]]
    await together.add(change(9))
    assert database.groups[-1] == ["9"]


async def test_the_next_create_is_written_after_a_failure() -> None:
    database = Database({"1": Conflict()})
    database.go_on()
    together = grouping(database, patience_seconds=60)
    with pytest.raises(Conflict):
        await together.add(change(1))
    await together.add(change(2))
    assert database.groups == [["1"], ["2"]]


async def test_who_waits_too_long_is_refused_and_not_written() -> None:
    """A database that hangs is not waited for for ever."""
    database = Database()
    together = grouping(database, patience_seconds=0.01)
    tasks = await started(together, range(4))
    for task in tasks[1:]:
        with pytest.raises(FhirError) as refusal:
            await task
        assert refusal.value.code == "busy"
    assert not tasks[0].done()
    database.go_on()
    await tasks[0]
    assert database.groups == [["0"]]


async def test_whoever_finds_too_many_waiting_is_refused_at_once() -> None:
    """Memory is bounded as well as time."""
    database = Database()
    tasks = await started(grouping(database, most_waiting=2), range(4))
    with pytest.raises(FhirError) as refusal:
        await tasks[3]
    assert refusal.value.code == "busy"
    database.go_on()
    await asyncio.gather(*tasks[:3])
    assert database.groups == [["0"], ["1", "2"]]


async def test_a_statement_is_held_back_for_those_who_are_about_to_come() -> None:
    """Until the last of them has come."""
    database = Database()
    database.go_on()
    expected = [2]
    together: Together[Change] = Together(
        database.write,
        patience_seconds=60,
        most_at_once=32,
        expected=lambda: expected[0],
        company=Company(moment_seconds=60),
    )
    first = (await started(together, range(1)))[0]
    assert database.groups == []
    expected[0] = 0
    second = (await started(together, range(1, 2)))[0]
    await asyncio.gather(first, second)
    assert database.groups == [["0", "1"]]


async def test_nobody_is_held_back_for_longer_than_a_moment() -> None:
    """Those who are expected may never come."""
    database = Database()
    database.go_on()
    together: Together[Change] = Together(
        database.write, patience_seconds=60, most_at_once=32, expected=lambda: 1, company=Company(moment_seconds=0.001)
    )
    await together.add(change(1))
    assert database.groups == [["1"]]


async def test_half_of_those_who_are_about_to_come_are_company_enough() -> None:
    """The others can be performed while the database writes."""
    database = Database()
    database.go_on()
    together: Together[Change] = Together(
        database.write, patience_seconds=60, most_at_once=32, expected=lambda: 5, company=Company(moment_seconds=60)
    )
    await asyncio.gather(*await started(together, range(5)))
    assert database.groups == [["0", "1", "2", "3", "4"]]


async def test_a_few_are_not_written_while_others_are_about_to_come() -> None:
    database = Database()
    database.go_on()
    together: Together[Change] = Together(
        database.write, patience_seconds=60, most_at_once=32, expected=lambda: 1, company=Company(moment_seconds=60)
    )
    tasks = await started(together, range(3))
    assert database.groups == []
    await asyncio.gather(*tasks, *await started(together, range(3, 4)))


async def test_as_many_statements_run_at_the_same_time_as_may() -> None:
    """Who comes then waits until one of them is over."""
    database = Database()
    together: Together[Change] = Together(database.write, patience_seconds=60, most_at_once=32, statements=2)
    tasks = [task for number in range(4) for task in await started(together, range(number, number + 1))]
    assert database.groups == [["0"], ["1"]]
    database.go_on()
    await asyncio.gather(*tasks)
    assert database.groups == [["0"], ["1"], ["2", "3"]]
