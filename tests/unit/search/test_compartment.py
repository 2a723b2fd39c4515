"""Compartment searches: which types are members, and what links them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.fhir.outcome import FhirError
from service.fhir.reference import identity_of
from service.fhir.search.compartment import compartment_types
from service.fhir.search.query import AnyOf, Identified, Matches, ReferenceValue, query_string

if TYPE_CHECKING:
    from service.fhir.search.query import Criterion, Not
    from service.fhir.search.registry import Registry
    from tests.unit.search.conftest import Parse

PATIENT = identity_of("Patient", "1")


def narrowing(parse: Parse, resource_type: str | None, compartment: tuple[str, str], text: str = "") -> Criterion | Not:
    """What a compartment demands of the matches."""
    return parse(resource_type, text, compartment=compartment).where.criteria[0]


@pytest.mark.parametrize(
    "resource_type,codes",
    [("Observation", {"subject", "performer"}), ("AllergyIntolerance", {"patient", "recorder", "asserter"})],
)
def test_a_member_is_linked_by_any_of_the_defined_parameters(
    parse: Parse, registry: Registry, resource_type: str, codes: set[str]
) -> None:
    """To the one resource in the middle."""
    criterion = narrowing(parse, resource_type, ("Patient", "1"))
    assert isinstance(criterion, Matches)
    assert criterion.values == (ReferenceValue(targets=(PATIENT,)),)
    known = registry.parameters(resource_type)
    expected = {number for code in codes for number in known[code].source_numbers}
    assert set(criterion.parameter.source_numbers) == expected


def test_the_focus_belongs_to_its_own_compartment(parse: Parse) -> None:
    """With those of its type that are linked to it."""
    criterion = narrowing(parse, "Patient", ("Patient", "1"))
    assert isinstance(criterion, AnyOf)
    assert criterion.criteria[0] == Identified(identities=(PATIENT,))
    linked = criterion.criteria[1]
    assert isinstance(linked, Matches)
    assert {source.expression for source in linked.parameter.sources} == {"Patient.link.other"}
    assert narrowing(parse, "Encounter", ("Encounter", "1")) == Identified(identities=(identity_of("Encounter", "1"),))


def test_all_members_are_searched_together(parse: Parse, registry: Registry) -> None:
    """``Patient/1/*``: of every type, or those of ``_type``."""
    every = parse(None, "", compartment=("Patient", "1"))
    assert every.types == compartment_types(registry, "Patient")
    assert {"Patient", "Observation", "ServiceRequest"} < set(every.types)
    assert "Organization" not in every.types
    some = parse(None, "_type=Observation,Goal", compartment=("Patient", "1"))
    assert some.types == ("Goal", "Observation")
    assert isinstance(some.where.criteria[0], Matches)
    assert {source.type for source in some.where.criteria[0].parameter.sources} == {"Goal", "Observation"}


def test_criteria_narrow_a_compartment_further(parse: Parse) -> None:
    """And its links repeat them, while the address tells the compartment."""
    query = parse("Observation", "status=final&_count=5", compartment=("Patient", "1"))
    assert len(query.where.criteria) == 2
    assert query.compartment == ("Patient", "1")
    assert query_string(query) == "status=final&_count=5"


@pytest.mark.parametrize(
    "resource_type,compartment,named",
    [
        ("Organization", ("Patient", "1"), "Organization is not in the compartment of a Patient"),
        ("Task", ("Patient", "1"), "Task is not in the compartment of a Patient"),
        ("Observation", ("Organization", "1"), "no compartment of Organization"),
        ("Observation", ("Patient", "a b"), "not a logical id"),
    ],
)
def test_what_is_in_no_compartment_is_refused(
    parse: Parse, resource_type: str, compartment: tuple[str, str], named: str
) -> None:
    """There is no such address."""
    with pytest.raises(FhirError) as raised:
        parse(resource_type, "", compartment=compartment)
    assert raised.value.code == "not-found"
    assert named in raised.value.issues[0].diagnostics


def test_only_members_can_be_named_as_types(parse: Parse) -> None:
    """Of a search of the whole compartment."""
    with pytest.raises(FhirError, match="_type"):
        parse(None, "_type=Organization", compartment=("Patient", "1"))


def test_every_compartment_of_r4_can_be_searched(parse: Parse, registry: Registry) -> None:
    """By all of its types at once."""
    for name in registry.definitions.compartments:
        assert len(parse(None, "", compartment=(name, "1")).types) > 10
