"""The compiler: what it makes of published definitions, and what it refuses to skip."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.definitions.compiler import compile_package
from service.fhir.definitions.package import Package
from service.fhir.definitions.search_parameters import expression_for, normalise, split_union
from service.fhir.definitions.value_sets import ValueSetExpander

if TYPE_CHECKING:
    from pathlib import Path

ABSTRACT = {"code": "notSelectable", "valueBoolean": True}


def package(folder: Path, *resources: dict[str, Any]) -> Package:
    """A folder that looks like the package and holds the resources."""
    for number, resource in enumerate([{"resourceType": "StructureDefinition"}, *resources]):
        name = "Patient" if number == 0 else str(number)
        (folder / f"{resource['resourceType']}-{name}.json").write_text(json.dumps(resource), encoding="utf-8")
    return Package(folder)


def value_set(**compose: Any) -> dict[str, Any]:
    return {"resourceType": "ValueSet", "url": "urn:vs", "compose": compose}


def code_system(content: str = "complete") -> dict[str, Any]:
    inner = [
        {"code": "b", "concept": [{"code": "c"}]},
        {"code": "d", "property": [ABSTRACT], "concept": [{"code": "e"}]},
    ]
    concepts = [{"code": "a", "concept": inner}]
    return {"resourceType": "CodeSystem", "url": "urn:cs", "content": content, "concept": concepts}


def expand(folder: Path, **compose: Any) -> set[str]:
    found = ValueSetExpander(package(folder, code_system(), value_set(**compose))).expand("urn:vs|4.0.1")
    return {code for _, code in found}


def test_a_whole_system_is_all_its_levels_without_the_abstract_ones(tmp_path: Path) -> None:
    """Children of an abstract code count, the code itself does not."""
    assert expand(tmp_path, include=[{"system": "urn:cs"}]) == {"a", "b", "c", "e"}


def test_listed_concepts_are_taken_as_listed(tmp_path: Path) -> None:
    """A list needs no code system."""
    assert expand(tmp_path, include=[{"system": "urn:other", "concept": [{"code": "x"}]}]) == {"x"}


def test_what_is_excluded_is_taken_away(tmp_path: Path) -> None:
    """`exclude` undoes `include`."""
    excluded = {"system": "urn:cs", "concept": [{"code": "b"}]}
    assert expand(tmp_path, include=[{"system": "urn:cs"}], exclude=[excluded]) == {"a", "c", "e"}


def test_a_filter_is_never_skipped(tmp_path: Path) -> None:
    """What the compiler does not understand stops it."""
    with pytest.raises(NotImplementedError, match="filters"):
        expand(tmp_path, include=[{"system": "urn:cs", "filter": [{"property": "a", "op": "=", "value": "b"}]}])


def test_an_incomplete_code_system_is_never_taken_for_complete(tmp_path: Path) -> None:
    """A fragment has codes that are not there."""
    broken = package(tmp_path, code_system("fragment"), value_set(include=[{"system": "urn:cs"}]))
    with pytest.raises(NotImplementedError, match="fragment"):
        ValueSetExpander(broken).expand("urn:vs")


def test_another_folder_than_the_package_is_refused(tmp_path: Path) -> None:
    """The message says which folder is meant."""
    with pytest.raises(FileNotFoundError, match=r"hl7\.fhir\.r4\.examples"):
        compile_package(tmp_path, tmp_path / "facts")


@pytest.mark.parametrize(
    "expression, parts",
    [
        ("A.b | A.c", ["A.b", "A.c"]),
        ("(A.b | A.c) | A.d.where(e | f)", ["(A.b | A.c)", "A.d.where(e | f)"]),
        ("A.b", ["A.b"]),
        ("", []),
    ],
)
def test_a_union_is_split_outside_of_parentheses(expression: str, parts: list[str]) -> None:
    """Inner unions stay whole."""
    assert list(split_union(expression)) == parts


@pytest.mark.parametrize(
    "expression, normal",
    [
        ("(Observation.value as Quantity)", "Observation.value.ofType(Quantity)"),
        ("Observation.value.as(Quantity)", "Observation.value.ofType(Quantity)"),
        ("(Observation.value as CodeableConcept).text", "Observation.value.ofType(CodeableConcept).text"),
        ("Patient.name", "Patient.name"),
        (
            "Patient.deceased.exists() and Patient.deceased != false",
            "Patient.deceased.exists() and Patient.deceased != false",
        ),
    ],
)
def test_the_ways_to_write_a_type_become_one(expression: str, normal: str) -> None:
    """`as` in its two forms is `ofType`."""
    assert normalise(expression) == normal


def test_a_type_gets_its_part_of_a_union() -> None:
    """`Patient` is not `PatientLink`, and a path without a type belongs to whoever declares it."""
    expression = "Patient.name | PatientLink.name | (Patient.other as string) | alias"
    assert expression_for("Patient", expression) == "Patient.name | Patient.other.ofType(string) | Patient.alias"


def test_a_union_without_a_part_for_the_type_stops_the_compiler() -> None:
    """A parameter that would never find anything is not let in."""
    with pytest.raises(ValueError, match="Patient"):
        expression_for("Patient", "Group.name")
