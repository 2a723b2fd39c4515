"""SearchParameter resources: https://hl7.org/fhir/R4/searchparameter.html"""

from __future__ import annotations

from datetime import UTC
from importlib import resources
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from service.fhir.definitions import load
from service.fhir.outcome import FhirError
from service.fhir.search.acceptance import extended
from service.fhir.search.extract import Extractor
from service.fhir.search.parse import parse_criteria
from service.fhir.search.stored_parameters import shipped_parameters
from service.fhir.validation import Validator

if TYPE_CHECKING:
    from service.fhir.search.parameter import SearchParameter
    from service.fhir.search.registry import Registry
    from service.fhir.search.stored_parameters import State

URL = "https://clinic.example.org/SearchParameter/x"
SHIPPED = [
    msgspec.json.decode(file.read_bytes()) for file in (resources.files("service.fhir.search") / "parameters").iterdir()
]


def resource(**elements: Any) -> dict[str, Any]:
    """A SearchParameter over the notes of an Observation."""
    return {
        "resourceType": "SearchParameter",
        "url": URL,
        "name": "X",
        "status": "active",
        "description": "What is in the notes",
        "code": "note",
        "base": ["Observation"],
        "type": "string",
        "expression": "Observation.note.text",
    } | elements


def added(registry: Registry, **elements: Any) -> SearchParameter:
    """The parameter that a resource adds to its first base."""
    content = resource(**elements)
    return extended(registry, content).parameters(content["base"][0])[content["code"]]


@pytest.mark.parametrize("content", SHIPPED, ids=lambda each: each["id"])
def test_what_ships_is_valid_and_answered(registry: Registry, content: dict[str, Any]) -> None:
    """By R4's own definition of SearchParameter."""
    assert Validator(registry.definitions).issues(content, "SearchParameter") == []
    for resource_type in content["base"]:
        assert registry.parameters(resource_type)[content["code"]].url == content["url"]


def test_what_ships_is_this(registry: Registry) -> None:
    codes = {kind: [each.code for each in facts] for kind, facts in shipped_parameters(registry.definitions).items()}
    assert codes == {"CarePlan": ["referral"], "ServiceRequest": ["reason-code", "reason-reference"]}


def test_a_plan_is_found_by_its_referral(registry: Registry) -> None:
    """Among what supports it, which may be of any type."""
    parameter = registry.parameters("CarePlan")["referral"]
    assert (parameter.restricted_to, parameter.targets) == ("ServiceRequest", ("ServiceRequest",))


@pytest.mark.parametrize(
    "elements",
    [
        {},
        {"type": "token", "code": "body-site", "expression": "Observation.bodySite"},
        {"type": "quantity", "code": "low", "expression": "Observation.referenceRange.low"},
        {"type": "number", "code": "points", "expression": "(Observation.value as integer)"},
        {"type": "number", "code": "points", "expression": "Observation.value as integer"},
        {"type": "date", "code": "at", "expression": "Observation.value as dateTime | Observation.effective as Period"},
        {"base": ["Procedure", "Observation"], "expression": "Procedure.note.text | Observation.note.text"},
        {
            "type": "reference",
            "code": "at",
            "expression": "Observation.device.where(resolve() is Device)",
            "target": ["Device"],
        },
    ],
)
def test_a_resource_adds_a_parameter(registry: Registry, elements: dict[str, Any]) -> None:
    """Compiled like R4's own, and extracted from then on."""
    parameter = added(registry, **elements)
    assert parameter.sources
    assert parameter.url == URL


def test_a_composite_can_be_added(registry: Registry) -> None:
    """Its components are known by the URLs of their parameters."""
    found = extended(
        registry,
        resource(
            type="composite",
            code="code-body",
            expression="Observation",
            component=[
                {"definition": "http://hl7.org/fhir/SearchParameter/clinical-code", "expression": "code"},
                {"definition": "http://hl7.org/fhir/SearchParameter/Observation-category", "expression": "category"},
            ],
        ),
    )
    parameter = found.parameters("Observation")["code-body"]
    assert [each.code for each in parameter.components] == ["code", "category"]


def test_the_registry_that_is_extended_stays_as_it_was(registry: Registry) -> None:
    """The new one extracts what the old one does not."""
    found = extended(registry, resource())
    content = {"resourceType": "Observation", "note": [{"text": "Ä"}]}
    assert "note" not in registry.parameters("Observation")
    assert Extractor(registry).rows("Observation", content, "") == {}
    assert [row[2:] for row in Extractor(found).rows("Observation", content, "")["string"]] == [("a", "Ä")]


@pytest.mark.parametrize("status", ["draft", "retired", "unknown"])
def test_only_an_active_resource_adds_a_parameter(registry: Registry, status: str) -> None:
    """Any other may say whatever it wants."""
    assert extended(registry, resource(status=status, code="status", expression="nonsense")) is registry


@pytest.mark.parametrize("elements,told", [({"url": f"{URL}2"}, "parameter note already"), ({"code": "b"}, "its url")])
def test_no_two_stored_ones_are_alike(registry: Registry, elements: dict[str, Any], told: str) -> None:
    """Neither by the code, for one of the types, nor by the URL."""
    with pytest.raises(FhirError, match=told):
        extended(extended(registry, resource()), resource(**elements))


