"""Random resources of a few types, valid and full of near misses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from tests.search.evaluator import pools
from tests.search.evaluator.elements import (
    ADDRESSES,
    CODINGS,
    CONCEPTS,
    DATE_TIMES,
    DATES,
    IDENTIFIERS,
    INSTANTS,
    NAMES,
    PERIODS,
    QUANTITIES,
    TELECOMS,
    TIMINGS,
    WORDS,
    Strategy,
    choice,
    elements,
    merged,
    one_of,
    perhaps,
    references,
    several,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]

PEOPLE: Final = ("Practitioner", "PractitionerRole", "Organization", "Patient")
CLINICIANS: Final = ("Practitioner", "PractitionerRole")

REQUEST_STATUS: Final = one_of("active", "draft", "completed")
FINAL_STATUS: Final = one_of("final", "amended")


def patient() -> Strategy:
    person = elements(
        active=st.booleans(),
        gender=one_of("male", "female"),
        birthDate=DATES,
        name=NAMES,
        address=ADDRESSES,
        telecom=TELECOMS,
        identifier=IDENTIFIERS,
        generalPractitioner=several(references("Practitioner", "Organization")),
        managingOrganization=references("Organization"),
    )
    return merged(person, perhaps(choice("deceased", Boolean=st.booleans(), DateTime=DATE_TIMES)))


def practitioner() -> Strategy:
    return elements(active=st.booleans(), gender=one_of("male", "female"), name=NAMES, identifier=IDENTIFIERS)


def practitioner_role() -> Strategy:
    return elements(
        practitioner=references("Practitioner"),
        organization=references("Organization"),
        code=several(CONCEPTS),
        period=PERIODS,
        active=st.booleans(),
    )


def organization() -> Strategy:
    return elements(
        {"name": WORDS},
        alias=several(WORDS),
        partOf=references("Organization"),
        address=ADDRESSES,
        identifier=IDENTIFIERS,
    )


def service_request() -> Strategy:
    referral = elements(
        {
            "status": REQUEST_STATUS,
            "intent": one_of("order", "plan"),
            "subject": references("Patient", "Group"),
        },
        priority=one_of("routine", "urgent"),
        code=CONCEPTS,
        authoredOn=DATE_TIMES,
        requester=references(*PEOPLE),
        performer=several(references(*CLINICIANS)),
        basedOn=several(references("CarePlan", "ServiceRequest")),
        identifier=IDENTIFIERS,
        instantiatesCanonical=several(one_of(*pools.CANONICALS)),
        instantiatesUri=several(one_of(*pools.URLS)),
    )
    return merged(referral, perhaps(choice("occurrence", DateTime=DATE_TIMES, Period=PERIODS, Timing=TIMINGS)))


def task() -> Strategy:
    return elements(
        {"status": one_of("requested", "accepted", "completed"), "intent": one_of("order", "plan")},
        **{"for": references("Patient", "Group")},
        businessStatus=CONCEPTS,
        focus=references("ServiceRequest", "CarePlan"),
        owner=references("Organization", "Practitioner"),
        authoredOn=DATE_TIMES,
        executionPeriod=PERIODS,
        partOf=several(references("Task")),
    )


def care_plan() -> Strategy:
    detail = merged(
        elements({"status": one_of("scheduled")}, code=CONCEPTS),
        perhaps(choice("scheduled", Timing=TIMINGS, Period=PERIODS)),
    )
    return elements(
        {"status": REQUEST_STATUS, "intent": one_of("plan", "order"), "subject": references("Patient", "Group")},
        category=several(CONCEPTS),
        period=PERIODS,
        activity=several(st.fixed_dictionaries({"detail": detail})),
        encounter=references("Encounter"),
        addresses=several(references("Condition")),
    )


def observation() -> Strategy:
    value = choice(
        "value",
        Quantity=QUANTITIES,
        CodeableConcept=CONCEPTS,
        String=WORDS,
        DateTime=DATE_TIMES,
        Period=PERIODS,
    )
    part = merged(st.fixed_dictionaries({"code": CONCEPTS}), perhaps(value))
    effective = choice("effective", DateTime=DATE_TIMES, Period=PERIODS, Timing=TIMINGS, Instant=INSTANTS)
    measured = elements(
        {"status": FINAL_STATUS, "code": CONCEPTS},
        subject=references("Patient", "Group"),
        category=several(CONCEPTS),
        component=several(part),
        performer=several(references(*PEOPLE)),
        encounter=references("Encounter"),
        derivedFrom=several(references("Observation", "QuestionnaireResponse")),
    )
    return merged(measured, perhaps(effective), perhaps(value)).map(_without_repeated_code)


def _without_repeated_code(observation: Json) -> Json:
    """R4's obs-7: no value beside a component with one of the observation's own codes."""
    own = observation["code"].get("coding", [])
    inner = [coding for part in observation.get("component", ()) for coding in part["code"].get("coding", ())]
    if not any(coding in own for coding in inner):
        return observation
    return {name: value for name, value in observation.items() if not name.startswith("value")}


AGES: Final = one_of(
    *(each for each in pools.LENGTHS if each["code"] in {"h", "min", "d"}),
    {"value": 2, "system": pools.UCUM, "code": "d", "comparator": ">"},
)
RANGES: Final = one_of(
    {"low": {"value": 1, "system": pools.UCUM, "code": "h"}, "high": {"value": 24, "system": pools.UCUM, "code": "h"}},
    {"low": {"value": 60, "system": pools.UCUM, "code": "min"}},
    {"high": {"value": 1, "system": pools.UCUM, "code": "d"}},
    {"low": {"value": 1}, "high": {"value": 100}},
)


def condition() -> Strategy:
    problem = elements(
        {"subject": references("Patient", "Group")},
        code=CONCEPTS,
        recordedDate=DATE_TIMES,
        asserter=references("Practitioner", "Patient"),
        encounter=references("Encounter"),
        identifier=IDENTIFIERS,
    )
    onset = choice("onset", DateTime=DATE_TIMES, Period=PERIODS, Age=AGES, Range=RANGES, String=WORDS)
    return merged(problem, perhaps(onset))


def encounter() -> Strategy:
    return st.fixed_dictionaries(
        {"status": one_of("planned", "finished"), "class": CODINGS},
        optional={
            "subject": references("Patient", "Group"),
            "period": PERIODS,
            "length": one_of(*(each for each in pools.LENGTHS if each["code"] in {"s", "h", "min", "d"})),
            "type": several(CONCEPTS),
            "partOf": references("Encounter"),
            "participant": several(st.fixed_dictionaries({"individual": references(*CLINICIANS)})),
            "serviceProvider": references("Organization"),
        },
    )


def questionnaire_response() -> Strategy:
    return elements(
        {"status": one_of("completed", "in-progress")},
        questionnaire=one_of(*pools.CANONICALS),
        subject=references("Patient", "Encounter"),
        authored=DATE_TIMES,
        author=references(*PEOPLE),
        basedOn=several(references("ServiceRequest", "CarePlan")),
    )


def published() -> Strategy:
    return elements(
        {"status": one_of("draft", "active"), "url": one_of(*pools.URLS[:2])},
        version=one_of(*pools.BUSINESS_VERSIONS),
        title=WORDS,
    )


def value_set() -> Strategy:
    include = one_of(
        {"system": pools.TREE},
        {"system": pools.LOINC, "concept": [{"code": "a"}, {"code": "b"}]},
        {"system": pools.TREE, "concept": [{"code": "a-a"}]},
    )
    exclude = one_of({"system": pools.LOINC, "concept": [{"code": "b"}]}, {"system": pools.TREE})
    context = merged(
        st.fixed_dictionaries({"code": CODINGS}),
        choice("value", CodeableConcept=CONCEPTS, Quantity=QUANTITIES, Range=RANGES),
    )
    return elements(
        {
            "status": one_of("draft", "active"),
            "compose": elements({"include": several(include)}, exclude=several(exclude)),
        },
        version=one_of(*pools.VERSIONS),
        title=WORDS,
        date=DATE_TIMES,
        useContext=several(context),
    )


def code_system() -> Strategy:
    return st.fixed_dictionaries(
        {"status": one_of("active", "draft"), "content": one_of("complete"), "concept": st.just(pools.HIERARCHY)}
    )


def appointment() -> Strategy:
    part = elements({"status": one_of("accepted", "declined"), "actor": references("Patient", "Practitioner")})
    booked = st.fixed_dictionaries({"start": INSTANTS, "end": st.just("2020-03-01T00:00:00Z")})
    return merged(
        st.fixed_dictionaries({"status": one_of("proposed", "cancelled"), "participant": several(part)}),
        perhaps(booked),
        st.fixed_dictionaries(
            {}, optional={"serviceType": several(CONCEPTS), "basedOn": several(references("ServiceRequest"))}
        ),
    )


def risk_assessment() -> Strategy:
    prediction = st.fixed_dictionaries({"probabilityDecimal": one_of(*pools.DECIMALS)}) | st.just(
        {"outcome": {"text": "x"}}
    )
    return st.fixed_dictionaries(
        {"status": FINAL_STATUS, "subject": references("Patient", "Group")},
        optional={"prediction": several(prediction), "occurrenceDateTime": DATE_TIMES},
    )


def group() -> Strategy:
    kind = choice("value", CodeableConcept=CONCEPTS, Boolean=st.booleans())
    characteristic = merged(st.fixed_dictionaries({"code": CONCEPTS, "exclude": st.booleans()}), kind)
    return elements(
        {"type": one_of("person", "animal"), "actual": st.sampled_from((True,))},
        member=several(st.fixed_dictionaries({"entity": references("Patient", "Practitioner")})),
        characteristic=several(characteristic),
    )


def a_list() -> Strategy:
    item = references("Patient", "Observation", "Condition", "Task")
    return elements(
        {"status": one_of("current"), "mode": one_of("working")},
        entry=several(st.fixed_dictionaries({"item": item}), 3),
        title=WORDS,
    )


MAKERS: Final[dict[str, Callable[[], Strategy]]] = {
    "Patient": patient,
    "Practitioner": practitioner,
    "PractitionerRole": practitioner_role,
    "Organization": organization,
    "ServiceRequest": service_request,
    "Task": task,
    "CarePlan": care_plan,
    "Observation": observation,
    "Condition": condition,
    "Encounter": encounter,
    "QuestionnaireResponse": questionnaire_response,
    "Questionnaire": published,
    "PlanDefinition": published,
    "ValueSet": value_set,
    "CodeSystem": code_system,
    "Appointment": appointment,
    "RiskAssessment": risk_assessment,
    "Group": group,
    "List": a_list,
}
"""Resource type → the elements of its resources."""


def numbered(resource_type: str, number: int, elements: Json) -> Json:
    """A resource with the id of its number; a value set or code system also with a URL that no other one has."""
    resource = {"resourceType": resource_type, "id": "abcdefg"[number], **elements}
    match resource_type:
        case "ValueSet":
            return resource | {"url": pools.URLS[number]}
        case "CodeSystem":
            return resource | {"url": pools.SYSTEM_URLS[number]}
    return resource
