"""Modifiers: each where R4 allows it for what the parameter reads, refused by name elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from service.fhir.search.modifiers import UNSUPPORTED_MODIFIERS, accepted_modifiers
from service.fhir.search.query import AnyOf, CodesOperand, Identified, InCodes, Not, Present
from tests.unit.search.refusal import refusal

if TYPE_CHECKING:
    from service.fhir.search.registry import Registry
    from tests.unit.search.conftest import Parse

CODES = {"in", "not-in", "above", "below"}


@pytest.mark.parametrize(
    "resource_type,code,expected",
    [
        ("Observation", "code", {"missing", "not", "text"} | CODES),
        ("Observation", "status", {"missing", "not"} | CODES),
        ("Observation", "identifier", {"missing", "not", "text", "of-type"}),
        ("Patient", "active", {"missing", "not"}),
        ("Patient", "phone", {"missing", "not"}),
        ("DocumentReference", "contenttype", {"missing", "not", "below"}),
        ("Patient", "language", {"missing", "not", "text"} | CODES),
        ("Questionnaire", "subject-type", {"missing", "not"} | CODES),
        ("Patient", "family", {"missing", "exact", "contains"}),
        ("Patient", "birthdate", {"missing"}),
        ("QuestionnaireResponse", "questionnaire", {"missing", "below"}),
        ("PlanDefinition", "definition", {"missing", "below"}),
        ("Patient", "general-practitioner", {"missing", "identifier", "Organization", "Practitioner"}),
        ("ServiceRequest", "instantiates-uri", {"missing", "above", "below"}),
        ("Observation", "value-quantity", {"missing"}),
        ("Observation", "code-value-quantity", set()),
        ("RiskAssessment", "probability", {"missing"}),
        ("Observation", "_id", {"missing", "not"}),
        ("Observation", "_lastUpdated", {"missing"}),
        ("Observation", "_tag", {"missing", "not", "text"} | CODES),
        ("Observation", "_profile", {"missing", "above", "below"}),
    ],
)
def test_modifiers_follow_the_elements(registry: Registry, resource_type: str, code: str, expected: set[str]) -> None:
    """A type of identifier for identifiers, sets of codes for codes that have a system."""
    accepted = set(accepted_modifiers(registry.parameters(resource_type)[code]))
    assert expected <= accepted
    assert {each for each in accepted - expected if not each[0].isupper()} == set()


R4: dict[str, set[str]] = {
    "string": {"missing", "exact", "contains", "text"},
    "token": {"missing", "text", "not", "above", "below", "in", "not-in", "of-type"},
    "reference": {"missing", "[type]", "identifier", "above", "below"},
    "uri": {"missing", "above", "below"},
    "date": {"missing"},
    "number": {"missing"},
    "quantity": {"missing"},
    "composite": set(),
}
"""Search parameter type → the modifiers that https://hl7.org/fhir/R4/search.html#modifiers and its sections give it."""


def accepted_by_kind(registry: Registry) -> dict[str, list[set[str]]]:
    """The modifiers of every parameter, by search parameter type, the names of types as ``[type]``."""
    found: dict[str, list[set[str]]] = {kind: [] for kind in R4}
    for resource_type in registry.definitions.resource_types:
        for parameter in registry.parameters(resource_type).values():
            names = accepted_modifiers(parameter)
            found[parameter.kind].append({"[type]" if name[0].isupper() else name for name in names})
    return found


def test_a_type_takes_the_modifiers_of_r4_but_those_that_are_listed_with_a_reason(registry: Registry) -> None:
    """Each for some parameter at least, and no parameter takes another one."""
    for kind, accepted in accepted_by_kind(registry).items():
        taken = set().union(*accepted)
        assert taken <= R4[kind]
        assert R4[kind] - taken <= {name for of_kind, name in UNSUPPORTED_MODIFIERS if of_kind == kind}
        assert all("missing" in each for each in accepted if kind != "composite")


def test_what_is_listed_with_a_reason_is_refused(registry: Registry) -> None:
    """Of all parameters of the type, or of some."""
    for kind, name in UNSUPPORTED_MODIFIERS:
        assert name in R4[kind]
        assert not all(name in each for each in accepted_by_kind(registry)[kind])


def test_the_readme_has_the_matrix(registry: Registry) -> None:
    """Modifiers by search parameter type: of all parameters, of some, of none, or none that R4 has."""
    text = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    start = text.index("| modifier | string |")
    head, _, *rows = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in text[start:].split("\n\n")[0].split("\n")
    )
    stated = {(row[0].strip("`:"), kind): cell for row in rows for kind, cell in zip(head[1:], row[1:], strict=True)}
    accepted = accepted_by_kind(registry)
    expected = {}
    for kind, every in accepted.items():
        for name in dict.fromkeys(name for names in R4.values() for name in sorted(names)):
            taking = [name in each for each in every]
            how = "yes" if taking and all(taking) else "some" if any(taking) else "no" if name in R4[kind] else ""
            expected[name, kind] = how
    assert stated == expected


