"""Plans: from an index, in order, stopping early, whether or not anybody has ever run ANALYZE."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from service.store.search import compile_count, compile_includes, compile_match, compile_search
from service.store.search.lead import SOME

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from service.store.search.statement import Position
    from tests.search.conftest import Library

PATIENTS = 400
SEARCHES = [
    ("Observation", ""),
    ("Observation", "patient=p7"),
    ("Observation", "patient=p7&code=urn:code|3"),
    ("Observation", "code=urn:code|3"),
    ("Observation", "code=1,2,3&status=final"),
    ("Observation", "code=urn:code|3&date=2024-02-03"),
    ("Observation", "date=ge2024-02"),
    ("Observation", "status:not=final"),
    ("Observation", "code:not=3"),
    ("Observation", "subject:missing=true"),
    ("Observation", "device:missing=false"),
    ("Observation", "status:not=final&_sort=-date"),
    ("Patient", "gender:not=male&birthdate:missing=true"),
    ("Observation", "_lastUpdated=gt2024-06-01T12:00"),
    ("Patient", "identifier=urn:mrn|7"),
    ("Patient", "identifier=7"),
    ("Patient", "name=family7"),
    ("Patient", "name:exact=Family7"),
    ("Patient", "birthdate=1990-05-05&gender=male"),
    ("Patient", "_id=p7,p8"),
    ("Observation", "patient=p7&code=urn:code|3&_sort=-date"),
    ("Observation", "_sort=-date"),
    ("Observation", "_sort=-date,status"),
    ("Observation", "_sort=_lastUpdated"),
    ("Observation", "_sort=status"),
    ("Observation", "_sort=code"),
    ("Observation", "_sort=-value-quantity"),
    ("Observation", "code=urn:code|3&_sort=-status"),
    ("Patient", "gender=male&_sort=family"),
    ("Observation", "code=urn:code|3&date=ge2024-02-01&date=lt2024-02-08"),
    ("Observation", "date=ge2024-02-01&date=lt2024-02-08&_sort=date"),
    ("Observation", "code=urn:code|3&value-quantity=gt5|http://unitsofmeasure.org|cm"),
    ("Observation", "value-quantity=5"),
    ("Observation", "code-value-quantity=urn:code|3$gt5"),
    ("Observation", "patient.name=family7"),
    ("Observation", "patient.identifier=urn:mrn|7&_sort=-date"),
    ("Observation", "code:text=x"),
    ("Patient", "_has:Observation:patient:code=urn:code|3"),
    ("Patient", "_has:Observation:patient:date=2024-02-03&gender=male"),
    ("Patient", "name:contains=amily7"),
    ("PlanDefinition", "url:below=http://example.org"),
    (None, "_id=p7"),
    (None, "_tag=x"),
]


def population() -> Iterator[dict[str, Any]]:
    """Patients with observations."""
    for number in range(PATIENTS):
        yield {
            "resourceType": "Patient",
            "id": f"p{number}",
            "identifier": [{"system": "urn:mrn", "value": str(number)}],
            "name": [{"family": f"Family{number}", "given": ["Pat"]}],
            "gender": ("male", "female")[number % 2],
            "birthDate": f"{1950 + number % 50}-05-05",
        }
        for each in range(5):
            yield {
                "resourceType": "Observation",
                "id": f"o{number}-{each}",
                "status": "final",
                "code": {"coding": [{"system": "urn:code", "code": str(each)}]},
                "subject": {"reference": f"Patient/p{number}"},
                "effectiveDateTime": f"2024-{number % 12 + 1:02}-{each + 1:02}",
            }


@pytest.fixture(scope="module", params=["never analyzed", "analyzed"])
async def filled(
    request: pytest.FixtureRequest, make_library: Callable[[], AbstractAsyncContextManager[Library]]
) -> AsyncIterator[Library]:
    """A filled database, with and without statistics."""
    async with make_library() as made:
        await made.keep_unanalyzed()
        await made.store(population())
        if request.param == "analyzed":
            await made.execute("ANALYZE")
        yield made


@pytest.mark.parametrize("resource_type,text", SEARCHES)
async def test_every_row_comes_from_an_index(filled: Library, resource_type: str | None, text: str) -> None:
    """Pages, counts and conditional criteria alike."""
    query = filled.query(resource_type, text)
    statements = [compile_search(query, limit=21), compile_match([query, query])]
    if text not in {"", "_tag=x"}:
        statements.append(compile_count(query))
    for statement in statements:
        plan = await filled.plan(statement)
        for slow in ("Seq Scan", "Bitmap", "Hash Join", "Hash Semi Join", "Merge Join"):
            assert slow not in plan, plan


@pytest.mark.parametrize(
    "text",
    [
        "",
        "code=urn:code|3",
        "code=3",
        "status=final&code:not=2",
        "status:not=final",
        "status:not=amended",
        "subject:missing=true",
        "subject:missing=false",
        "device:missing=false",
        "device:missing=true",
        "date=ge2024",
        "_sort=-date",
        "_sort=status",
        "_sort=-status",
        "date=ge2024-02&date=lt2024-05&_sort=-date",
    ],
)
async def test_a_page_stops_early(filled: Library, text: str) -> None:
    """However many resources match, not many more rows are read than the page has."""
    assert max(await _rows_read(filled, text)) <= 5 * 21


@pytest.mark.parametrize("text", ["status=final&_sort=date", "code=3&status=final", "status=final&date=ge2024-02"])
async def test_what_may_be_rare_is_tried_for_so_long(filled: Library, text: str) -> None:
    """A criterion that turns out to be common costs a limited number of rows."""
    assert max(await _rows_read(filled, text)) <= SOME + 1


@pytest.mark.parametrize(
    "text,after",
    [
        ("_sort=status", ("final", 900)),
        ("_sort=-status", ("final", 900)),
        ("_sort=-date", (None, 900)),
        ("_sort=value-string", (None, 900)),
        ("_sort=value-quantity", (None, None, 900)),
        ("status=final&_sort=-date", (None, 900)),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
async def test_pages_far_down_stop_early(filled: Library, text: str, after: Position, backwards: bool) -> None:
    """Among what has one of few codes, and among what has no value to be sorted by."""
    assert max(await _rows_read(filled, text, after=after, backwards=backwards)) <= SOME + 1


async def test_what_is_gathered_is_looked_up_in_one_walk_for_each_value(filled: Library) -> None:
    """Not resource by resource: a clinic's work list has a history of years behind it.

    In small tables the planner may take the index on the resources, whose rows are as few then.
    """
    plan = await filled.plan(
        compile_search(filled.query("Observation", "patient=p7&code=1,2&_sort=-date"), limit=21), run=True
    )
    walks = re.findall(r"ix_index_token_\w+ .*\(actual time=\S+ rows=\S+ loops=(\d+)\)", plan)
    assert walks == ["2"], plan


async def test_what_is_included_is_looked_up_by_its_place(filled: Library) -> None:
    """It has been met on the way there."""
    query = filled.query("Observation", "_include=Observation:subject")
    keys = [int(str(position[-1])) for position, _ in await filled.page("Observation", "patient=p7")]
    plan = await filled.plan(compile_includes(query.includes, keys, references=(), limit=100), run=True)
    assert "Tid Scan" in plan, plan
    assert "Seq Scan" not in plan, plan


@pytest.mark.parametrize("text", ["code=urn:code|3", "status=final", "date=ge2024"])
async def test_a_count_takes_what_one_criterion_finds_as_it_comes(filled: Library, text: str) -> None:
    """Nothing is sorted, kept or compared with what came before, where no resource can be found twice."""
    plan = await filled.plan(compile_count(filled.query("Observation", text)))
    for costly in ("Sort", "HashAggregate", "CTE"):
        assert costly not in plan, plan


async def _rows_read(filled: Library, text: str, **position: Any) -> list[float]:
    """The rows that each index scan of a search read."""
    plan = await filled.plan(compile_search(filled.query("Observation", text), limit=21, **position), run=True)
    found = re.findall(r"(Index.*Scan).*\(actual time=\S+ rows=([\d.]+) loops=(\d+)\)", plan)
    return [float(rows) * int(loops) for node, rows, loops in found if node]


async def test_another_page_costs_what_the_first_does(filled: Library) -> None:
    """The key of the last row is where the index is entered."""
    keys = [key for key, _ in await filled.page("Observation", "code=3")]
    statement = compile_search(filled.query("Observation", "code=3"), limit=21, after=keys[-30])
    plan = await filled.plan(statement, run=True)
    assert "Rows Removed by Filter" not in plan, plan
