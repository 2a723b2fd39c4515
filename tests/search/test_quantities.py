"""Numbers and quantities: each prefix against points, ranges and halves of ranges, in any unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from service.fhir.code_systems import UCUM

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from tests.search.conftest import Library


def _length(value: float, code: str = "cm", **more: Any) -> dict[str, Any]:
    return {"value": value, "unit": code, "system": UCUM, "code": code, **more}


_VALUES: Final[dict[str, dict[str, Any]]] = {
    "3cm": {"valueQuantity": _length(3)},
    "5cm": {"valueQuantity": _length(5)},
    "54mm": {"valueQuantity": _length(54, "mm")},
    "7cm": {"valueQuantity": _length(7)},
    "below-5cm": {"valueQuantity": _length(5, comparator="<")},
    "above-5cm": {"valueQuantity": _length(5, comparator=">")},
    "spans": {"valueQuantity": {"value": 5, "unit": "spans"}},
    "5s": {"valueQuantity": _length(5, "s")},
    "text": {"valueString": "five"},
}


@pytest.fixture(scope="module")
async def measured(make_library: Callable[[], AbstractAsyncContextManager[Library]]) -> AsyncIterator[Library]:
    """Observations, and risks between two probabilities."""
    async with make_library() as made:
        await made.store(
            {"resourceType": "Observation", "id": id_, "status": "final", "code": {"text": "measured"}, **value}
            for id_, value in _VALUES.items()
        )
        yield made


IN_CM: Final = {
    "5": "5cm 54mm",
    "5.4": "54mm",
    "5.0": "5cm",
    "gt5": "54mm 7cm above-5cm",
    "ge5": "5cm 54mm 7cm above-5cm",
    "lt5": "3cm below-5cm",
    "le5": "3cm 5cm below-5cm",
    "sa5": "54mm 7cm above-5cm",
    "sa4": "5cm 54mm 7cm above-5cm",
    "eb6": "3cm 5cm 54mm below-5cm",
    "ne5": "3cm 7cm below-5cm above-5cm",
    "ap5.2": "5cm 54mm below-5cm above-5cm",
    "gt7": "above-5cm",
    "lt3": "below-5cm",
}


@pytest.mark.parametrize("value", IN_CM)
async def test_quantities_in_a_unit(measured: Library, value: str) -> None:
    """https://hl7.org/fhir/R4/search.html#quantity: whatever the unit, if it measures the same."""
    found = await measured.ids("Observation", f"value-quantity={value}|{UCUM}|cm")
    assert set(found) == set(IN_CM[value].split())


IN_ANY: Final = {
    "value-quantity=5": "5cm spans 5s",
    "value-quantity=54": "54mm",
    "value-quantity=5||spans": "spans",
    "value-quantity=5||cm": "5cm",
    "value-quantity=3||cm,7||cm": "3cm 7cm",
    "value-quantity=gt4&value-quantity=lt6": "5cm spans 5s below-5cm above-5cm",
    "value-quantity=50||mm": "",
    f"value-quantity=50|{UCUM}|mm": "5cm",
    f"value-quantity=ge40|{UCUM}|mm&value-quantity=lt60|{UCUM}|mm": "5cm 54mm below-5cm above-5cm",
    "value-quantity:missing=true": "text",
    "value-quantity=5&value-string=five": "",
}


@pytest.mark.parametrize("text", IN_ANY)
async def test_numbers_and_units_by_name(measured: Library, text: str) -> None:
    """Without a unit any number counts; without a system the unit's code or text."""
    assert set(await measured.ids("Observation", text)) == set(IN_ANY[text].split())


@pytest.mark.parametrize("limit", [1, 2])
@pytest.mark.parametrize("text", [f"value-quantity=gt3|{UCUM}|cm", "value-quantity=lt100", "value-quantity=ge5"])
async def test_a_walk_along_the_numbers_meets_each_match_once(measured: Library, text: str, limit: int) -> None:
    """Points first, then what reaches into the range from elsewhere; backwards the same."""
    everything = await measured.page("Observation", text)
    walked = [everything[0]][:0]
    while page := await measured.page("Observation", text, limit=limit, after=walked[-1][0] if walked else None):
        walked += page
    assert walked == everything
    back = await measured.page("Observation", text, after=everything[-1][0], backwards=True)
    assert back[::-1] == everything[:-1]