def test_the_same_code_may_be_added_to_several_types_by_several_resources(registry: Registry) -> None:
    of_another = resource(url=f"{URL}2", base=["Procedure"], expression="Procedure.note.text")
    found = extended(extended(registry, resource()), of_another)
    assert found.parameters("Procedure")["note"].url != found.parameters("Observation")["note"].url


@pytest.mark.parametrize("state", ["indexing", "leaving"])
def test_what_comes_or_goes_is_indexed_and_not_searched_by(registry: Registry, state: State) -> None:
    found = registry.with_stored([registry.stored_parameter(resource(), state)])
    assert "note" not in found.parameters("Observation")
    assert Extractor(found).rows("Observation", {"note": [{"text": "a"}]}, "")["string"]


def test_what_has_left_is_not_indexed(registry: Registry) -> None:
    """References by it may still have rows, which integrity looks at until they are gone."""
    report = resource(
        code="report",
        base=["Procedure"],
        type="reference",
        expression="Procedure.report",
        target=["DiagnosticReport"],
    )
    (number,) = extended(registry, report).parameters("Procedure")["report"].source_numbers
    found = registry.with_stored([registry.stored_parameter(report, "left")])
    assert Extractor(found).rows("Procedure", {"report": [{"reference": "DiagnosticReport/1"}]}, "") == {}
    assert number not in found.reference_sources
    assert number in found.every_reference_source


@pytest.mark.parametrize("state,told", [("indexing", "note is being indexed"), ("leaving", "no search parameter")])
def test_a_search_by_what_comes_is_told_so(registry: Registry, state: State, told: str) -> None:
    """One that goes is as unknown as if it had never been."""
    found = registry.with_stored([registry.stored_parameter(resource(), state)])
    for search in (("note", "a"), ("focus:Observation.note", "a"), ("_has:Observation:subject:note", "a")):
        type_ = "Observation" if search[0] == "note" else "Task" if "focus" in search[0] else "Patient"
        with pytest.raises(FhirError) as refusal:
            parse_criteria(found, type_, (search,), base="http://here/fhir", zone=UTC)
        assert (refusal.value.code == "parameter-unsupported") is (state == "indexing")
        assert told in str(refusal.value) or state == "leaving"


def test_a_composite_may_not_take_the_values_of_another_apart(registry: Registry) -> None:
    """Those of code-value-quantity stand in the resource itself."""
    content = resource(
        type="composite",
        code="within-code",
        expression="Observation.code",
        component=[{"definition": CODE, "expression": "coding"}, {"definition": CODE, "expression": "coding"}],
    )
    with pytest.raises(FhirError, match="values of other composites apart"):
        extended(registry, content)


CODE = "http://hl7.org/fhir/SearchParameter/clinical-code"
COMPONENT = "http://hl7.org/fhir/SearchParameter/Observation-component-code"


@pytest.mark.parametrize(
    "elements,place,told",
    [
        ({"type": "special"}, "type", "type is one of token"),
        ({"code": "a b"}, "code", "code is up to 64 letters"),
        ({"code": "_id"}, "code", "code is up to 64 letters"),
        ({"code": "status"}, "code", "Observation has a parameter status already"),
        ({"base": ["Account"], "expression": "Account.name"}, "base", "that the service serves"),
        ({"base": ["Resource"], "expression": "Resource.id"}, "base", "that the service serves"),
        ({"expression": "Patient.name"}, "expression", "a part for Observation"),
        ({"expression": None}, "expression", "a part for Observation"),
        ({"expression": "Observation.nonsense"}, "expression", "cannot index Observation.nonsense"),
        ({"expression": "Observation.note.text.lower()"}, "expression", "cannot index"),
        ({"expression": "Observation.subject"}, "expression", "cannot index"),
        ({"type": "token", "expression": "Observation.value.exists() and true"}, "expression", "cannot index"),
        ({"type": "reference", "expression": "Observation.subject"}, "target", "names the resource types"),
        ({"xpathUsage": "phonetic"}, "xpathUsage", "xpathUsage, where it is sent, is normal"),
        ({"modifierExtension": [{"url": "http://x"}]}, "modifierExtension", "no modifier extensions"),
        ({"type": "composite"}, "component", "a composite has components"),
        ({"component": [{"definition": CODE, "expression": "code"}]}, "component", "nothing else has"),
        (
            {
                "type": "composite",
                "expression": "Observation",
                "component": [{"definition": "x", "expression": "code"}],
            },
            "component[0].definition",
            "the url of a parameter",
        ),
        (
            {
                "type": "composite",
                "expression": "Observation",
                "component": [
                    {"definition": CODE, "expression": "code"},
                    {"definition": COMPONENT, "expression": "component.code"},
                ],
            },
            "expression",
            "do not stand together in one element",
        ),
    ],
)
def test_what_cannot_be_indexed_is_refused(registry: Registry, elements: dict[str, Any], place: str, told: str) -> None:
    """Naming the element, and what it would take."""
    content = {name: value for name, value in resource(**elements).items() if value is not None}
    with pytest.raises(FhirError) as refusal:
        extended(registry, content)
    assert refusal.value.code == "search-parameter"
    (issue,) = refusal.value.issues
    assert issue.expression == (f"SearchParameter.{place}",)
    assert told in issue.diagnostics


def test_definitions_that_serve_less_ship_less() -> None:
    """A parameter of a type that is not served is left out."""
    definitions = load()
    definitions.__dict__["resource_types"] = ("CarePlan",)
    assert set(shipped_parameters(definitions)) == {"CarePlan"}
