"""The evaluator on the specification's own examples: https://hl7.org/fhir/R4/search.html"""

from __future__ import annotations

from typing import Any

import pytest

from tests.search.evaluator import Evaluator
from tests.search.evaluator.examples import BASE, NOW, found, observation

Json = dict[str, Any]


def effective(value: Any) -> Json:
    return observation(**{"effectivePeriod" if isinstance(value, dict) else "effectiveDateTime": value})


FROM_21_JAN = {"start": "2013-01-21"}
FROM_15_MAR = {"start": "2013-03-15"}
TO_21_JAN = {"end": "2013-01-21"}


@pytest.mark.parametrize(
    "search,value,matches",
    [
        ("eq2013-01-14", "2013-01-14T00:00:00Z", True),
        ("eq2013-01-14", "2013-01-14T10:00:00Z", True),
        ("eq2013-01-14", "2013-01-15T00:00:00Z", False),
        ("ne2013-01-14", "2013-01-15T00:00:00Z", True),
        ("ne2013-01-14", "2013-01-14T00:00:00Z", False),
        ("ne2013-01-14", "2013-01-14T10:00:00Z", False),
        ("lt2013-01-14T10:00", "2013-01-14", True),
        ("gt2013-01-14T10:00", "2013-01-14", True),
        ("ge2013-03-14", FROM_21_JAN, True),
        ("le2013-03-14", FROM_21_JAN, True),
        ("sa2013-03-14", FROM_15_MAR, True),
        ("sa2013-03-14", FROM_21_JAN, False),
        ("sa2013-03-14", TO_21_JAN, False),
        ("eb2013-03-14", FROM_15_MAR, False),
        ("eb2013-03-14", FROM_21_JAN, False),
        ("eb2013-03-14", TO_21_JAN, True),
        ("ap2013-03-14", "2013-03-14", True),
        ("ap2013-03-14", "2013-01-21", False),
        ("ap2013-03-14", "2015-06-15", False),
        # "2000 is equivalent to an interval of [2000-01-01T00:00, 2000-12-31T23:59]", 2000-04 to its last instant
        ("2000", "2000-12-31T23:59:59Z", True),
        ("2000", "2001-01-01T00:00:00Z", False),
        ("2000-04", "2000-04-30T23:59:59Z", True),
        ("2000-04", "2000-05-01T00:00:00Z", False),
        ("2000-12", "2000-12-31", True),
        # a year is more than its first day, and more than one of its days
        ("2000-01-01", "2000", False),
        ("ge2000-06-01", "2000", True),
        ("gt2000", "2000-06", False),
        ("lt2000", "2000-06", False),
        # "the system should correct for time zones"
        ("2013-01-14T15:00Z", "2013-01-14T10:00:00-05:00", True),
    ],
)
def test_dates(search: str, value: Any, matches: bool) -> None:
    """https://hl7.org/fhir/R4/search.html#date"""
    assert bool(found("Observation", f"date={search}", effective(value))) == matches


def test_an_instant_is_a_point_in_time() -> None:
    """However precise the search is; a dateTime to the second takes all of the second."""
    instant, moment = observation(effectiveInstant="2013-01-14T10:00:00Z"), effective("2013-01-14T10:00:00Z")
    assert found("Observation", "date=2013-01-14T10:00:00.000Z", instant, moment) == {"0"}
    assert found("Observation", "date=2013-01-14T10:00:00Z", instant, moment) == {"0", "1"}


def test_a_timing_has_outer_limits() -> None:
    """R4: "every second day between 31-Jan 2013 and 24-Mar 2013 includes 1-Feb 2013"."""
    timing = observation(effectiveTiming={"event": ["2013-03-24", "2013-01-31", "2013-02-02"]})
    assert found("Observation", "date=ap2013-02-01", timing) == {"0"}
    assert found("Observation", "date=gt2013-02-01&date=lt2013-02-01", timing) == {"0"}
    assert not found("Observation", "date=2013-02-01", timing)


def named(*given: str) -> Json:
    return {"resourceType": "Patient", "name": [{"given": list(given)}]}


@pytest.mark.parametrize(
    "query,ids",
    [
        ("given=eve", {"0", "1", "3"}),
        ("given:contains=eve", {"0", "1", "2", "3"}),
        ("given:exact=Eve", {"0"}),
        ("given=ÈVE", {"0", "1", "3"}),
        ("name=eve,sev", {"0", "1", "2", "3"}),
    ],
)
def test_strings(query: str, ids: set[str]) -> None:
    """https://hl7.org/fhir/R4/search.html#string"""
    assert found("Patient", query, named("Eve"), named("Evelyn"), named("Severine"), named("EVE")) == ids


def test_uris() -> None:
    """https://hl7.org/fhir/R4/search.html#uri"""
    acme = "http://acme.org/fhir/ValueSet/123"
    sets = [{"resourceType": "ValueSet", "url": url} for url in (acme, "http://acme.org/FHIR/1", "urn:oid:1.2.3.4.5")]
    assert found("ValueSet", f"url={acme}", *sets) == {"0"}
    assert found("ValueSet", "url:below=http://acme.org/fhir/", *sets) == {"0"}
    assert found("ValueSet", f"url:above={acme}/_history/5", *sets) == {"0"}
    assert found("ValueSet", "url=urn:oid:1.2.3.4.5", *sets) == {"2"}
    assert not found("ValueSet", "url:below=urn:oid:1.2", *sets)
    assert found("ValueSet", f"url={acme}|2", sets[0] | {"version": "1"}, sets[0] | {"version": "2"}) == {"1"}


