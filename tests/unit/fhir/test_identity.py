"""Whether two Patients are one: the table of weights fact by fact, and the grades of pairs that somebody would meet."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.identity import WEIGHTS, Weight, disagreements, grade

Json = dict[str, Any]

MRN = "https://ehr.example.org/mrn"


def patient(**elements: Any) -> Json:
    return {"resourceType": "Patient"} | elements


def person(mrn: str = "123", family: str = "Roe", given: str = "Ann", born: str = "1990-01-01", **more: Any) -> Json:
    return patient(
        identifier=[{"system": MRN, "value": mrn}], name=[{"family": family, "given": [given]}], birthDate=born, **more
    )


ANN = person()
FACTS = {
    "identifier": (ANN, person(mrn="124"), patient()),
    "birth date": (ANN, person(born="1985-05-05"), patient()),
    "family name": (ANN, person(family="Smith"), patient()),
    "given name": (ANN, person(given="Mary"), patient()),
    "gender": (patient(gender="female"), patient(gender="male"), patient(gender="unknown")),
    "telecom": (patient(telecom=[{"value": "+1 555 0100"}]), None, patient(telecom=[{"value": "+1 555 0199"}])),
    "postal code": (patient(address=[{"postalCode": "98101"}]), patient(address=[{"postalCode": "1"}]), patient()),
}


@pytest.mark.parametrize("weight", WEIGHTS, ids=lambda weight: weight.fact)
def test_each_fact_agrees_with_itself_differs_from_another_and_is_silent_without(weight: Weight) -> None:
    one, other, silent = FACTS[weight.fact]
    assert weight.agreement(one, one) == 1.0
    assert other is None or weight.agreement(one, other) == 0.0
    assert weight.agreement(one, silent) is None


@pytest.mark.parametrize(
    "other, expected",
    [
        (person(), "certain"),
        (person(family="ROÉ"), "certain"),
        (person(born="1990"), "probable"),
        (person(family="Row"), "probable"),
        (person(family="Smith"), "possible"),
        (person(born="1985-05-05"), "possible"),
        (person(family="Ray", born="1985-05-05"), "certainly-not"),
        (patient(name=[{"family": "Roe", "given": ["Ann"]}], birthDate="1990-01-01"), "probable"),
        (patient(name=[{"family": "Roe", "given": ["Ann"]}]), "possible"),
        (patient(name=[{"family": "Roe"}]), "certainly-not"),
        (patient(identifier=[{"system": MRN, "value": "123"}]), "possible"),
        (person(mrn="124", family="Smith", given="Mary", born="1985-05-05"), "certainly-not"),
        (person(mrn="124"), "possible"),
        (patient(), "certainly-not"),
    ],
)
def test_pairs_are_graded(other: Json, expected: str) -> None:
    assert grade(other, ANN).grade == expected


def test_nobody_is_certain_without_a_shared_identifier() -> None:
    twin = {name: value for name, value in person(gender="female").items() if name != "identifier"}
    match = grade(twin, twin)
    assert (match.score, match.grade) == (1.0, "probable")


people = st.builds(
    person,
    mrn=st.sampled_from(["1", "2"]),
    family=st.sampled_from(["Roe", "Row", "Smith", ""]),
    given=st.sampled_from(["Ann", "Anne", "Mary"]),
    born=st.sampled_from(["1990-01-02", "1990-02-01", "1990", "1985-05-05"]),
)


@given(people, people)
def test_a_match_is_the_same_both_ways_and_a_score_is_a_share(one: Json, other: Json) -> None:
    assert grade(one, other) == grade(other, one)
    assert 0.0 <= grade(one, other).score <= 1.0


@pytest.mark.parametrize(
    "sent, expected",
    [
        (person(), ()),
        (person(born="1990"), ()),
        (person(family="Miller"), ()),
        (person(given="Annie"), ()),
        (person(born="1990-10-01"), ("birthDate",)),
        (person(family="Ray", born="1985-05-05"), ("birthDate", "name")),
        (person(family="Smith", given="Mary"), ("name",)),
        (patient(), ()),
    ],
)
def test_demographics_contradict_only_where_they_cannot_be_one_person(sent: Json, expected: tuple[str, ...]) -> None:
    assert disagreements(ANN, sent) == expected


def test_day_and_month_in_each_others_place_are_no_contradiction() -> None:
    assert disagreements(person(born="1990-03-04"), person(born="1990-04-03")) == ()


def test_a_given_name_that_is_only_an_extension_says_nothing() -> None:
    silent = ANN | {"name": [{"family": "Roe", "given": [None], "_given": [{"id": "unknown"}]}]}
    without = ANN | {"name": [{"family": "Roe"}]}
    assert grade(silent, ANN) == grade(without, ANN)
    assert disagreements(silent, ANN) == ()
