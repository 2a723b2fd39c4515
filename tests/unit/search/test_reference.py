"""reference: https://hl7.org/fhir/R4/search.html#reference"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from service.fhir.outcome import FhirError
from service.fhir.reference import ACTING, ACTING_CODES, LOOSE, digest_of, identity_of, type_code
from service.fhir.search.contained import place_of
from service.fhir.search.extract import Extractor
from service.fhir.search.parameter import url_number
from service.fhir.search.query import Matches, ReferenceValue, TokenValue
from service.fhir.search.types.reference import NOT_LITERAL

if TYPE_CHECKING:
    from uuid import UUID

    from service.fhir.search.registry import Registry
    from tests.unit.search.conftest import Parse, Values

BASE = "https://fhir.example.org/fhir"
PATIENT = identity_of("Patient", "1")
UNRESOLVED = "urn:uuid:5e0a2b54-0fb5-4d2c-8f47-b5b1b2d5c5f0"
ELSEWHERE = "https://other.example.org/fhir/Patient/1"
GROUP = "https://other.example.org/fhir/Group/1/_history/2"
PAGE = "https://other.example.org/pages/1"
PLAN = "https://clinic.example.org/PlanDefinition/massage"


def targets(parse: Parse, name: str, text: str, resource_type: str = "Observation") -> tuple[UUID, ...]:
    """The digests that a reference parameter's only value asks for."""
    (criterion,) = parse(resource_type, f"{name}={quote(text)}").where.criteria
    assert isinstance(criterion, Matches)
    (value,) = criterion.values
    assert isinstance(value, ReferenceValue)
    return value.targets


@pytest.mark.parametrize(
    "name,text,expected",
    [
        ("subject", "Patient/1", PATIENT),
        ("subject", f"{BASE}/Patient/1", PATIENT),
        ("subject:Patient", "1", PATIENT),
        ("patient", "Patient/1", PATIENT),
        ("patient", "1", PATIENT),
        ("subject", ELSEWHERE, digest_of(ELSEWHERE)),
        ("subject", UNRESOLVED, digest_of(UNRESOLVED)),
    ],
)
def test_one_target_is_meant(parse: Parse, name: str, text: str, expected: UUID) -> None:
    """A local resource by its identity, however it is written; anything else by its URL."""
    assert targets(parse, name, text) == (expected,)


@pytest.mark.parametrize(
    "name,text,expected",
    [
        ("performer", "Practitioner/1", True),
        ("performer", f"{BASE}/Organization/1", True),
        ("performer:CareTeam", "1", True),
        ("performer", "Patient/1", False),
        ("performer", "1", False),
        ("performer", "https://other.example.org/fhir/Practitioner/1", False),
    ],
)
def test_it_is_known_whether_only_those_who_act_are_meant(parse: Parse, name: str, text: str, expected: bool) -> None:
    """They are found in an index of their own, which has nobody else."""
    (criterion,) = parse("Observation", f"{name}={quote(text)}").where.criteria
    assert isinstance(criterion, Matches)
    assert [value.acting for value in criterion.values if isinstance(value, ReferenceValue)] == [expected]


def test_the_numbers_of_those_who_act_are_those_of_their_types() -> None:
    """An index is made with them."""
    assert tuple(sorted(map(type_code, ACTING))) == ACTING_CODES


def test_an_id_alone_may_be_of_every_type_that_the_parameter_allows(parse: Parse) -> None:
    """R4: the type is taken from the parameter."""
    expected = {identity_of(each, "1") for each in ("Patient", "Group", "Device", "Location")}
    assert set(targets(parse, "subject", "1")) == expected


@pytest.mark.parametrize(
    "name,text",
    [
        ("subject", "Patient/1/_history/2"),
        ("subject", "Nonsense/1"),
        ("subject", "Patient/a b"),
        ("subject", "a b"),
        ("subject", "/Patient/1"),
        ("subject:Patient", "Patient/1"),
        ("patient", "Group/1"),
        ("subject", "x" * 65),
    ],
)
def test_a_malformed_reference_is_refused(parse: Parse, name: str, text: str) -> None:
    """And one that an alias for a single type cannot mean."""
    with pytest.raises(FhirError) as refusal:
        targets(parse, name, text)
    assert refusal.value.code == "parameter-value"


@pytest.mark.parametrize("modifier", ["Practitioner", "text", "patient", "above", "not"])
def test_other_modifiers_are_refused_by_name(parse: Parse, modifier: str) -> None:
    """Naming the types that the parameter allows."""
    with pytest.raises(FhirError) as refusal:
        parse("Observation", f"subject:{modifier}=1")
    assert refusal.value.code == "modifier-unsupported"
    assert "Patient" in refusal.value.issues[0].diagnostics