CODED = [
    {"coding": [{"system": "http://acme.org/codes", "code": "ha125", "display": "Headache, severe"}]},
    {"coding": [{"code": "ha125"}], "text": "Migraine"},
    {"coding": [{"system": "http://other.org/codes", "code": "ha125"}, {"system": "urn:x", "code": "a,b|c"}]},
    {"text": "headache"},
]


@pytest.mark.parametrize(
    "query,ids",
    [
        ("code=ha125", {"0", "1", "2"}),
        ("code=http://acme.org/codes|ha125", {"0"}),
        ("code=|ha125", {"1"}),
        ("code=http://acme.org/codes|", {"0"}),
        ("code=HA125", set()),
        (r"code=a\,b\|c", {"2"}),
        ("code:text=headache", {"0", "3"}),
        ("code:not=http://acme.org/codes|ha125", {"1", "2", "3", "4"}),
        ("code:missing=true", {"4"}),
        ("code:missing=false", {"0", "1", "2", "3"}),
    ],
)
def test_tokens(query: str, ids: set[str]) -> None:
    """https://hl7.org/fhir/R4/search.html#token"""
    conditions: list[Json] = [{"resourceType": "Condition", "code": code} for code in CODED]
    assert found("Condition", query, *conditions, {"resourceType": "Condition"}) == ids


def test_tokens_of_other_data_types() -> None:
    """Identifiers by system and by type, codes with the system of their value set, booleans, texts in any case."""
    record = {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}
    identifier = {"system": "http://acme.org/patient", "value": "446053", "type": {"coding": [record]}}
    patient = {"resourceType": "Patient", "identifier": [identifier], "gender": "male", "active": True}
    for query in (
        "identifier=http://acme.org/patient|446053",
        "identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|446053",
        "gender=male",
        "gender=http://hl7.org/fhir/administrative-gender|male",
        "gender:not=female",
        "active=true",
    ):
        assert found("Patient", query, patient), query
    assert found("ValueSet", "version=1.0-rc", {"resourceType": "ValueSet", "version": "1.0-RC"})


def test_terminology() -> None:
    """A code is in a value set, and it subsumes itself and those below it."""
    system = {
        "resourceType": "CodeSystem",
        "url": "urn:s",
        "concept": [{"code": "a", "concept": [{"code": "b", "concept": [{"code": "c"}]}, {"code": "d"}]}],
    }
    selected = {"include": [{"system": "urn:s"}], "exclude": [{"system": "urn:s", "concept": [{"code": "d"}]}]}
    value_set = {"resourceType": "ValueSet", "url": "urn:v", "compose": selected}
    codes = [observation(code={"coding": [{"system": "urn:s", "code": code}]}) for code in "abcd"]
    for query, ids in {
        "code:below=urn:s|b": {"1", "2"},
        "code:above=urn:s|b": {"0", "1"},
        "code:in=urn:v": {"0", "1", "2"},
        "code:not-in=urn:v": {"3"},
    }.items():
        assert found("Observation", query, *codes, system, value_set) == ids, query


@pytest.mark.parametrize("reference", ["Patient/123", f"{BASE}/Patient/123", "Patient/123/_history/2"])
@pytest.mark.parametrize(
    "query", ["subject=Patient/123", f"subject={BASE}/Patient/123", "subject=123", "subject:Patient=123", "patient=123"]
)
def test_references(reference: str, query: str) -> None:
    """A relative reference is the absolute one that it resolves to."""
    assert found("Observation", query, observation(subject={"reference": reference}))
    assert not found("Observation", query, observation(subject={"reference": "Patient/1234"}))


def test_references_by_canonical() -> None:
    """https://hl7.org/fhir/R4/search.html#versions"""
    profile = "http://acme.com/some-profile"
    canonicals = [f"{profile}|{version}" for version in ("1.0", "1.1", "2.0")]
    requests = [{"resourceType": "ServiceRequest", "instantiatesCanonical": [each]} for each in canonicals]
    assert found("ServiceRequest", f"instantiates-canonical:below={profile}", *requests) == {"0", "1", "2"}
    assert found("ServiceRequest", f"instantiates-canonical:below={profile}|1", *requests) == {"0", "1"}
    assert found("ServiceRequest", f"instantiates-canonical={profile}|1.1", *requests) == {"1"}


def test_references_by_identifier() -> None:
    """`:identifier` is about the identifier of the reference, not that of the resource."""
    logical = observation(subject={"identifier": {"system": "http://acme.org/mrn", "value": "123456"}})
    assert found("Observation", "subject:identifier=http://acme.org/mrn|123456", logical)
    assert not found("Observation", "subject:identifier=http://acme.org/mrn|1", logical)


