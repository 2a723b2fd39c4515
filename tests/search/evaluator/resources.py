"""Random resources of a few types, valid and full of near misses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from tests.search.evaluator import pools

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
Strategy = st.SearchStrategy[Any]


def one_of(*values: Any) -> Strategy:
    """One of a few values."""
    return st.sampled_from(values)


def several(inner: Strategy, most: int = 2) -> Strategy:
    """An array."""
    return st.lists(inner, min_size=1, max_size=most)


def elements(required: dict[str, Strategy] | None = None, **optional: Strategy) -> Strategy:
    """A JSON object with some of the optional elements."""
    return st.fixed_dictionaries(required or {}, optional=optional)


def parts(**optional: Strategy) -> Strategy:
    """A JSON object with some of the elements, and at least one of them."""
    one = st.sampled_from(sorted(optional))
    return one.flatmap(
        lambda name: elements({name: optional[name]}, **{other: optional[other] for other in optional if other != name})
    )


def choice(name: str, **types: Strategy) -> Strategy:
    """An element with a choice of types: ``{"effectivePeriod": ...}``."""
    return st.one_of(*(st.fixed_dictionaries({name + kind: inner}) for kind, inner in types.items()))


def perhaps(inner: Strategy) -> Strategy:
    """The elements of an object, or none."""
    return st.just({}) | inner


CODINGS: Final = one_of(*pools.CODINGS)
CONCEPTS: Final = parts(coding=several(CODINGS), text=one_of("Headache", "severe headache", "Ruckenschmerz"))
IDENTIFIERS: Final = several(one_of(*pools.IDENTIFIERS))
PERIODS: Final = one_of(*pools.PERIODS)
TIMINGS: Final = one_of(*pools.TIMINGS)
DATES: Final = one_of(*pools.DAYS)
DATE_TIMES: Final = one_of(*pools.DAYS, *pools.TIMES)
INSTANTS: Final = one_of(*pools.TIMES)
QUANTITIES: Final = one_of(*pools.QUANTITIES)
WORDS: Final = one_of(*pools.WORDS)
NAMES: Final = several(parts(family=WORDS, given=several(WORDS), text=WORDS))
ADDRESSES: Final = several(parts(line=several(WORDS), city=WORDS, postalCode=WORDS, use=one_of("old", "work")))
TELECOMS: Final = several(elements({"system": one_of("phone", "email"), "value": one_of("1", "2", "a|b")}))
META: Final = parts(tag=several(CODINGS), profile=several(one_of(*pools.CANONICALS)), source=one_of(*pools.URLS))


def references(*types: str) -> Strategy:
    """References to resources of the types: here, here by the whole URL or a version, elsewhere, and logical ones."""
    targets = [f"{each}/{id_}" for each in types for id_ in pools.IDS]
    return st.one_of(
        *(st.sampled_from(targets).map(lambda target: {"reference": target}) for _ in range(3)),
        st.sampled_from(targets).map(lambda target: {"reference": f"{pools.BASE}/{target}"}),
        st.sampled_from(targets).map(lambda target: {"reference": f"{target}/_history/1"}),
        st.sampled_from(targets).map(lambda target: {"reference": f"{pools.ELSEWHERE}/{target}"}),
        st.sampled_from(pools.IDENTIFIERS).map(lambda identifier: {"identifier": identifier}),
        st.tuples(st.sampled_from(targets), st.sampled_from(pools.IDENTIFIERS)).map(
            lambda both: {"reference": both[0], "identifier": both[1]}
        ),
    )


def merged(*strategies: Strategy) -> Strategy:
    """The elements of several objects together."""
    return st.tuples(*strategies).map(lambda found: {name: each[name] for each in found for name in each})


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
    {"low": {"value": 1, "system": pools.UCUM, "code": "h"}, "high": {"value": 1, "system": pools.UCUM, "code": "d"}},
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
        {"status": one_of("draft", "active")},
        version=one_of(*pools.VERSIONS),
        title=WORDS,
        date=DATE_TIMES,
        compose=elements({"include": several(include)}, exclude=several(exclude)),
        useContext=several(context),
    )


def code_system() -> Strategy:
    return elements(
        {"status": one_of("active", "draft"), "content": one_of("complete")},
        concept=st.just(pools.HIERARCHY),
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