def test_a_reference_to_any_type_does_not_list_them_all(parse: Parse) -> None:
    with pytest.raises(FhirError) as refusal:
        parse("Task", "focus:contains=1")
    told = refusal.value.issues[0].diagnostics
    assert told == "focus takes the modifiers missing, identifier, or the name of a resource type."


@pytest.mark.parametrize(
    "reference,row",
    [
        ({"reference": "Patient/1"}, (type_code("Patient"), PATIENT)),
        ({"reference": f"{BASE}/Patient/1"}, (type_code("Patient"), PATIENT)),
        ({"reference": "Patient/1/_history/3"}, (type_code("Patient"), PATIENT)),
        ({"reference": ELSEWHERE}, (type_code("Patient"), digest_of(ELSEWHERE))),
        ({"reference": GROUP}, (type_code("Group"), digest_of(GROUP))),
        ({"reference": PAGE}, (0, digest_of(PAGE))),
        ({"reference": "#p"}, (0, NOT_LITERAL)),
        ({"reference": "#g"}, (type_code("Group"), place_of(1))),
        ({"reference": "#"}, (type_code("Observation"), identity_of("Observation", "o"))),
        ({"type": "Group"}, (type_code("Group"), NOT_LITERAL)),
        ({"type": "Nonsense"}, (0, NOT_LITERAL)),
        ({"reference": PAGE, "type": "Group"}, (type_code("Group"), digest_of(PAGE))),
        ({"display": "somebody"}, (0, NOT_LITERAL)),
    ],
)
def test_what_a_reference_is_found_by(values: Values, reference: dict[str, Any], row: tuple[Any, ...]) -> None:
    """Versions do not matter; what names no URL only counts as present."""
    contained = [{"resourceType": "Group", "id": "g"}]
    observation = {"resourceType": "Observation", "id": "o", "contained": contained, "subject": reference}
    assert values(observation, "subject") == {row}
    assert values(observation, "patient") == {row}, "the alias shares the rows"


@pytest.mark.parametrize("text", [PLAN, f"{PLAN}|2.0"])
def test_a_canonical_is_found_with_and_without_its_version(parse: Parse, values: Values, text: str) -> None:
    """https://hl7.org/fhir/R4/references.html#canonical"""
    plan = {"resourceType": "CarePlan", "instantiatesCanonical": [f"{PLAN}|2.0"]}
    (target,) = targets(parse, "instantiates-canonical", text, "CarePlan")
    assert target in {row[1] for row in values(plan, "instantiates-canonical")}


def test_a_canonical_is_not_found_by_another_version(parse: Parse, values: Values) -> None:
    """Nor by the beginning of one."""
    plan = {"resourceType": "CarePlan", "instantiatesCanonical": [f"{PLAN}|2.0"]}
    (target,) = targets(parse, "instantiates-canonical", f"{PLAN}|2", "CarePlan")
    assert target not in {row[1] for row in values(plan, "instantiates-canonical")}


def test_a_local_canonical_is_found_as_a_resource(parse: Parse, values: Values) -> None:
    """A questionnaire on the service's own base."""
    response = {"resourceType": "QuestionnaireResponse", "questionnaire": f"{BASE}/Questionnaire/ndi|1"}
    (target,) = targets(parse, "questionnaire", "Questionnaire/ndi", "QuestionnaireResponse")
    assert (LOOSE, target) in values(response, "questionnaire")
    assert (type_code("Questionnaire"), target) in values(
        response | {"questionnaire": f"{BASE}/Questionnaire/ndi"}, "questionnaire"
    )


@pytest.mark.parametrize(
    "text,found",
    [
        (PLAN, {"", "|2", "|2.0", "|2.0-rc", "|20", "|1.2"}),
        (f"{PLAN}|2", {"|2", "|2.0", "|2.0-rc"}),
        (f"{PLAN}|2.0", {"|2.0", "|2.0-rc"}),
        (f"{PLAN}|2.0-rc", {"|2.0-rc"}),
        (f"{PLAN}|2.", set()),
        (f"{PLAN}|0", set()),
    ],
)
def test_below_a_version_are_those_that_begin_with_its_parts(
    parse: Parse, values: Values, text: str, found: set[str]
) -> None:
    """3.1.1.4.13: "to control whether the version is considered in the search"."""
    wanted = set(targets(parse, "instantiates-canonical:below", text, "CarePlan"))
    for version in ("", "|2", "|2.0", "|2.0-rc", "|20", "|1.2"):
        plan = {"resourceType": "CarePlan", "instantiatesCanonical": [f"{PLAN}{version}"]}
        rows = {row[1] for row in values(plan, "instantiates-canonical")}
        assert bool(rows & wanted) is (version in found), version


