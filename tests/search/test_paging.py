"""Pages: in a total order, each resource once, tombstones never."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from service.store.search.statement import Position
    from tests.search.conftest import Library

SEARCHES: dict[str, Callable[[int], bool]] = {
    "": lambda _: True,
    "code=even": lambda number: number % 2 == 0,
    "code=even,odd": lambda _: True,
    "code:not=even": lambda number: number % 2 == 1,
    "subject=Patient/p": lambda number: number % 3 == 0,
    "subject=Patient/p&code=even": lambda number: number % 6 == 0,
    "date=2024": lambda number: number >= 25,
    "date=2024&code=odd": lambda number: number >= 25 and number % 2 == 1,
    "value-string=first": lambda number: number < 10,
    "_lastUpdated=ge2024": lambda _: True,
    "status:not=final": lambda number: number % 5 == 0,
    "status:not=final,amended": lambda _: False,
    "status:not=corrected": lambda _: True,
    "subject:missing=true": lambda number: number % 3 != 0,
    "subject:missing=false": lambda number: number % 3 == 0,
    "device:missing=false": lambda _: False,
    "subject:missing=true&status:not=final": lambda number: number % 3 != 0 and number % 5 == 0,
    "subject:missing=true&code=even": lambda number: number % 3 != 0 and number % 2 == 0,
}


UPWARDS = {"value-string=first"}
"""Searches that are answered in the order of the alphabet, or of numbers; of equal values the oldest comes first."""


def _observation(number: int) -> dict[str, object]:
    code = "odd" if number % 2 else "even"
    return {
        "resourceType": "Observation",
        "id": str(number),
        "status": "final" if number % 5 else "amended",
        # two codings with one code: two rows for one resource
        "code": {"coding": [{"system": "urn:a", "code": code}, {"system": "urn:b", "code": code}]},
        "effectiveDateTime": "2024-02" if number >= 25 else "2023",
        "valueString": "first" if number < 10 else "last",
        **({"subject": {"reference": "Patient/p"}} if number % 3 == 0 else {}),
    }


@pytest.fixture(scope="module", params=[None, 2])
async def paged(
    request: pytest.FixtureRequest, make_library: Callable[[], AbstractAsyncContextManager[Library]]
) -> AsyncIterator[Library]:
    """Fifty observations, stored in the order of their numbers; all of known likeness, or every other one."""
    async with make_library() as made:
        made.old_each = request.param
        await made.store(_observation(number) for number in range(50))
        yield made


@pytest.mark.parametrize("text", SEARCHES)
@pytest.mark.parametrize("limit", [1, 3, 7])
async def test_a_walk_through_the_pages_meets_each_match_once(paged: Library, text: str, limit: int) -> None:
    """Every kind of lead, every page size; a page is only short when it is the last."""
    expected = [str(number) for number in range(49, -1, -1) if SEARCHES[text](number)]
    if text in UPWARDS:
        expected.reverse()
    walked: list[str] = []
    after: Position | None = None
    while True:
        page = await paged.page("Observation", text, limit=limit, after=after)
        walked += [id_ for _, id_ in page]
        if len(page) < limit:
            break
        after = page[-1][0]
    assert walked == expected


async def test_a_tombstone_is_never_found(empty_library: Library) -> None:
    """By no search at all."""
    await empty_library.store(_observation(number) for number in range(4))
    await empty_library.delete("Observation", "2")
    for text in ("", "code=even", "_id=2", "date:missing=false", "code:not=odd", "_lastUpdated=ge2024", "status=final"):
        assert "2" not in await empty_library.ids("Observation", text), text
    assert await empty_library.matches([("Observation", "_id=2"), ("Observation", "_id=3")]) == [[], ["3"]]


@pytest.mark.parametrize(
    "text", ["", "code=even,odd", "date=ge2000", "_sort=date", "_sort=-date", "_sort=-_lastUpdated"]
)
async def test_a_walk_meets_what_was_there_throughout_once(empty_library: Library, text: str) -> None:
    """While others add and delete resources between any two pages, before and behind the walk."""
    await empty_library.store(_observation(number) for number in range(30))
    walked: list[str] = []
    after: Position | None = None
    deleted, added = iter(range(3, 30, 7)), iter(range(100, 200))
    gone: set[str] = set()
    page: list[tuple[Position, str]] = [((), "")] * 4
    while len(page) == 4:
        page = await empty_library.page("Observation", text, limit=4, after=after)
        walked += [id_ for _, id_ in page]
        after = page[-1][0] if page else None
        if (number := next(deleted, None)) is not None:
            gone.add(str(number))
            await empty_library.delete("Observation", str(number))
        await empty_library.store([_observation(next(added))])
    assert len(walked) == len(set(walked))
    assert {str(number) for number in range(30)} - gone <= set(walked)