def test_a_modifier_of_r4_that_is_not_answered_is_refused_with_the_reason(parse: Parse) -> None:
    """Beside those that are."""
    diagnostics = refusal(parse, "Patient", "family:text=a")[2]
    assert diagnostics == (
        "R4 has :text for parameters of this type, but the service keeps no full-text index. "
        "family takes the modifiers missing, exact, contains."
    )
    assert "hierarchy" in refusal(parse, "Encounter", "location:above=1")[2]


@pytest.mark.parametrize("name", ["_id", "_lastUpdated"])
def test_what_every_resource_has_is_never_missing(parse: Parse, name: str) -> None:
    """R4 has :missing for all parameters."""
    never = AnyOf(criteria=())
    assert parse("Patient", f"{name}:missing=true").where.criteria == (never,)
    assert parse("Patient", f"{name}:missing=false").where.criteria == (Not(criterion=never),)


@pytest.mark.parametrize("modifier", ["foo", "Exact", "exact:exact", "", "exact'--", "iterate", "of-type", "Patient"])
def test_a_modifier_that_does_not_belong_is_refused_with_those_that_do(parse: Parse, modifier: str) -> None:
    """Even leniently: without it the search would mean something else."""
    code, expression, diagnostics = refusal(parse, "Patient", f"family:{modifier}=a", strict=False)
    assert (code, expression) == ("modifier-unsupported", "http.family")
    assert diagnostics.startswith("family takes the modifiers missing, exact, contains")


@pytest.mark.parametrize(
    "text,near",
    [
        ("family:exat=a", "exact"),
        ("identifier:oftype=a|b|c", "of-type"),
        ("general-practitioner:Practioner=1", "Practitioner"),
    ],
)
def test_the_modifier_that_is_nearest_to_an_unknown_one_is_named(parse: Parse, text: str, near: str) -> None:
    """A type is one, too."""
    assert refusal(parse, "Patient", text)[2].endswith(f'; did you mean "{near}"?')


@pytest.mark.parametrize("text", ["code:missing=true", "subject:missing=true", "date:missing=true"])
def test_missing_is_the_opposite_of_present(parse: Parse, text: str) -> None:
    """On every type that has rows."""
    (criterion,) = parse("Observation", text).where.criteria
    assert isinstance(criterion, Not)
    assert isinstance(criterion.criterion, Present)


@pytest.mark.parametrize("value", ["", "yes", "TRUE", "true,false", "1"])
def test_missing_takes_true_or_false(parse: Parse, value: str) -> None:
    """And nothing else."""
    assert refusal(parse, "Observation", f"code:missing={value}")[:2] == ("parameter-value", "http.code")


def test_ids_can_be_left_out(parse: Parse) -> None:
    """_id is a token."""
    (criterion,) = parse("Observation", "_id:not=1,2").where.criteria
    assert isinstance(criterion, Not)
    assert isinstance(criterion.criterion, Identified)


@pytest.mark.parametrize(
    "text,relation,operands",
    [
        ("code:in=http://a.example/vs", "in", [("http://a.example/vs", "")]),
        ("code:in=http://a.example/vs%7C2", "in", [("http://a.example/vs|2", "")]),
        ("code:in=urn:oid:1.2,ValueSet/9", "in", [("urn:oid:1.2", ""), ("ValueSet/9", "")]),
        ("code:in=https://fhir.example.org/fhir/ValueSet/9", "in", [("ValueSet/9", "")]),
        ("code:above=http://a.example%7Cx", "above", [("http://a.example", "x")]),
        ("code:below=http://a.example%7Cx", "below", [("http://a.example", "x")]),
        ("status:below=final", "below", [("http://hl7.org/fhir/observation-status", "final")]),
    ],
)
def test_sets_of_codes_are_looked_up_later(
    parse: Parse, text: str, relation: str, operands: list[tuple[str, str]]
) -> None:
    """By a canonical URL, by the id of a ValueSet, or by a code in its system."""
    (criterion,) = parse("Observation", text).where.criteria
    assert isinstance(criterion, InCodes)
    assert criterion.relation == relation
    assert criterion.operands == tuple(CodesOperand(url=url, code=code) for url, code in operands)


def test_not_in_is_the_complement_of_in(parse: Parse) -> None:
    """Resources without a code are not in the value set either."""
    (criterion,) = parse("Observation", "code:not-in=http://a.example/vs").where.criteria
    assert isinstance(criterion, Not)
    assert criterion.criterion == parse("Observation", "code:in=http://a.example/vs").where.criteria[0]


@pytest.mark.parametrize(
    "text",
    [
        *(f"code:in={value}" for value in ("", "vs", "a b", "http://a b", "ValueSet/", "Patient/1", "ValueSet/a b")),
        *(
            f"code:in={value}"
            for value in ("ValueSet/1/_history/2", "http://a%7C1%7C2", "http://a,,http://b", "' OR 1")
        ),
        *(f"code:above={value}" for value in ("", "x", "%7Cx", "http://a%7C", "http://a%7Cx%7Cy", "%7C")),
        "code:below=x",
    ],
)
def test_a_malformed_set_is_refused(parse: Parse, text: str) -> None:
    """With what would be accepted."""
    assert refusal(parse, "Observation", text)[:2] == ("parameter-value", "http.code")
