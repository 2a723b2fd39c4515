"""Conditional criteria: many of them, matched by one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.search.conftest import Library


async def test_each_criteria_gets_its_own_matches(library: Library) -> None:
    """Of equal and other shapes, mixed; two matches are enough to know that there are several."""
    criteria = {
        ("Patient", "family=smithson"): {"smithson"},
        ("Patient", "family:exact=Müller"): {"mueller"},
        ("Patient", "family=blacksmith"): {"blacksmith"},
        ("Patient", "_id=nobody"): set(),
        ("Patient", "_id=smith"): {"smith"},
        ("Task", "business-status=http://loinc.org|b"): {"loinc-b"},
        ("Task", "business-status=http://loinc.org|c"): set(),
        ("Task", "business-status=http://snomed.info/sct|a,http://loinc.org|c"): {"snomed-a"},
        ("CarePlan", "subject=Patient/anna"): {"other"},
        ("CarePlan", "subject=Patient/anna&status=draft"): set(),
        ("Observation", "date=2013-01-15"): {"15-jan-midnight"},
        ("Observation", "date:missing=true"): {"undated"},
        ("PlanDefinition", "url=https://clinic.example.org/PlanDefinition/neck"): {"neck"},
    }
    matches = await library.matches(list(criteria))
    assert [set(found) for found in matches] == list(criteria.values())


async def test_several_matches_are_cut_to_two(library: Library) -> None:
    """Whatever leads the search."""
    criteria = [("Patient", "name=smith"), ("Task", "status=requested"), ("Observation", "status:not=amended")]
    assert [len(found) for found in await library.matches(criteria)] == [2, 2, 2]


async def test_a_resource_that_matches_twice_is_one_match(library: Library) -> None:
    """Two of its rows have the value."""
    assert await library.matches([("Task", "business-status=a,b&_id=loinc-a-snomed-b")]) == [["loinc-a-snomed-b"]]


async def test_criteria_with_a_thousand_values(library: Library) -> None:
    """Beside others of their shape, with as many values or with few; each query has its own."""
    codes = [f"http://loinc.org|none{number}" for number in range(1000)]
    wanted = ("http://loinc.org|b", "http://snomed.info/sct|a", "http://loinc.org|A", "none")
    asked = [",".join([*codes[:most], code]) for code in wanted for most in (999, 50, 2)]
    criteria = [("Task", f"business-status={each}") for each in asked]
    expected = [[id_] for id_ in ("loinc-b", "snomed-a", "loinc-upper-a") for _ in range(3)] + [[]] * 3
    assert await library.matches(criteria) == expected


async def test_a_thousand_criteria_are_one_statement(library: Library) -> None:
    """As in a large transaction."""
    criteria = [("Patient", f"_id={'smith' if number == 500 else number}") for number in range(1000)]
    matches = await library.matches(criteria)
    assert [number for number, found in enumerate(matches) if found] == [500]
