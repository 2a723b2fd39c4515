"""The registry: what is answered, what is refused, and how sources are shared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.fhir.definitions import SearchParameterFact, load
from service.fhir.search import registry as registry_module
from service.fhir.search.registry import Registry
from service.fhir.search.stored_parameters import shipped_parameters

if TYPE_CHECKING:
    from service.fhir.search.parameter import Kind

RESOURCE_TYPES = load().resource_types


@pytest.mark.parametrize("resource_type", RESOURCE_TYPES)
def test_every_official_parameter_is_answered_or_refused_by_name(registry: Registry, resource_type: str) -> None:
    """Exactly one of the two; what ships besides is answered."""
    official = set(registry.definitions.search_parameters(resource_type))
    official |= {fact.code for fact in shipped_parameters(registry.definitions).get(resource_type, ())}
    supported, unsupported = set(registry.parameters(resource_type)), set(registry.unsupported(resource_type))
    assert supported | unsupported == official
    assert not supported & unsupported


def test_what_is_not_answered_is_this(registry: Registry) -> None:
    """Full text, named queries, places, and what is inside of a Bundle."""
    refused = {(each, code) for each in RESOURCE_TYPES for code in registry.unsupported(each)}
    everywhere = {code for resource_type, code in refused if resource_type == "Patient"}
    assert everywhere == {"_content", "_query", "_text"}
    assert {(each, code) for each, code in refused if code not in everywhere} == {
        ("Bundle", "composition"),
        ("Bundle", "message"),
        ("Location", "near"),
    }


@pytest.mark.parametrize("resource_type", RESOURCE_TYPES)
def test_every_answered_parameter_reads_something(registry: Registry, resource_type: str) -> None:
    """A source with a path, an expression to evaluate, or the resource itself."""
    for code, parameter in registry.parameters(resource_type).items():
        assert parameter.special or parameter.sources or all(each.sources for each in parameter.components), code
        assert (parameter.kind == "composite") == (len(parameter.components) > 1), code
        assert all(source.paths or source.evaluated for source in parameter.sources), code
        assert parameter.kind != "reference" or parameter.targets, code


@pytest.mark.parametrize(
    "resource_type,code,others",
    [
        ("Observation", "patient", ("subject",)),
        ("Observation", "combo-code", ("code", "component-code")),
        ("Patient", "name", ("family", "given")),
        ("Patient", "address", ("address-city", "address-country")),
    ],
)
def test_equal_expressions_are_indexed_once(
    registry: Registry, resource_type: str, code: str, others: tuple[str, ...]
) -> None:
    """Aliases, unions and parts share the rows of what they are made of."""
    parameters = registry.parameters(resource_type)
    assert {number for other in others for number in parameters[other].source_numbers} <= set(
        parameters[code].source_numbers
    )


def test_a_source_keeps_its_number(registry: Registry) -> None:
    """Rows are stored under it: these must never change."""
    parameters = registry.parameters("ServiceRequest")
    numbers = {code: parameters[code].source_numbers for code in ("identifier", "subject", "authored")}
    assert numbers == {"identifier": (1708858799,), "subject": (-439184157,), "authored": (-1065200350,)}


def test_numbers_are_never_zero_and_never_shared(registry: Registry) -> None:
    """Zero is the source of references that no parameter reads; building the registry refuses collisions."""
    sources = [source for each in RESOURCE_TYPES for source in registry.sources(each)]
    numbers = {source.number: (source.type, source.kind, source.expression) for source in sources}
    assert len(numbers) == len(sources)
    assert 0 not in numbers
    assert all(-(2**31) <= number < 2**31 for number in numbers)


def test_a_collision_of_sources_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: every source gets the same number."""

    def same(_resource_type: str, _kind: Kind, _expression: str) -> int:
        return 1

    monkeypatch.setattr(registry_module, "source_number", same)
    with pytest.raises(ValueError, match="have the same number"):
        Registry(load()).parameters("Patient")


def test_a_collision_of_types_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted likewise."""
    monkeypatch.setattr(registry_module, "type_code", len)
    with pytest.raises(ValueError, match="have the same number"):
        Registry(load())


def test_further_parameters_can_be_added() -> None:
    """Over a path that is indexed already, their rows are there already."""
    extra = SearchParameterFact(
        code="client",
        url="https://clinic.example.org/SearchParameter/client",
        kind="reference",
        expression="CarePlan.subject",
        targets=("Patient",),
        components=(),
        description="",
    )
    parameters = Registry(load(), {"CarePlan": [extra]}).parameters("CarePlan")
    assert parameters["client"].source_numbers == parameters["subject"].source_numbers


def test_several_types_share_the_parameters_that_mean_the_same(registry: Registry) -> None:
    """``status`` has other codes for each type, so it is none of them."""
    shared = registry.shared_parameters(("Observation", "Procedure"))
    assert {"_id", "_tag", "subject", "patient", "identifier"} <= set(shared)
    assert "status" not in shared
    assert len(shared["subject"].sources) == 2


def test_every_type_shares_the_parameters_of_a_resource(registry: Registry) -> None:
    """For searches of the whole system."""
    expected = {"_id", "_lastUpdated", "_profile", "_security", "_source", "_tag"}
    assert set(registry.shared_parameters(RESOURCE_TYPES)) == expected


def test_the_reference_sources_are_those_of_all_types(registry: Registry) -> None:
    """For finding what refers to a resource."""
    assert set(registry.parameters("CarePlan")["subject"].source_numbers) < set(registry.reference_sources)
    assert not set(registry.parameters("CarePlan")["status"].source_numbers) & set(registry.reference_sources)
