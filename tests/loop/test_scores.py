"""Scores of a referral are values that their measures have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.fhir.code_systems import LOINC, UCUM
from service.fhir.outcome import CANONICAL
from tests.api.outcome import assert_outcome
from tests.builders.resources import concept, observation

if TYPE_CHECKING:
    from tests.loop.side import Json
    from tests.loop.story import Story

PAIN = "72514-3"
UNFIT = [
    {"valueString": "four"},
    {"valueBoolean": True},
    {"valueQuantity": {"value": 4, "unit": "%", "system": UCUM, "code": "%"}},
    {"valueInteger": 11},
]


@pytest.mark.parametrize("value", UNFIT)
@pytest.mark.parametrize("code", [concept(LOINC, PAIN), concept(f"{CANONICAL}/CodeSystem/massage-outcome", "nprs")])
async def test_a_score_of_the_wrong_kind_is_refused(measured: Story, code: Json, value: Json) -> None:
    """By the measure's own code as well as by LOINC."""
    observed = observation(measured.patient, basedOn=measured.based_on) | {"code": code}
    observed.pop("valueQuantity")
    assert_outcome(await measured.clinic.tries(observed | value), 422, "outcome-invalid")


async def test_a_whole_number_without_a_unit_is_no_score_where_there_are_two_units(measured: Story) -> None:
    """It could be points or percent."""
    observed = observation(measured.patient, basedOn=measured.based_on) | {"code": concept(LOINC, "97909-6")}
    observed.pop("valueQuantity")
    place = "Observation.valueInteger"
    assert_outcome(await measured.clinic.tries(observed | {"valueInteger": 21}), 422, "outcome-invalid", place)
