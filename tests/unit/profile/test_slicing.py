"""Items told apart: https://hl7.org/fhir/R4/profiling.html#slicing"""

from __future__ import annotations

from typing import Any

import pytest

from service.fhir.code_systems import LOINC
from service.fhir.profile import ProfileError
from tests.unit.profile.making import element, found, made, sliced, structure, told

Json = dict[str, Any]

PLACER: Json = {"coding": [{"system": "urn:types", "code": "PLAC"}]}
FILLER: Json = {"coding": [{"system": "urn:types", "code": "FILL"}]}
EXTENSION = "https://example.org/StructureDefinition/length"


def of_identifiers(*, rules: str = "open", ordered: bool = False) -> list[Json]:
    """Identifiers by the pattern of their type: a placer, which has to be there and has a value, and a filler."""
    return [
        element("Patient.identifier", slicing=sliced(("pattern", "type"), rules=rules, ordered=ordered)),
        element("Patient.identifier:placer", min=1, max="1"),
        element("Patient.identifier:placer.type", patternCodeableConcept=PLACER),
        element("Patient.identifier:placer.value", min=1),
        element("Patient.identifier:filler", max="1"),
        element("Patient.identifier:filler.type", patternCodeableConcept=FILLER),
    ]


def identifiers(*types: Json | None) -> Json:
    """Identifiers of these types, or of none."""
    return {"identifier": [{"value": "1"} | ({"type": each} if each else {}) for each in types]}


@pytest.mark.parametrize(
    "options, types, expected",
    [
        ({}, (PLACER,), []),
        ({}, (FILLER, None, PLACER), []),
        ({}, (FILLER,), [("required", "Patient.identifier")]),
        ({}, (), [("required", "Patient.identifier")]),
        ({}, (PLACER, PLACER), [("structure", "Patient.identifier")]),
        ({"rules": "closed"}, (PLACER, FILLER), []),
        ({"rules": "closed"}, (PLACER, None), [("structure", "Patient.identifier[1]")]),
        ({"rules": "openAtEnd"}, (PLACER, None), []),
        ({"rules": "openAtEnd"}, (None, PLACER), [("structure", "Patient.identifier[1]")]),
        ({"ordered": True}, (PLACER, FILLER), []),
        ({"ordered": True}, (FILLER, PLACER), [("structure", "Patient.identifier[1]")]),
        ({"ordered": True}, (None, PLACER, None, FILLER), []),
    ],
)
def test_slices_are_counted_and_ordered(
    options: Json, types: tuple[Json | None, ...], expected: list[tuple[str, str]]
) -> None:
    """As min, max, rules and ordered say."""
    content = identifiers(*types) if types else {}
    assert told(made("Patient", *of_identifiers(**options)), content) == expected


def test_an_item_is_held_against_its_slice_only() -> None:
    """The filler needs no value."""
    profile = made("Patient", *of_identifiers())
    content = {"identifier": [{"type": FILLER}, {"type": PLACER}]}
    assert told(profile, content) == [("required", "Patient.identifier[1].value")]


def test_a_missing_slice_is_described() -> None:
    """By its name and what tells it."""
    (issue,) = found(made("Patient", *of_identifiers()), {})
    assert issue.diagnostics.startswith("identifier:placer is required: identifier with type urn:types|PLAC.")


def test_slices_are_told_by_several_values_below_arrays() -> None:
    """As in HL7's vital signs: any coding with the code, any with the system."""
    profile = made(
        "Observation",
        element("Observation.category", slicing=sliced(("value", "coding.code"), ("value", "coding.system"))),
        element("Observation.category:vital", min=1),
        element("Observation.category:vital.coding.system", fixedUri="urn:categories"),
        element("Observation.category:vital.coding.code", fixedCode="vital-signs"),
    )
    there = {"category": [{"coding": [{"system": "urn:categories", "code": "vital-signs"}]}]}
    other = {"category": [{"coding": [{"system": "urn:other", "code": "vital-signs"}]}]}
    assert (told(profile, there), told(profile, other)) == ([], [("required", "Observation.category")])


