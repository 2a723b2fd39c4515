"""Searches of one moment as one statement: each finds what it finds alone, by the plan that it has alone."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from service.fhir.search.seen import within_sight
from service.fhir.sight import Sight
from service.store.found import found_columns, found_in
from service.store.search import compile_search
from service.store.search.shared import shared
from service.store.search.statement import Statement
from tests.search.test_plans import SEARCHES, population

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from service.store.found import Found
    from tests.search.conftest import Library

EVEN, ODD = UUID(int=1), UUID(int=2)
OTHERS = {
    "patient=p7": "patient=p8",
    "patient=p7&code=urn:code|3": "patient=p8&code=urn:code|1",
    "code=urn:code|3": "code=urn:code|4",
    "date=ge2024-02": "date=ge2024-03",
    "identifier=urn:mrn|7": "identifier=urn:mrn|8",
    "patient=p7&code=urn:code|3&_sort=-date": "patient=p9&code=urn:code|1&_sort=-date",
    "code=urn:code|3&_sort=-status": "code=urn:code|2&_sort=-status",
    "code=urn:code|3&date=ge2024-02-01&date=lt2024-02-08": "code=urn:code|1&date=ge2024-05-01&date=lt2024-05-09",
}
"""Searches of one text with other values."""


@pytest.fixture(scope="module")
async def halved(make_library: Callable[[], AbstractAsyncContextManager[Library]]) -> AsyncIterator[Library]:
    """Two organisations have half of the resources each; nobody has run ANALYZE."""
    async with make_library() as made:
        await made.keep_unanalyzed()
        await made.store(population())
        for resource_type in ("Patient", "Observation"):
            await made.share(resource_type, f"(ARRAY['{EVEN}', '{ODD}'])[key % 2 + 1]::uuid")
        yield made


def lists(statement: Statement) -> list[Any]:
    """Those among the arguments: who goes together has the same."""
    return [each for each in statement.arguments if isinstance(each, list)]


def together(statements: Sequence[Statement]) -> Statement:
    """Statements of one text as one."""
    first = statements[0]
    assert all(each.text == first.text and lists(each) == lists(first) for each in statements)
    made = shared(first.text, first.sorts)
    return Statement(made.text, tuple(made.arguments([each.arguments for each in statements])))


async def each_alone(library: Library, statements: Sequence[Statement]) -> list[list[Found]]:
    """What each finds by itself."""
    return [found_in(await library.fetch(each)) for each in statements]


async def all_at_once(library: Library, statements: Sequence[Statement]) -> list[list[Found]]:
    """What each finds in a statement for all of them."""
    found: list[list[Found]] = [[] for _ in statements]
    for place, *columns in await library.fetch(together(statements)):
        found[place] = found_columns(columns)
    return found


@pytest.mark.parametrize("resource_type,text", SEARCHES)
async def test_each_finds_what_it_finds_alone(halved: Library, resource_type: str | None, text: str) -> None:
    """In its order, and as much as it wants."""
    queries = [halved.query(resource_type, each) for each in (text, OTHERS.get(text, text), text)]
    statements = [compile_search(query, limit=limit) for query, limit in zip(queries, (21, 30, 3), strict=True)]
    assert await all_at_once(halved, statements) == await each_alone(halved, statements)


@pytest.mark.parametrize("text", ["code=urn:code|3", "code=urn:code|3&_sort=-status", "date=ge2024-02"])
async def test_each_goes_on_from_its_own_position(halved: Library, text: str) -> None:
    query = halved.query("Observation", text)
    (found,) = await each_alone(halved, [compile_search(query, limit=50)])
    statements = [compile_search(query, limit=7, after=found[place].position) for place in (3, 30, 11)]
    assert await all_at_once(halved, statements) == [found[4:11], found[31:38], found[12:19]]


@pytest.mark.parametrize("resource_type,text", SEARCHES)
async def test_nobody_finds_what_another_sees(halved: Library, resource_type: str | None, text: str) -> None:
    """In one statement for two organisations."""
    query = halved.query(resource_type, text)
    by = [EVEN, ODD, EVEN]
    statements = [compile_search(within_sight(query, Sight(by=(each,))), limit=5000) for each in by]
    if any(lists(each) != lists(statements[0]) for each in statements):
        pytest.skip("their lists differ, so they do not go together")
    found = await all_at_once(halved, statements)
    assert found == await each_alone(halved, statements)
    for organisation, its in zip(by, found, strict=True):
        assert all(each.key % 2 == (organisation == ODD) for each in its)


def scans(plan: str) -> Counter[tuple[str, str]]:
    """How often a plan reads each index of each table."""
    return Counter(re.findall(r"Index(?: Only)? Scan(?: Backward)? using (\S+) on (\S+)", plan))


@pytest.mark.parametrize("resource_type,text", SEARCHES)
@pytest.mark.parametrize("by", [None, (EVEN,), (EVEN, ODD)])
async def test_the_plan_is_that_of_one_alone(
    halved: Library, resource_type: str | None, text: str, by: tuple[UUID, ...] | None
) -> None:
    query = within_sight(halved.query(resource_type, text), Sight(by=by))
    statement = compile_search(query, limit=21)
    plan = await halved.plan(together([statement, statement]))
    for slow in ("Seq Scan", "Bitmap", "Hash Join", "Hash Semi Join", "Merge Join"):
        assert slow not in plan, plan
    assert scans(plan) == scans(await halved.plan(statement)), plan