JOE = {"resourceType": "Practitioner", "id": "joe", "name": [{"text": "Joe"}], "address": [{"state": "CA"}]}
JANE = {"resourceType": "Practitioner", "id": "jane", "name": [{"text": "Jane"}], "address": [{"state": "MN"}]}
BOTH = {
    "resourceType": "Patient",
    "id": "p",
    "generalPractitioner": [{"reference": "Practitioner/joe"}, {"reference": "Practitioner/jane"}],
}


def test_chains() -> None:
    """R4: "the chains are evaluated separately"; no one practitioner need satisfy both conditions."""
    assert found("Patient", "general-practitioner.name=Joe&general-practitioner.address-state=MN", JOE, JANE, BOTH)
    assert not found("Patient", "general-practitioner:Organization.name=Joe", JOE, JANE, BOTH)
    seen = observation(subject={"reference": "Patient/p"})
    assert found("Observation", "subject:Patient.general-practitioner.name=Joe", JOE, BOTH, seen)


def test_chains_into_contained_resources() -> None:
    """R4: "a chained condition will be evaluated inside contained resources"; they are not found by themselves."""
    inside = {"resourceType": "Patient", "id": "x", "gender": "male"}
    seen = observation(subject={"reference": "#x"}, contained=[inside])
    assert found("Observation", "subject:Patient.gender=male", seen)
    assert not found("Patient", "gender=male", seen)


def test_reverse_chains() -> None:
    """https://hl7.org/fhir/R4/search.html#has"""
    patient = {"resourceType": "Patient", "id": "p"}
    seen = observation(id="o", subject={"reference": "Patient/p"}, code={"coding": [{"code": "1234-5"}]})
    audit = {"resourceType": "AuditEvent", "id": "a", "entity": [{"what": {"reference": "Observation/o"}}]}
    audit |= {"agent": [{"who": {"reference": "Practitioner/x"}, "requestor": True}]}
    for query, ids in {
        "_has:Observation:patient:code=1234-5": {"p"},
        "_has:Observation:patient:code=123,1234-5": {"p"},
        "_has:Observation:patient:code=1": set(),
        "_has:Observation:patient:_has:AuditEvent:entity:agent=Practitioner/x": {"p"},
        "_has:Observation:patient:_has:AuditEvent:entity:agent=Practitioner/y": set(),
    }.items():
        assert found("Patient", query, patient, seen, audit) == ids, query


def test_lists_and_compartments() -> None:
    """https://hl7.org/fhir/R4/search.html#list, https://hl7.org/fhir/R4/compartmentdefinition.html"""
    patient = {"resourceType": "Patient", "id": "p"}
    listed = {"resourceType": "List", "id": "42", "entry": [{"item": {"reference": "Patient/p"}}]}
    seen = observation(id="o", performer=[{"reference": "Patient/p"}])
    evaluator = Evaluator([patient, listed, seen, observation(id="x")], base=BASE, now=NOW)
    assert evaluator.matches("Patient", [("_list", "42")]) == {"Patient/p"}
    assert evaluator.matches("Observation", [("status", "final")], ("Patient", "p")) == {"Observation/o"}


def test_composites() -> None:
    """Both parts hold within one component."""
    systolic = {"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}, "valueQuantity": {"value": 120}}
    diastolic = {"code": {"coding": [{"system": "http://loinc.org", "code": "8462-4"}]}, "valueQuantity": {"value": 50}}
    pressure = observation(component=[systolic, diastolic])
    assert not found("Observation", "component-code-value-quantity=http://loinc.org|8480-6$lt60", pressure)
    assert found("Observation", "component-code-value-quantity=http://loinc.org|8462-4$lt60", pressure)
    assert found("Observation", "combo-code-value-quantity=x$1,8480-6$gt60", pressure)


def test_order() -> None:
    """The value that comes first in the order; what has none is last."""
    dated = [effective("2013"), effective({"start": "2012", "end": "2014"}), observation(), effective("2011-05")]
    keys = [f"Observation/{number}" for number in range(4)]
    evaluator = Evaluator([each | {"id": str(number)} for number, each in enumerate(dated)], base=BASE, now=NOW)
    assert evaluator.in_order([keys[number] for number in (3, 1, 0, 2)], "date")
    assert evaluator.in_order([keys[number] for number in (0, 1, 3, 2)], "-date")
    assert not evaluator.in_order(keys, "date")
    assert evaluator.in_order(keys, "status")


@pytest.mark.parametrize("sort", ["category", "-category"])
def test_order_of_what_has_no_code(sort: str) -> None:
    """Behind all codes, before what has no value at all: what is sorted by next does not mix them."""
    said: list[Json] = [{"category": [{"text": "pain"}]}, {}, {"category": [{"coding": [{"code": "a"}]}]}]
    contents = [observation(**each) | {"id": str(number)} for number, each in enumerate(said)]
    evaluator = Evaluator(contents, base=BASE, now=NOW)
    orders = [[f"Observation/{number}" for number in order] for order in ((2, 0, 1), (2, 1, 0), (0, 2, 1))]
    assert [evaluator.in_order(order, f"{sort},status") for order in orders] == [True, False, False]
