"""Resources that are reached several times: by several values, sources, alternatives or parts of an index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from tests.search.conftest import Library

_ADULT: Final = {"value": 18, "unit": "a", "system": "http://unitsofmeasure.org", "code": "a"}


def _resources() -> Iterator[dict[str, Any]]:
    for number in range(5):
        id_ = str(number)
        name = f"Clinic {number // 2}"
        yield {"resourceType": "Organization", "id": id_, "name": name, "alias": [name, f"{name} again"]}
        eve = [{"family": "Eve", "given": ["Eve"], "text": "Eve"}]
        yield {"resourceType": "Practitioner", "id": id_, "name": eve}
        day = {"effectiveDateTime": f"2022-03-{number + 1:02}"}
        yield {"resourceType": "Observation", "id": id_, "status": "final", "code": {"text": "x"}, **day}
        year = {"start": "2021-01-01" if number == 0 else f"2021-07-0{number}", "end": "2022-01-01"}
        yield {"resourceType": "Encounter", "id": id_, "status": "finished", "class": {"code": "AMB"}, "period": year}
        age = {"low": _ADULT | {"value": 10}, "high": _ADULT | {"value": 20}}
        onset = {"onsetRange": age} if number == 0 else {"onsetAge": _ADULT | {"value": 20 + number}}
        yield {"resourceType": "Condition", "id": id_, "subject": {"reference": "Patient/p"}, **onset}


@pytest.fixture(scope="module")
async def repeated(make_library: Callable[[], AbstractAsyncContextManager[Library]]) -> AsyncIterator[Library]:
    """Five resources of each type."""
    async with make_library() as made:
        await made.store(_resources())
        yield made


SEARCHES: Final = [
    ("Organization", "_sort=name"),
    ("Organization", "_sort=-name"),
    ("Organization", "name=clinic,clin&_sort=name"),
    ("Practitioner", "_sort=name"),
    ("Practitioner", "_sort=-name"),
    ("Practitioner", "name=eve,ev&_sort=name,_id"),
    ("Observation", "date=ge2022-01-01,ge2022-01-02&_sort=date"),
    ("Observation", "date=ge2022-01-01,ge2022-01-02&_sort=-date"),
    ("Observation", "date=ge2022-01-01,ge2022-01-02"),
    ("Observation", "_lastUpdated=ge2022-01-01,ge2022-01-02&_sort=_lastUpdated"),
    ("Observation", "_lastUpdated=ge2022-01-01,ge2022-01-02&_sort=-_lastUpdated"),
    ("Observation", "_lastUpdated=ge2022-01-01,ge2022-01-02"),
    ("Encounter", "date=gt2020-01-01,gt2021-06-01"),
    ("Encounter", "date=gt2021-06-01,gt2020-01-01"),
    ("Encounter", "date=gt2020-01-01,gt2021-06-01,le2024&_sort=date"),
    ("Encounter", "date=gt2020-01-01,gt2021-06-01&_sort=-date"),
    ("Condition", "onset-age=gt5,gt15"),
    ("Condition", "onset-age=gt15,gt5"),
    ("Condition", "onset-age=gt5,gt15&_sort=onset-age"),
]


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
@pytest.mark.parametrize("resource_type,text", SEARCHES)
async def test_pages_have_each_match_once(repeated: Library, resource_type: str, text: str, limit: int) -> None:
    """And only the last page is short, forwards and backwards."""
    assert sorted(await repeated.ids(resource_type, text)) == ["0", "1", "2", "3", "4"]
    forwards = await repeated.walked(resource_type, text, limit)
    assert sorted(id_ for _, id_ in forwards) == ["0", "1", "2", "3", "4"]
    before = await repeated.walked(resource_type, text, limit, backwards_from=forwards[-1][0])
    assert [*before[::-1], forwards[-1]] == forwards
