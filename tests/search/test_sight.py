"""Searches within the sight of an organisation: the same order, nothing else, and no more work than there is to see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from service.fhir.search.seen import within_sight
from service.fhir.sight import EVERY_CLINIC, Sight
from service.store.search import compile_count, compile_match, compile_search
from service.store.search.lead import SOME
from tests.search.test_plans import PATIENTS, SEARCHES, population

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from service.fhir.search.query import Query
    from tests.search.conftest import Library

SMALL, LARGE = UUID(int=1), UUID(int=2)
FIFTIETH = 50
"""Every so many resources are those of the small organisation."""


@pytest.fixture(scope="module")
async def shared(make_library: Callable[[], AbstractAsyncContextManager[Library]]) -> AsyncIterator[Library]:
    """What a small organisation and a large one have, before anybody has run ANALYZE."""
    async with make_library() as made:
        await made.keep_unanalyzed()
        await made.store(population())
        organisation = f"CASE WHEN key % {FIFTIETH} = 0 THEN '{SMALL}'::uuid ELSE '{LARGE}'::uuid END"
        for resource_type in ("Patient", "Observation"):
            await made.share(resource_type, organisation)
        yield made


def narrowed(library: Library, resource_type: str | None, text: str, *by: UUID) -> Query:
    return within_sight(library.query(resource_type, text), Sight(by=by))


@pytest.mark.parametrize("resource_type,text", SEARCHES)
async def test_each_organisation_finds_its_part_of_what_there_is(
    shared: Library, resource_type: str | None, text: str
) -> None:
    """Pages, counts and conditional criteria alike; chains and referrers are links within one organisation's part."""
    linked = "." in text or "_has" in text
    every = [
        (row["key"], row["id"])
        for row in await shared.fetch(compile_search(shared.query(resource_type, text), limit=5000))
    ]
    for organisation, small in ((SMALL, True), (LARGE, False)):
        query = narrowed(shared, resource_type, text, organisation, EVERY_CLINIC)
        found = [row["id"] for row in await shared.fetch(compile_search(query, limit=5000))]
        expected = [id_ for key, id_ in every if (key % FIFTIETH == 0) == small]
        assert sorted(found) == sorted(expected) if not linked else set(found) <= set(expected)
        ((total,),) = await shared.fetch(compile_count(query))
        assert total == len(found)
        matched = {row["id"] for row in await shared.fetch(compile_match([query], enough=5000))}
        assert matched == set(found)


@pytest.mark.parametrize("resource_type,text", SEARCHES)
async def test_every_row_comes_from_an_index(shared: Library, resource_type: str | None, text: str) -> None:
    query = narrowed(shared, resource_type, text, SMALL, EVERY_CLINIC)
    statements = [compile_search(query, limit=21), compile_match([query, query])]
    if text not in {"", "_tag=x"}:
        statements.append(compile_count(query))
    for statement in statements:
        plan = await shared.plan(statement)
        for slow in ("Seq Scan", "Hash Join", "Hash Semi Join", "Merge Join"):
            assert slow not in plan, plan


@pytest.mark.parametrize(
    "text",
    ["", "code=3", "status=final", "status=final&code=3", "date=ge2024", "_sort=-date", "_sort=status", "code:not=3"],
)
async def test_a_small_organisation_pays_for_what_it_has(shared: Library, text: str) -> None:
    """And not for what others have: it is looked for among its own, however few of all resources these are."""
    query = narrowed(shared, "Observation", text, SMALL)
    plan = await shared.plan(compile_search(query, limit=21), run=True)
    found = re.findall(r"(Index.*Scan).*\(actual time=\S+ rows=([\d.]+) loops=(\d+)\)", plan)
    most = max(float(rows) * int(loops) for _, rows, loops in found)
    assert most <= max(SOME + 1, 5 * PATIENTS // FIFTIETH), plan


@pytest.mark.parametrize("text", ["", "code=3", "_sort=-date", "_sort=status", "date=ge2024", "name=family"])
@pytest.mark.parametrize("limit", [7, 1000])
async def test_pages_within_sight_fit_together(shared: Library, text: str, limit: int) -> None:
    """Walked to the end, they have each match once, in one order."""
    resource_type = "Patient" if text.startswith("name") else "Observation"
    query = narrowed(shared, resource_type, text, SMALL, EVERY_CLINIC)
    whole = [row["key"] for row in await shared.fetch(compile_search(query, limit=5000))]
    found: list[int] = []
    after = None
    while rows := await shared.fetch(compile_search(query, limit=limit, after=after)):
        found += [row["key"] for row in rows]
        sort = [value for name, value in rows[-1].items() if name.startswith("sort_")]
        after = (*sort, rows[-1]["key"])
    assert found == whole