@pytest.mark.parametrize(
    "text", ["", "1", "Plan/1", "a|1", f"{PLAN}|", f"{PLAN}|1|2", f"{PLAN}|1 ", f"{PLAN}|1.2.3.4.5.6.7.8.9"]
)
def test_below_takes_canonicals(parse: Parse, text: str) -> None:
    """Whose versions have few parts."""
    with pytest.raises(FhirError) as refusal:
        parse("CarePlan", f"instantiates-canonical:below={text}")
    assert refusal.value.code == "parameter-value"


def test_a_resource_with_a_url_is_found_by_canonicals_to_it(registry: Registry) -> None:
    """With and without its version, under a number of its type."""
    extractor = Extractor(registry)
    for url, target in ((PLAN, digest_of(PLAN)), (f"{BASE}/PlanDefinition/1", identity_of("PlanDefinition", "1"))):
        content = {"resourceType": "PlanDefinition", "url": url, "version": "2.0"}
        rows = extractor.rows("PlanDefinition", content, BASE)["reference"]
        number = url_number("PlanDefinition")
        assert set(rows) == {(number, 0, 0, target, None), (number, 0, 0, digest_of(f"{url}|2.0"), None)}


def test_no_number_stands_for_two_things(registry: Registry) -> None:
    """Neither among the sources and the URLs of the types, nor among the types and what marks loose rows."""
    types = registry.definitions.resource_types
    sources = {source.number for each in types for source in registry.sources(each)}
    urls = {url_number(each) for each in types}
    assert len(urls) == len(types)
    assert not urls & sources
    assert LOOSE not in {type_code(each) for each in registry.definitions.all_type_names}


def test_too_many_ids_without_a_type_are_refused(parse: Parse) -> None:
    """Each of them may stand for any of 145 types."""
    with pytest.raises(FhirError) as refusal:
        parse("Provenance", "target=" + ",".join(str(number) for number in range(100)))
    assert refusal.value.code == "too-costly"


@pytest.mark.parametrize(
    "text,expected",
    [
        ("subject:identifier=a", TokenValue(form="code", code="a")),
        ("patient:identifier=urn:x|a", TokenValue(form="system-and-code", system=digest_of("urn:x"), code="a")),
        ("subject:identifier=|a", TokenValue(form="code-without-system", code="a")),
        ("subject:identifier=urn:x|", TokenValue(form="system", system=digest_of("urn:x"))),
    ],
)
def test_an_identifier_of_a_reference_is_a_token(parse: Parse, text: str, expected: TokenValue) -> None:
    """3.1.1.4.12: "the search value works as a token search"."""
    (criterion,) = parse("Observation", text).where.criteria
    assert isinstance(criterion, Matches)
    assert criterion.values == (expected,)


def test_a_canonical_has_no_identifier(parse: Parse) -> None:
    """3.1.1.4.12: "not supported on canonical elements"."""
    with pytest.raises(FhirError) as refusal:
        parse("CarePlan", "instantiates-canonical:identifier=a")
    assert refusal.value.code == "modifier-unsupported"


@pytest.mark.parametrize(
    "reference,of_a_patient",
    [
        ({}, True),
        ({"type": "Patient"}, True),
        ({"type": "Group"}, False),
        ({"reference": "Patient/1"}, True),
        ({"reference": "Group/1"}, False),
        ({"reference": "#p"}, True),
        ({"reference": PAGE}, True),
    ],
)
def test_the_identifier_of_a_reference_is_a_token_under_its_source(
    registry: Registry, reference: dict[str, Any], *, of_a_patient: bool
) -> None:
    """And under a further number where it may be to what an alias is restricted to."""
    content = {"resourceType": "Observation", "subject": reference | {"identifier": {"system": "urn:x", "value": "1"}}}
    rows = Extractor(registry).rows("Observation", content, BASE)
    subject, patient_alias = (registry.parameters("Observation")[code] for code in ("subject", "patient"))
    row = (0, digest_of("urn:x"), "1")
    assert subject.identifier_numbers == subject.source_numbers
    assert {each[1:4] for each in rows["token"] if each[0] in subject.identifier_numbers} == {row}
    assert bool([each for each in rows["token"] if each[0] in patient_alias.identifier_numbers]) is of_a_patient
    literal = "#" not in reference.get("reference", "#")
    assert ("reference" in rows) is literal, "otherwise the identifier tells that the reference is there"


@pytest.mark.parametrize(
    "text", ["composition=1", "composition:Composition.type=a", "message.event=a", "_sort=message"]
)
def test_what_a_bundle_begins_with_is_refused_by_name(parse: Parse, text: str) -> None:
    """R4 would have it searched within the Bundle, where nothing is indexed."""
    with pytest.raises(FhirError) as refusal:
        parse("Bundle", text)
    (issue,) = refusal.value.issues
    assert issue.code in {"parameter-unsupported", "parameter-value"}
    assert "cannot index Bundle.entry[0].resource" in issue.diagnostics