def test_a_value_is_found_in_a_pattern_further_up() -> None:
    """The discriminator goes deeper than the element that has the pattern."""
    profile = made(
        "Observation",
        element("Observation.component", slicing=sliced(("value", "code.coding.code"))),
        element("Observation.component:pain", min=1),
        element("Observation.component:pain.code", patternCodeableConcept={"coding": [{"system": LOINC, "code": "1"}]}),
    )
    assert told(profile, {"component": [{"code": {"coding": [{"system": LOINC, "code": "1"}]}}]}) == []
    assert told(profile, {"component": [{"code": {"coding": [{"code": "2"}]}}]}) == [
        ("required", "Observation.component")
    ]


def test_a_required_value_set_tells_a_slice() -> None:
    """Whatever its codes are."""
    value_set = "https://example.org/ValueSet/pains"
    profile = made(
        "Observation",
        element("Observation.component", slicing=sliced(("value", "code"))),
        element("Observation.component:pain", max="1"),
        element("Observation.component:pain.code", binding={"strength": "required", "valueSet": value_set}),
        codes={value_set: {LOINC: frozenset({"1", "2"})}},
    )
    pains = [{"code": {"coding": [{"system": LOINC, "code": code}]}} for code in ("1", "2", "3")]
    assert told(profile, {"component": pains[1:]}) == []
    assert told(profile, {"component": pains}) == [("structure", "Observation.component")]


@pytest.mark.parametrize("content, expected", [({"end": "2020"}, 1), ({"start": "2020"}, 0)])
def test_presence_tells_a_slice(content: Json, expected: int) -> None:
    """An identifier that has ended is of the slice that must not be."""
    profile = made(
        "Patient",
        element("Patient.identifier", slicing=sliced(("exists", "period.end"))),
        element("Patient.identifier:ended", max="0"),
        element("Patient.identifier:ended.period.end", min=1),
        element("Patient.identifier:valid"),
        element("Patient.identifier:valid.period.end", max="0"),
    )
    assert len(told(profile, {"identifier": [{"period": content}]})) == expected


def test_the_type_of_a_choice_tells_a_slice() -> None:
    """By the JSON property that holds it."""
    profile = made(
        "Observation",
        element("Observation.value[x]", slicing=sliced(("type", "$this"), rules="closed")),
        element("Observation.value[x]:measured", type=[{"code": "Quantity"}]),
        element("Observation.value[x]:measured.unit", min=1),
    )
    assert told(profile, {"valueQuantity": {"unit": "mm"}}) == []
    assert told(profile, {"valueQuantity": {"value": 1}}) == [("required", "Observation.valueQuantity.unit")]
    assert told(profile, {"valueString": "1"}) == [("structure", "Observation.valueString")]


def test_the_type_of_a_choice_inside_of_an_item_tells_a_slice() -> None:
    """As of a component's value."""
    profile = made(
        "Observation",
        element("Observation.component", slicing=sliced(("type", "value"))),
        element("Observation.component:measured", max="1"),
        element("Observation.component:measured.value[x]", type=[{"code": "Quantity"}]),
    )
    quantity, text = {"valueQuantity": {"value": 1}}, {"valueString": "1"}
    assert told(profile, {"component": [quantity, text, text]}) == []
    assert told(profile, {"component": [quantity, quantity]}) == [("structure", "Observation.component")]


def test_the_type_of_a_resource_tells_a_slice() -> None:
    """As of the entries of a Bundle."""
    profile = made(
        "Bundle",
        element("Bundle.entry", slicing=sliced(("type", "resource"))),
        element("Bundle.entry:patient", min=1, max="1"),
        element("Bundle.entry:patient.resource", type=[{"code": "Patient"}]),
    )
    assert told(profile, {"entry": [{"resource": {"resourceType": "Patient"}}, {}]}) == []
    assert told(profile, {"entry": [{"resource": {"resourceType": "Group"}}]}) == [("required", "Bundle.entry")]


