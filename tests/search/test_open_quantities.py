"""Sorts by quantities of which some have no lower end: those come last, as what has no value does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from service.fhir.code_systems import UCUM
from service.store.search import compile_count
from service.store.search.lead import SOME

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from tests.search.conftest import Library


def _amount(value: float, code: str = "mg/L", **more: str) -> dict[str, Any]:
    return {"value": value, "unit": code, "system": UCUM, "code": code, **more}


_VALUES: Final[dict[str, dict[str, Any]]] = {
    "below-5": _amount(5, comparator="<"),
    "1": _amount(1),
    "7": _amount(7),
    "below-8": _amount(8, comparator="<"),
    "above-9": _amount(9, comparator=">"),
    "3": _amount(3),
    "below-20": _amount(20, comparator="<="),
}
"""Results, the oldest first; the sort by a value puts what has no lower end last."""

_ONSETS: Final[dict[str, dict[str, Any]]] = {
    "40": {"onsetAge": _amount(40, "a")},
    "to-60": {"onsetRange": {"high": _amount(60, "a")}},
    "20-30": {"onsetRange": {"low": _amount(20, "a"), "high": _amount(30, "a")}},
    "to-10": {"onsetRange": {"high": _amount(10, "a")}},
    "text": {"onsetString": "young"},
}


def _observation(id_: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": id_, "status": "final", "code": {"text": "x"}, "valueQuantity": value}


def _resources() -> Iterator[dict[str, Any]]:
    for id_, value in _VALUES.items():
        yield _observation(id_, value)
    for id_, onset in _ONSETS.items():
        yield {"resourceType": "Condition", "id": id_, "subject": {"reference": "Patient/p"}, **onset}


@pytest.fixture(scope="module")
async def opened(make_library: Callable[[], AbstractAsyncContextManager[Library]]) -> AsyncIterator[Library]:
    """A few results and onsets."""
    async with make_library() as made:
        await made.store(_resources())
        yield made


@pytest.fixture(scope="module")
async def crowded(make_library: Callable[[], AbstractAsyncContextManager[Library]]) -> AsyncIterator[Library]:
    """The same among more results without a lower end than are sorted at once."""
    async with make_library() as made:
        await made.store(_observation(f"many-{number}", _amount(6, comparator="<")) for number in range(SOME + 10))
        await made.store(_resources())
        yield made


SORTS: Final = [
    ("Observation", "_sort=value-quantity", "1 3 7 above-9 below-5 below-8 below-20"),
    ("Observation", "_sort=-value-quantity", "above-9 7 3 1 below-20 below-8 below-5"),
    ("Observation", "value-quantity=ne6&_sort=value-quantity", "1 3 7 above-9 below-5 below-8 below-20"),
    ("Observation", "value-quantity=lt10&_sort=value-quantity", "1 3 7 above-9 below-5 below-8 below-20"),
    ("Observation", "value-quantity=lt8&_sort=value-quantity", "1 3 7 below-5 below-8 below-20"),
    ("Observation", "value-quantity=gt6&_sort=value-quantity", "7 above-9 below-8 below-20"),
    ("Observation", "value-quantity=gt6&_sort=-value-quantity", "above-9 7 below-20 below-8"),
    ("Observation", "value-quantity=gt2&value-quantity=lt9&_sort=value-quantity", "3 7 below-5 below-8 below-20"),
    ("Observation", "value-quantity=lt9&value-quantity=gt2&_sort=-value-quantity", "7 3 below-20 below-8 below-5"),
    ("Observation", "value-quantity=ap7&_sort=value-quantity", "7 below-8 below-20"),
    ("Observation", "value-quantity=eb9&_sort=value-quantity", "1 3 7 below-5 below-8"),
    ("Observation", "value-quantity=sa2&_sort=-value-quantity", "above-9 7 3"),
    ("Observation", f"value-quantity=lt8|{UCUM}|mg/L&_sort=-value-quantity", "7 3 1 below-20 below-8 below-5"),
    ("Observation", "value-quantity=gt6||mg/L&_sort=value-quantity,-_id", "7 above-9 below-8 below-20"),
    ("Condition", "onset-age:missing=false&_sort=onset-age", "20-30 40 to-60 to-10"),
    ("Condition", "onset-age=ne50&_sort=onset-age", "20-30 40 to-60 to-10"),
    ("Condition", "onset-age=gt15&_sort=-onset-age", "40 20-30 to-60"),
    ("Condition", "_sort=onset-age", "20-30 40 to-60 to-10 text"),
]


@pytest.mark.parametrize("limit", [1, 2, 4, 20])
@pytest.mark.parametrize("resource_type,text,ids", SORTS)
async def test_what_has_no_lower_end_comes_last(
    opened: Library, resource_type: str, text: str, ids: str, limit: int
) -> None:
    """In both directions, on pages of every size, forwards and backwards."""
    assert await opened.ids(resource_type, text) == ids.split()
    walked = await opened.walked(resource_type, text, limit)
    assert [id_ for _, id_ in walked] == ids.split()
    back = await opened.walked(resource_type, text, limit, backwards_from=walked[-1][0])
    assert [id_ for _, id_ in back[::-1]] == ids.split()[:-1]


@pytest.mark.parametrize("limit", [3, 1000])
@pytest.mark.parametrize("resource_type,text,ids", [each for each in SORTS if each[0] == "Observation"])
async def test_however_many_have_no_lower_end(
    crowded: Library, resource_type: str, text: str, ids: str, limit: int
) -> None:
    """What has a value comes first, then the newest or the oldest of the others; none is left out."""
    filled = [each for each in ids.split() if not each.startswith("below")]
    found = [id_ for _, id_ in await crowded.page(resource_type, text, limit=limit)]
    assert found[: len(filled)] == filled[:limit]
    everything = await crowded.page(resource_type, text, limit=SOME + 100)
    assert {id_ for _, id_ in everything} >= set(ids.split())
    (count,) = await crowded.fetch(compile_count(crowded.query(resource_type, text)))
    assert len(everything) == len({id_ for _, id_ in everything}) == count[0]
    assert found == [id_ for _, id_ in everything[:limit]]
