"""Chains and reverse chains: where they lead, and what they are refused for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.fhir.reference import identity_of
from service.fhir.search.query import And, Chain, Has, Identified, Matches, Not, Present, StringValue, Updated
from service.fhir.search.result_parameters import SearchLimits
from tests.unit.search.refusal import refusal

if TYPE_CHECKING:
    from service.fhir.search.query import Criterion
    from tests.unit.search.conftest import Parse


def only(parse: Parse, resource_type: str, text: str) -> Criterion | Not:
    """The one criterion of a search."""
    (criterion,) = parse(resource_type, text).where.criteria
    return criterion


def described(criterion: Criterion | Not) -> str:
    """The links of a criterion and what stands at their end."""
    match criterion:
        case Chain(parameter=parameter, types=types, where=And(criteria=(inner,))):
            return f"{parameter.code}>{'|'.join(types)} {described(inner)}"
        case Has(type=type_, parameter=parameter, where=And(criteria=(inner,))):
            return f"{type_}.{parameter.code}< {described(inner)}"
        case Not(criterion=inner):
            return f"not {described(inner)}"
        case Matches(parameter=parameter) | Present(parameter=parameter):
            return parameter.code
        case Identified():
            return "_id"
        case Updated():
            return "_lastUpdated"
    raise AssertionError(criterion)


@pytest.mark.parametrize(
    "resource_type,text,expected",
    [
        ("Observation", "patient.name=a", "patient>Patient name"),
        ("Observation", "subject:Patient.name=a", "subject>Patient name"),
        ("Observation", "subject:Patient.name:exact=a", "subject>Patient name"),
        ("Observation", "patient._id=1", "patient>Patient _id"),
        ("Observation", "patient._lastUpdated=gt2024", "patient>Patient _lastUpdated"),
        ("Observation", "patient.active:not=true", "patient>Patient not active"),
        ("Observation", "patient.name:missing=true", "patient>Patient not name"),
        ("Observation", "patient.organization.name=a", "patient>Patient organization>Organization name"),
        ("Observation", "subject.birthdate=2000", "subject>Patient birthdate"),
        (
            "ServiceRequest",
            "requester:PractitionerRole.organization.identifier=a|b",
            "requester>PractitionerRole organization>Organization identifier",
        ),
        ("Patient", "_has:Observation:patient:code=a", "Observation.patient< code"),
        ("Patient", "_has:Observation:patient:code:missing=false", "Observation.patient< code"),
        ("Patient", "_has:Observation:patient:_id=1", "Observation.patient< _id"),
        (
            "Patient",
            "_has:Observation:patient:_has:Provenance:target:agent=Practitioner/1",
            "Observation.patient< Provenance.target< agent",
        ),
        ("Patient", "_has:Observation:patient:encounter.class=AMB", "Observation.patient< encounter>Encounter class"),
        ("Task", "patient._has:Observation:patient:code=a", "patient>Patient Observation.patient< code"),
        ("Task", "focus:ServiceRequest.subject:Patient.name=a", "focus>ServiceRequest subject>Patient name"),
        ("QuestionnaireResponse", "questionnaire.title=a", "questionnaire>Questionnaire title"),
        (
            "CarePlan",
            "instantiates-canonical:PlanDefinition.title=a",
            "instantiates-canonical>PlanDefinition title",
        ),
    ],
)
def test_links_are_followed(parse: Parse, resource_type: str, text: str, expected: str) -> None:
    """Forwards, backwards, one after the other, with a modifier at the end."""
    assert described(only(parse, resource_type, text)) == expected


def test_an_untyped_link_leads_to_the_types_that_know_the_next_parameter(parse: Parse) -> None:
    """And reads it from all of them."""
    criterion = only(parse, "ServiceRequest", "requester.name=Ex")
    assert isinstance(criterion, Chain)
    assert set(criterion.types) == {"Organization", "Patient", "Practitioner", "RelatedPerson"}
    (inner,) = criterion.where.criteria
    assert isinstance(inner, Matches)
    assert {source.type for source in inner.parameter.sources} == set(criterion.types)
    assert inner.values == (StringValue(folded="ex"),)


def test_repeated_chains_are_criteria_of_their_own(parse: Parse) -> None:
    """R4: each may be met by another resource."""
    assert len(parse("Patient", "_has:Observation:patient:code=a&_has:Observation:patient:code=b").where.criteria) == 2


def test_values_of_a_chain_are_alternatives(parse: Parse) -> None:
    """As they are without one."""
    criterion = only(parse, "Observation", "patient.name=a,b")
    assert isinstance(criterion, Chain)
    (inner,) = criterion.where.criteria
    assert isinstance(inner, Matches)
    assert len(inner.values) == 2


@pytest.mark.parametrize("resource_type", ["Patient", "Observation", None])
def test_the_items_of_a_list_are_found_backwards(parse: Parse, resource_type: str | None) -> None:
    """From every type, even from all of them."""
    (criterion,) = parse(resource_type, "_list=42,List/43").where.criteria
    assert isinstance(criterion, Has)
    lists = Identified(identities=(identity_of("List", "42"), identity_of("List", "43")))
    assert (criterion.type, criterion.parameter.code, criterion.where) == ("List", "item", And(criteria=(lists,)))


@pytest.mark.parametrize(
    "text,code",
    [
        ("foo.name=a", "parameter-unknown"),
        ("pateint.name=a", "parameter-unknown"),
        ("patient.nmae=a", "parameter-unknown"),
        ("subject.nonsense=a", "parameter-unknown"),
        ("code.name=a", "parameter-value"),
        ("patient.=a", "parameter-value"),
        ("patient..name=a", "parameter-unknown"),
        (".name=a", "parameter-unknown"),
        ("subject:Task.status=draft", "modifier-unsupported"),
        ("subject:Nonsense.name=a", "modifier-unsupported"),
        ("patient.name:below=a", "modifier-unsupported"),
        ("patient.name=", "parameter-value"),
        ("patient.birthdate=2026-13", "parameter-value"),
        ("patient.gender=femal", "parameter-value"),
        ("patient._count=1", "parameter-unknown"),
        ("subject:Patient._sort=name", "parameter-unknown"),
        ("_has=a", "parameter-value"),
        ("_has:=a", "parameter-value"),
        ("_has:Task=a", "parameter-value"),
        ("_has:Task:focus=a", "parameter-value"),
        ("_has:Task:focus:=a", "parameter-value"),
        ("_has:Nonsense:focus:status=draft", "parameter-value"),
        ("_has:Task:nonsense:status=draft", "parameter-unknown"),
        ("_has:Task:status:status=draft", "parameter-value"),
        ("_has:Task:patient:status=draft", "parameter-value"),
        ("_has:Task:focus:nonsense=a", "parameter-unknown"),
        ("_has:Task:focus:status=drafft", "parameter-value"),
        ("_has:Task:focus:_has=a", "parameter-value"),
        ("_list=", "parameter-value"),
        ("_list=a b", "parameter-value"),
        ("_list=1,,2", "parameter-value"),
        ("_list=$current-problems", "parameter-value"),
        ("_list:not=1", "modifier-unsupported"),
    ],
)
def test_a_link_that_cannot_be_followed_is_refused_by_name(parse: Parse, text: str, code: str) -> None:
    """With the whole parameter."""
    name = text.partition("=")[0].partition(":not")[0]
    assert refusal(parse, "Observation", text)[:2] == (code, f"http.{name}")


def test_a_parameter_whose_meaning_differs_between_the_types_needs_the_type(parse: Parse) -> None:
    """The codes of the status of one say nothing about the other."""
    code, expression, diagnostics = refusal(parse, "Task", "focus.status=active")
    assert (code, expression) == ("parameter-value", "http.focus.status")
    assert "ServiceRequest" in diagnostics
    assert "focus:" in diagnostics


def test_a_uri_is_not_followed(parse: Parse) -> None:
    """It names no resource."""
    code, expression, diagnostics = refusal(parse, "ServiceRequest", "instantiates-uri.name=a")
    assert (code, expression) == ("parameter-value", "http.instantiates-uri.name")
    assert "references only" in diagnostics


@pytest.mark.parametrize("rest", ["type=a", "_id=1", "_has:Observation:subject:code=a", "_list=1"])
@pytest.mark.parametrize("link", ["specimen", "specimen:Specimen"])
def test_types_that_are_not_served_are_not_followed(parse: Parse, link: str, rest: str) -> None:
    """Nothing could be found there."""
    code, _, diagnostics = refusal(parse, "ServiceRequest", f"{link}.{rest}")
    assert code == "parameter-unsupported"
    assert diagnostics == "specimen refers to Specimen, which the service does not serve."


def test_an_unknown_parameter_in_a_chain_names_the_nearest_one_of_its_type(parse: Parse) -> None:
    """Not one of the type that the chain starts at, nor a result parameter."""
    diagnostics = refusal(parse, "Observation", "patient.birthdat=2000")[2]
    assert 'Patient has no search parameter birthdat; did you mean "birthdate"?' in diagnostics
    assert "_count" not in diagnostics


@pytest.mark.parametrize("name", ["part-of" + ".part-of" * 49, "_has:Task:part-of:" * 50 + "part-of"])
def test_a_chain_of_fifty_links_is_refused(parse: Parse, name: str) -> None:
    """With the limit, and the parameter that it starts with."""
    code, expression, diagnostics = refusal(parse, "Task", f"{name}=1")
    assert code == "too-costly"
    assert expression.startswith(f"http.{name[:20]}")
    assert "at most 6 links" in diagnostics


def test_the_longest_chain_is_a_setting(parse: Parse) -> None:
    """Links in both directions count."""
    text = "_has:Task:focus:owner:Practitioner.name=a"
    assert parse("ServiceRequest", text, limits=SearchLimits(chain=2)).where.criteria
    assert refusal(parse, "ServiceRequest", text, limits=SearchLimits(chain=1))[0] == "too-costly"


def test_the_links_of_all_chains_are_limited(parse: Parse) -> None:
    """Each of them nests in the statement."""
    chain = "patient.organization.name=a"
    assert parse("Observation", "&".join([chain] * 15)).where.criteria
    code, _, diagnostics = refusal(parse, "Observation", "&".join([chain] * 15 + ["_has:List:item:title=a"]))
    assert (code, "at most 30 links" in diagnostics) == ("too-costly", True)


def test_lenient_handling_leaves_out_a_chain_that_is_not_known(parse: Parse) -> None:
    """All of it, and says so."""
    query = parse("Observation", "patient.foo=1&_has:Task:focus:foo=1", strict=False)
    assert (query.where.criteria, query.applied, len(query.warnings)) == ((), (), 2)


def test_ids_without_a_type_count_inside_of_chains_too(parse: Parse) -> None:
    """Each stands for many digests."""
    text = f"_has:List:item:item={','.join(str(number) for number in range(500))}"
    assert refusal(parse, "Patient", text)[0] == "too-costly"