def test_extensions_are_slices_by_their_url() -> None:
    """Without a slicing being stated; the definition of the extension is held against the value."""
    extension = structure(
        "Extension",
        element("Extension.url", fixedUri=EXTENSION),
        element("Extension.value[x]", min=1, type=[{"code": "Quantity"}]),
        url=EXTENSION,
        context=[{"type": "element", "expression": "Patient"}],
    )
    profile = made(
        "Patient",
        element("Patient.extension:length", min=1, max="1", type=[{"code": "Extension", "profile": [EXTENSION]}]),
        others=(extension,),
    )
    assert told(profile, {"extension": [{"url": EXTENSION, "valueQuantity": {"value": 1}}]}) == []
    assert told(profile, {"extension": [{"url": EXTENSION, "valueString": "1"}]}) == [
        ("structure", "Patient.extension[0].valueString")
    ]
    assert told(profile, {"extension": [{"url": "urn:other", "valueString": "1"}]}) == [
        ("required", "Patient.extension")
    ]
    assert profile.notes == ()


def test_an_extension_whose_definition_is_not_held_is_counted_and_noted() -> None:
    """Its url is known from the profile."""
    profile = made(
        "Patient", element("Patient.extension:length", max="0", type=[{"code": "Extension", "profile": [EXTENSION]}])
    )
    assert told(profile, {"extension": [{"url": EXTENSION}]}) == [("structure", "Patient.extension")]
    assert made(
        "Patient", element("Patient.extension:length", type=[{"code": "Extension", "profile": [EXTENSION]}])
    ).notes


def test_the_id_tells_the_slice_whatever_its_name_says() -> None:
    """Published definitions differ in their case (US Core's ombCategory)."""
    profile = made(
        "Patient",
        element("Patient.link", slicing=sliced(("value", "type"))),
        element("Patient.link:seealso", min=1, sliceName="seeAlso"),
        element("Patient.link:seealso.type", fixedCode="seealso"),
    )
    assert told(profile, {"link": [{"type": "refer"}]}) == [("required", "Patient.link")]


def test_an_extension_in_the_path_of_a_discriminator() -> None:
    """extension('url') leads into it."""
    profile = made(
        "Patient",
        element("Patient.contact", slicing=sliced(("value", f"extension('{EXTENSION}').value"))),
        element("Patient.contact:first", min=1),
        element("Patient.contact:first.extension:rank", type=[{"code": "Extension", "profile": [EXTENSION]}]),
        element("Patient.contact:first.extension:rank.value[x]", type=[{"code": "integer"}], fixedInteger=1),
    )
    contacts = [{"extension": [{"url": url, "valueInteger": 1}]} for url in ("urn:other", EXTENSION)]
    assert told(profile, {"contact": contacts}) == []
    assert told(profile, {"contact": contacts[:1]}) == [("required", "Patient.contact")]


@pytest.mark.parametrize(
    "elements, reason",
    [
        (
            [element("Patient.contact", slicing=sliced(("profile", "$this"))), element("Patient.contact:a")],
            "by the profile that an item meets",
        ),
        (
            [element("Patient.link", slicing=sliced(("value", "other.resolve().code"))), element("Patient.link:a")],
            "resolve()",
        ),
        (
            [element("Patient.link", slicing=sliced(("value", "other.ofType(Patient)"))), element("Patient.link:a")],
            "ofType()",
        ),
        ([element("Patient.link", sliceName="a")], "the id of the slice a must end in :a"),
        ([element("Patient.link:a", min=1)], "no slicing that says how to tell them apart"),
        ([element("Patient.link", slicing=sliced()), element("Patient.link:a")], "without a discriminator"),
        (
            [element("Patient.link", slicing=sliced(("value", "type"))), element("Patient.link:a")],
            "gives no value, no pattern and no value set with known codes for type",
        ),
        (
            [element("Patient.link", slicing=sliced(("exists", "type"))), element("Patient.link:a")],
            "neither demands nor forbids type",
        ),
        ([element("Patient.link", slicing=sliced(("value", "type"))), element("Patient.link:a/b")], "slices of slices"),
        (
            [element("Patient.link", slicing=sliced(("value", "type"))), element("Patient.link:@default")],
            "@default slices",
        ),
    ],
)
def test_what_cannot_be_told_apart_is_refused_by_name(elements: list[Json], reason: str) -> None:
    """Never passed over: a resource could break it unseen."""
    with pytest.raises(ProfileError) as refused:
        made("Patient", *elements)
    assert reason in str(refused.value)
    assert refused.value.problems[0].element.startswith("Patient.")
