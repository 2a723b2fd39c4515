"""Hierarchies of codes, and what a search by codes needs before it can be written out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.fhir.outcome import FhirError
from service.fhir.search.query import Chain, Matches, Not, TokenValue
from service.fhir.search.terminology import resolve, unresolved
from service.fhir.terminology.needed import Needed
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
    held,
    untold,
    value_set,
)

if TYPE_CHECKING:
    from tests.unit.search.conftest import Parse


@pytest.mark.parametrize(
    "relation,code,expected",
    [
        ("below", "back", {"back", "low-back", "lumbago", "sciatica"}),
        ("below", "sciatica", {"sciatica"}),
        ("below", "stress", {"stress", "neck"}),
        ("above", "sciatica", {"sciatica", "low-back", "back", "pain"}),
        ("above", "neck", {"neck", "pain", "stress"}),
        ("above", "pain", {"pain"}),
    ],
)
def test_a_hierarchy_is_walked(parse: Parse, relation: str, code: str, expected: set[str]) -> None:
    """Nested concepts, parents and children by property; the code itself is both above and below."""
    assert expanded(parse, PAIN, text=f"code:{relation}={SYSTEM}%7C{code}") == expected


def test_a_hierarchy_may_have_a_circle(parse: Parse) -> None:
    """Everything in it is above and below everything else."""
    circle = PAIN | {
        "concept": [
            {"code": "a", "property": [{"code": "subsumedBy", "valueCode": "b"}]},
            {"code": "b", "property": [{"code": "subsumedBy", "valueCode": "a"}]},
        ]
    }
    assert expanded(parse, circle, text=f"code:above={SYSTEM}%7Ca") == {"a", "b"}


def test_a_hierarchy_that_names_what_is_not_there_is_refused(parse: Parse) -> None:
    """The code system is not whole."""
    broken = PAIN | {"concept": [{"code": "a", "property": [{"code": "parent", "valueCode": "gone"}]}]}
    assert "lacks a code" in untold(parse, held(broken), text=f"code:below={SYSTEM}%7Ca")


@pytest.mark.parametrize("count", [99, 101])
def test_the_resources_behind_a_search_are_limited(parse: Parse, count: int) -> None:
    """Each of them is a look-up."""
    many = value_set(*({"valueSet": [f"{INNER}-{number}"]} for number in range(count)))
    query = parse("Observation", f"code:in={SET}")
    if count < 100:
        assert len(unresolved(query, held(many))) == count
        return
    with pytest.raises(FhirError, match="more than 100"):
        unresolved(query, held(many))


@pytest.mark.parametrize(
    "text,known,expected",
    [
        (f"code:in={SET}", [], {f"ValueSet {SET}"}),
        (f"code:in={SET}%7C2", [], {f"ValueSet {SET}|2"}),
        ("code:in=ValueSet/9", [], {"ValueSet ValueSet/9"}),
        (f"code:in={SET},{INNER}", [], {f"ValueSet {SET}", f"ValueSet {INNER}"}),
        (f"code:below={SYSTEM}%7Ca", [], {f"CodeSystem {SYSTEM}"}),
        (f"code:in={SET}", [value_set({"system": SYSTEM, "version": "3"})], {f"CodeSystem {SYSTEM}|3"}),
        (f"code:in={SET}", [value_set({"valueSet": [f"{INNER}|1"]}, concepts("a"))], {f"ValueSet {INNER}|1"}),
        (f"code:in={SET}", [value_set(concepts("a"), exclude=[{"system": OTHER}])], {f"CodeSystem {OTHER}"}),
        (f"code:in={SET}", [value_set({"valueSet": [SET]})], set()),
        (f"code:in={SET}", [expansion(NESTED)], set()),
        (f"subject:Patient._has:Observation:patient:code:not-in={SET}", [], {f"ValueSet {SET}"}),
        ("code=a", [], set()),
    ],
)
def test_what_is_needed_is_told_step_by_step(parse: Parse, text: str, known: list[Json], expected: set[str]) -> None:
    """What the resources at hand name, until nothing is left to look up."""
    assert {str(each) for each in unresolved(parse("Observation", text), held(*known))} == expected


def test_what_was_looked_up_in_vain_is_not_needed_again(parse: Parse) -> None:
    """`resolve` tells the client."""
    needed = Needed(type="ValueSet", url=SET)
    assert unresolved(parse("Observation", f"code:in={SET}"), {needed: []}) == ()


def test_codes_are_written_out_wherever_they_stand(parse: Parse) -> None:
    """Behind links and in complements."""
    query = parse("Observation", f"encounter.type:not-in={SET}")
    (chain,) = resolve(query, held(value_set(concepts("a"))), limit=10).where.criteria
    assert isinstance(chain, Chain)
    (complement,) = chain.where.criteria
    assert isinstance(complement, Not)
    assert isinstance(complement.criterion, Matches)
    assert len(complement.criterion.values) == 1


def test_codes_of_elements_with_an_implied_system_are_without_it(parse: Parse) -> None:
    """As the index has them; those of other systems match nothing."""
    status = "http://hl7.org/fhir/observation-status"
    known = held(value_set(concepts("final", "bogus", system=status), concepts("amended")))
    (criterion,) = resolve(parse("Observation", f"status:in={SET}"), known, limit=10).where.criteria
    assert isinstance(criterion, Matches)
    assert criterion.values == (TokenValue(form="any-code-of", codes=("final",)),)


def test_a_refusal_does_not_repeat_what_the_client_named(parse: Parse) -> None:
    """It may be anything."""
    assert "Pat-Example" not in untold(parse, {}, text="code:in=urn:Pat-Example")


def test_an_element_that_is_only_an_extension_is_refused(parse: Parse) -> None:
    """R4 allows it, and it tells no code."""
    strange = value_set({"system": SYSTEM, "concept": [{"_code": {"extension": [{"url": "a", "valueCode": "b"}]}}]})
    assert "'code'" in untold(parse, held(strange))
