"""Sorts by quantities in different units, and by references that a parameter narrows to one type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from service.fhir.code_systems import UCUM
from service.store.search import compile_search

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from tests.search.conftest import Library


def _in(value: float, code: str, system: str | None = UCUM, **more: str) -> dict[str, Any]:
    return {"value": value, **({"system": system, "code": code} if system else {"unit": code} if code else {}), **more}


_VALUES: Final[dict[str, dict[str, Any]]] = {
    "9mm": _in(9, "mm"),
    "2kg": _in(2, "kg"),
    "1cm": _in(1, "cm"),
    "5": _in(5, "", None),
    "1m": _in(1, "m"),
    "7drops": _in(7, "drops", None),
    "20mm": _in(20, "mm"),
    "less-3cm": _in(3, "cm", comparator="<"),
    "1500g": _in(1500, "g"),
    "1drop": _in(1, "drops", "urn:local"),
    "more-2cm": _in(2, "cm", comparator=">"),
    "4": _in(4, "", None),
    "10mm": _in(10.0, "mm"),
}
"""Results, the oldest first; 1 cm and 10 mm are the same."""

_PARTS: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "wide": (_in(9, "m"), _in(1, "mm")),
    "heavy": (_in(3, "kg"),),
    "both": (_in(1, "kg"), _in(5, "m")),
    "none": (),
}
"""Results by what their components measure."""

_SUBJECTS: Final = {"of-group": "Group/1", "of-ann": "Patient/ann", "elsewhere": "https://x.example/fhir/Group/2"}


def _resources() -> Iterator[dict[str, Any]]:
    plain = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    for id_, value in _VALUES.items():
        yield {**plain, "id": id_, "valueQuantity": value, "category": [{"text": "single"}]}
    for id_, values in _PARTS.items():
        parts = [{"code": {"text": "x"}, "valueQuantity": each} for each in values]
        yield {**plain, "id": id_, **({"component": parts} if parts else {})}
    for id_, subject in _SUBJECTS.items():
        yield {
            "resourceType": "ServiceRequest",
            "id": id_,
            "status": "active",
            "intent": "order",
            "subject": {"reference": subject},
        }


@pytest.fixture(scope="module")
async def measured(make_library: Callable[[], AbstractAsyncContextManager[Library]]) -> AsyncIterator[Library]:
    """Results in many units."""
    async with make_library() as made:
        await made.store(_resources())
        yield made


_GRAMS: Final = "1500g 2kg"
_METRES: Final = "9mm 1cm 10mm 20mm more-2cm 1m"
_OTHERS: Final = "4 5 1drop 7drops"

SORTS: Final = [
    ("category:missing=false&_sort=value-quantity", f"{_GRAMS} {_METRES} {_OTHERS} less-3cm"),
    (
        "category:missing=false&_sort=-value-quantity",
        "7drops 1drop 5 4 1m more-2cm 20mm 10mm 1cm 9mm 2kg 1500g less-3cm",
    ),
    (f"value-quantity=gt9|{UCUM}|mm&_sort=value-quantity", "1cm 10mm 20mm more-2cm 1m less-3cm"),
    (f"value-quantity=gt9|{UCUM}|mm&_sort=-value-quantity", "1m more-2cm 20mm 10mm 1cm less-3cm"),
    (f"value-quantity=le1|{UCUM}|cm&_sort=-value-quantity", "10mm 1cm 9mm less-3cm"),
    ("value-quantity=le5&_sort=value-quantity", "2kg 1cm more-2cm 1m 4 5 1drop less-3cm"),
    ("value-quantity=le5&_sort=-value-quantity,_id", "1drop 5 4 1m more-2cm 1cm 2kg less-3cm"),
    ("value-quantity=gt0||drops&_sort=-value-quantity", "7drops 1drop"),
    ("category:missing=false&_sort=category,value-quantity", f"{_GRAMS} {_METRES} {_OTHERS} less-3cm"),
    ("category:missing=true&_sort=component-value-quantity", "both heavy wide none"),
    ("category:missing=true&_sort=-component-value-quantity", "wide both heavy none"),
    ("category:missing=true&_sort=combo-value-quantity,_id", "both heavy wide none"),
]


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
@pytest.mark.parametrize("text,ids", SORTS)
async def test_what_measures_the_same_is_sorted_by_its_size(measured: Library, text: str, ids: str, limit: int) -> None:
    """In whichever unit, one kind after the other; forwards and backwards, on pages of every size."""
    assert await measured.ids("Observation", text) == ids.split()
    walked = await measured.walked("Observation", text, limit)
    assert [id_ for _, id_ in walked] == ids.split()
    back = await measured.walked("Observation", text, limit, backwards_from=walked[-1][0])
    assert [id_ for _, id_ in back[::-1]] == ids.split()[:-1]


@pytest.mark.parametrize("sort", ["value-quantity", "-value-quantity"])
async def test_another_page_costs_what_the_first_does(measured: Library, sort: str) -> None:
    """The unit and the number of the last row are where the index is entered."""
    last, _ = (await measured.page("Observation", f"_sort={sort}", limit=5))[-1]
    statement = compile_search(measured.query("Observation", f"_sort={sort}"), limit=5, after=last)
    plan = await measured.plan(statement)
    assert re.search(r"ix_index_quantity_canonical.*\n +Index Cond: .*ROW\(canonical_unit, canonical_low\) [<>]=", plan)


@pytest.mark.parametrize("sort", ["patient", "-patient"])
async def test_a_reference_to_another_type_is_missing(measured: Library, sort: str) -> None:
    """The rows are those of ``subject``; the oldest of the others comes first, or last."""
    found = await measured.ids("ServiceRequest", f"_sort={sort}")
    assert found[0] == "of-ann"
    assert set(found[1:]) == {"of-group", "elsewhere"}
    pages = await measured.walked("ServiceRequest", f"_sort={sort}", 1)
    assert [id_ for _, id_ in pages] == found
    assert [position[0] is None for position, _ in pages] == [False, True, True]
