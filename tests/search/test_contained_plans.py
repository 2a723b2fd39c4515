"""Plans of searches that look into contained resources: every row from an index, however few or many contain some."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from service.store.search import compile_count, compile_match, compile_search

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from tests.search.conftest import Library

REQUESTS = 1500
SLOW = ("Seq Scan", "Bitmap", "Hash Join", "Hash Semi Join", "Merge Join")
CODES = "urn:code"
SEARCHES = [
    ("MedicationRequest", f"medication.code={CODES}|7"),
    ("MedicationRequest", f"medication.code={CODES}|common&status=active"),
    ("MedicationRequest", "medication.code:missing=true"),
    ("MedicationRequest", "medication.manufacturer.name=maker7"),
    ("MedicationRequest", "medication._id=m"),
    ("Medication", f"code={CODES}|7&_contained=true"),
    ("Medication", f"code={CODES}|common&_contained=true"),
    ("Medication", f"code={CODES}|common&_contained=true&_containedType=contained"),
    ("Medication", f"code={CODES}|common&_contained=both"),
    ("Medication", f"code={CODES}|common&_contained=both&_containedType=contained"),
    ("Medication", "code:missing=true&_contained=true"),
    ("Medication", "_contained=true&_containedType=contained"),
    ("Organization", "name=maker7&_contained=true"),
]


def _population() -> Iterator[dict[str, Any]]:
    """Requests that contain what they ask for, and its maker; others refer to a resource of its own."""
    for number in range(REQUESTS):
        code = {"coding": [{"system": CODES, "code": code} for code in (str(number), "common")]}
        made = {"resourceType": "Medication", "code": code, "manufacturer": {"reference": "#o"}}
        maker = {"resourceType": "Organization", "id": "o", "name": f"Maker{number}"}
        asked = {"resourceType": "MedicationRequest", "id": f"r{number}", "status": "active", "intent": "order"}
        if number % 3:
            inside = [made | {"id": "m"}, maker]
            yield asked | {"medicationReference": {"reference": "#m"}, "contained": inside}
        else:
            yield made | {"id": f"m{number}", "manufacturer": {"reference": f"Organization/o{number}"}}
            yield maker | {"id": f"o{number}"}
            yield asked | {"medicationReference": {"reference": f"Medication/m{number}"}}


@pytest.fixture(scope="module", params=["never analyzed", "analyzed"])
async def filled(
    request: pytest.FixtureRequest, make_library: Callable[[], AbstractAsyncContextManager[Library]]
) -> AsyncIterator[Library]:
    """A filled database, with and without statistics."""
    async with make_library() as made:
        await made.keep_unanalyzed()
        await made.store(_population())
        if request.param == "analyzed":
            await made.execute("ANALYZE")
        yield made


@pytest.mark.parametrize("resource_type,text", SEARCHES)
async def test_every_row_comes_from_an_index(filled: Library, resource_type: str, text: str) -> None:
    """Pages and counts alike, and criteria in the place of an id."""
    query = filled.query(resource_type, text)
    statements = [compile_search(query, limit=21), compile_count(query)]
    if "_contained" not in text:
        statements.append(compile_match([query, query]))
    for statement in statements:
        plan = await filled.plan(statement)
        for slow in SLOW:
            assert slow not in plan, plan


@pytest.mark.parametrize(
    "resource_type,text",
    [
        ("Medication", f"code={CODES}|common&_contained=true&_containedType=contained"),
        ("Medication", "_contained=true"),
        ("MedicationRequest", "medication.code:missing=false"),
    ],
)
async def test_a_page_stops_early(filled: Library, resource_type: str, text: str) -> None:
    """However many match, not many more rows are read than the page has."""
    plan = await filled.plan(compile_search(filled.query(resource_type, text), limit=21), run=True)
    found = re.findall(r"(Index.*Scan).*\(actual time=\S+ rows=([\d.]+) loops=(\d+)\)", plan)
    assert max(float(rows) * int(loops) for _, rows, loops in found) <= 5 * 21, plan


async def test_what_is_found_is_what_there_is(filled: Library) -> None:
    """More than are gathered, so that indexes are walked."""
    two_thirds = [f"r{number}" for number in range(REQUESTS - 1, -1, -1) if number % 3]
    assert await filled.ids("Medication", f"code={CODES}|common&_contained=true") == two_thirds[:1000]
    assert set(await filled.ids("MedicationRequest", f"medication.code={CODES}|8")) == {"r8"}
    assert set(await filled.ids("MedicationRequest", f"medication.code={CODES}|9")) == {"r9"}
