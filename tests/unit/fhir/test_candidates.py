"""By which searches candidates are found: only such as could come to a match."""

from __future__ import annotations

from typing import Any

import pytest

from service.fhir.candidates import searches_for

Json = dict[str, Any]

ANN: Json = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:mrn", "value": "1"}],
    "name": [{"family": "Roe", "given": ["Ann", "Marie"]}, {"family": "Poe", "given": ["Ann"]}],
    "birthDate": "1990-01-31",
    "telecom": [{"value": "+1 555 0100"}],
}


def test_a_whole_patient_is_searched_in_every_way_the_narrowest_first() -> None:
    assert searches_for(ANN) == (
        (("identifier", "urn:mrn|1"),),
        (("birthdate", "1990-01-31"), ("family", "Roe,Poe")),
        (("birthdate", "1990-01-31"), ("given", "Ann,Marie")),
        (("telecom", "+1 555 0100"),),
        (("family", "Roe,Poe"), ("given", "Ann,Marie")),
    )


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"birthDate": "1990-01-31"},
        {"gender": "female", "address": [{"postalCode": "98101"}]},
        {"name": [{"family": "Roe"}]},
        {"name": [{"text": "Ann Roe"}], "birthDate": "1990-01-31"},
        {"name": [{"family": "...", "given": ["-", "\u0301"]}], "birthDate": "1990-01-31"},
        {"name": [{"family": "x" * 257, "given": [None]}], "birthDate": "1990-01-31"},
        {"identifier": [{"value": "1"}]},
        {"identifier": [{"system": "urn:mrn"}]},
        {"identifier": [{"system": "urn:mrn", "value": "1", "use": "old"}]},
    ],
)
def test_one_common_fact_alone_is_no_search(known: Json) -> None:
    assert searches_for({"resourceType": "Patient", **known}) == ()


def test_separators_in_values_are_escaped() -> None:
    odd = {"identifier": [{"system": "urn:a|b", "value": "1,2$3\\4"}]}
    assert searches_for(odd) == ((("identifier", "urn:a\\|b|1\\,2\\$3\\\\4"),),)


def test_of_very_many_values_the_first_are_searched_by() -> None:
    many = {"telecom": [{"value": str(number)} for number in range(1000)]}
    ((criterion,),) = searches_for(many)
    assert criterion == ("telecom", ",".join(map(str, range(20))))
