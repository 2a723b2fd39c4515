"""Value sets: which codes they come to, and when that cannot be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.fhir.search.query import Matches, TokenValue
from service.fhir.search.terminology import resolve
from tests.unit.search.coded import (
    INNER,
    NESTED,
    OTHER,
    PAIN,
    SET,
    SYSTEM,
    Json,
    concepts,
    expanded,
    expansion,
    filtered,
    held,
    untold,
    value_set,
)

if TYPE_CHECKING:
    from tests.unit.search.conftest import Parse

ALL = {"pain", "back", "low-back", "lumbago", "neck", "sciatica", "stress"}


@pytest.mark.parametrize(
    "composed,expected",
    [
        (value_set(concepts("a", "b")), {"a", "b"}),
        (value_set(concepts("a"), concepts("a", system=OTHER)), {"a", "other:a"}),
        (value_set(concepts("a", "b"), exclude=[concepts("b")]), {"a"}),
        (value_set(concepts("a", "b"), exclude=[concepts("b", system=OTHER)]), {"a", "b"}),
        (value_set({"system": SYSTEM}), ALL),
        (value_set({"system": SYSTEM}, inactive=False), ALL - {"lumbago"}),
        (value_set({"system": SYSTEM}, inactive=True), ALL),
        (value_set({"system": SYSTEM}, exclude=[filtered("concept", "is-a", "back")]), {"pain", "neck", "stress"}),
        (value_set(concepts("pain", "x"), exclude=[{"system": SYSTEM}]), {"x"}),
        (value_set(filtered("concept", "is-a", "back")), {"back", "low-back", "lumbago", "sciatica"}),
        (value_set(filtered("concept", "descendent-of", "back")), {"low-back", "lumbago", "sciatica"}),
        (value_set(filtered("concept", "is-not-a", "back")), {"pain", "neck", "stress"}),
        (value_set(filtered("concept", "generalizes", "sciatica")), {"sciatica", "low-back", "back", "pain"}),
        (value_set(filtered("code", "=", "neck")), {"neck"}),
        (value_set(filtered("concept", "in", "neck,back")), {"neck", "back"}),
        (value_set(filtered("concept", "not-in", "neck,back")), ALL - {"neck", "back"}),
        (value_set(filtered("concept", "regex", "(low-)?back")), {"back", "low-back"}),
        (value_set(filtered("region", "regex", "t.*")), {"back"}),
        (value_set(filtered("region", "=", "trunk")), {"back"}),
        (value_set(filtered("region", "in", "trunk,head")), {"back", "neck"}),
        (value_set(filtered("region", "not-in", "trunk")), ALL - {"back"}),
        (value_set(filtered("region", "exists", "true")), {"back", "neck"}),
        (value_set(filtered("region", "exists", "false")), ALL - {"back", "neck"}),
        (value_set(filtered("acute", "=", "true")), {"back"}),
        (value_set(filtered("parent", "=", "low-back")), {"sciatica"}),
        (value_set(filtered("child", "=", "neck")), {"pain", "stress"}),
        (
            value_set(
                {
                    "system": SYSTEM,
                    "filter": [
                        *filtered("concept", "is-a", "pain")["filter"],
                        *filtered("region", "exists", "true")["filter"],
                    ],
                }
            ),
            {"back", "neck"},
        ),
    ],
)
def test_a_value_set_is_composed(parse: Parse, composed: Json, expected: set[str]) -> None:
    """Lists, whole systems, filters; what is excluded leaves."""
    assert expanded(parse, composed, PAIN) == expected


@pytest.mark.parametrize(
    "include,expected",
    [
        ([{"valueSet": [INNER]}], {"a", "b"}),
        ([{"valueSet": [INNER]}, concepts("c")], {"a", "b", "c"}),
        ([{**concepts("b", "c"), "valueSet": [INNER]}], {"b"}),
        ([{"valueSet": [INNER, f"{INNER}-2"]}], {"b"}),
    ],
)
def test_value_sets_import_others(parse: Parse, include: list[Json], expected: set[str]) -> None:
    """Within one include, all of its conditions hold."""
    inner = [value_set(concepts("a", "b"), url=INNER), value_set(concepts("b", "c"), url=f"{INNER}-2")]
    assert expanded(parse, value_set(*include), *inner) == expected


@pytest.mark.parametrize("others", [{}, {"total": 4}, {"offset": 0}])
def test_an_expansion_that_is_complete_is_taken(parse: Parse, others: Json) -> None:
    """With what is nested in it, without abstract entries and headings."""
    assert expanded(parse, expansion(NESTED, **others)) == {"a", "b"}


@pytest.mark.parametrize(
    "others",
    [
        {"total": 5},
        {"offset": 10},
        {"parameter": [{"name": "limitedExpansion", "valueBoolean": True}]},
        {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/valueset-unclosed", "valueBoolean": True}]},
        {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/valueset-toocostly", "valueBoolean": True}]},
    ],
)
def test_an_expansion_that_is_a_part_is_not(parse: Parse, others: Json) -> None:
    """It would be a smaller list."""
    assert "is-a" in untold(parse, held(expansion(NESTED, **others), PAIN))


@pytest.mark.parametrize(
    "resources,reason",
    [
        ([], "does not hold the ValueSet"),
        ([value_set({"system": SYSTEM})], f"does not hold the CodeSystem {SYSTEM}"),
        ([value_set({"valueSet": [INNER]})], f"does not hold the ValueSet {INNER}"),
        ([value_set({"valueSet": [SET]})], "includes itself"),
        ([value_set({"valueSet": [INNER]}), value_set({"valueSet": [SET]}, url=INNER)], "includes itself"),
        ([value_set({"system": SYSTEM}), PAIN | {"content": "fragment"}], "without all of its codes"),
        ([value_set({"system": SYSTEM}), PAIN | {"content": "not-present"}], "without all of its codes"),
        ([value_set({"system": SYSTEM}), PAIN | {"compositional": True}], "can be composed"),
        ([value_set(filtered("concept", "is-a", "pain")), PAIN | {"hierarchyMeaning": "part-of"}], "part-of, not is-a"),
        ([value_set(filtered("concept", "is-a", "unknown")), PAIN], "does not have the code"),
        ([value_set(filtered("concept", "regex", "(?=a)")), PAIN], "regular expression that is not evaluated"),
        ([value_set(filtered("region", "is-a", "trunk")), PAIN], "filters with is-a on the property region"),
        ([value_set(filtered("nonsense", "=", "a")), PAIN], "does not declare the property nonsense"),
        ([value_set(concepts("a"), lockedDate="2020-01-01")], "locked to a date"),
        ([{"resourceType": "ValueSet", "url": SET, "status": "active"}], "without its codes"),
        ([value_set(concepts("a")), value_set(concepts("b"))], "several versions"),
    ],
)
def test_what_cannot_be_told_is_refused(parse: Parse, resources: list[Json], reason: str) -> None:
    """Never answered with fewer codes."""
    assert reason in untold(parse, held(*resources))


def test_the_only_active_one_of_several_is_taken(parse: Parse) -> None:
    """Drafts and retired versions stay out of the way."""
    retired = value_set(concepts("old")) | {"status": "retired"}
    assert expanded(parse, retired, value_set(concepts("new"))) == {"new"}


def test_too_many_codes_are_refused(parse: Parse) -> None:
    """With the limit."""
    assert "more than 3" in untold(parse, held(value_set({"system": SYSTEM}), PAIN), limit=3)
    assert "more than 3" in untold(parse, held(PAIN), text=f"code:below={SYSTEM}%7Cpain", limit=3)


def test_imports_that_meet_again_are_worked_out_once(parse: Parse) -> None:
    """Fifty levels of two imports each would take longer than anybody waits."""
    levels = [
        value_set({"valueSet": [f"{SET}-{level + 1}"]}, {"valueSet": [f"{SET}-{level + 1}"]}, url=f"{SET}-{level}")
        for level in range(50)
    ]
    assert expanded(parse, *levels, value_set(concepts("a"), url=f"{SET}-50"), text=f"code:in={SET}-0") == {"a"}


def test_a_value_set_without_codes_matches_nothing(parse: Parse) -> None:
    """And everything is not in it."""
    known = held(value_set(concepts("a"), exclude=[concepts("a")]))
    (criterion,) = resolve(parse("Observation", f"code:in={SET}"), known, limit=10).where.criteria
    assert isinstance(criterion, Matches)
    assert criterion.values == (TokenValue(form="any-code-of", codes=()),)
