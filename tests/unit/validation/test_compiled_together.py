"""The validators of all types compiled as one, as a worker has them soon after its start, say what each says alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.validation import Validator
from tests.builders.referral import referral_bundle
from tests.unit.validation.broken import BROKEN

if TYPE_CHECKING:
    from service.fhir.definitions import Definitions

Json = dict[str, Any]

PATIENT: Json = {"resourceType": "Patient", "name": [{"family": "Sample"}]}
REFUSED: list[Json] = [
    {"resourceType": "Observation"},
    {"resourceType": "Observation", "status": "final"},
    {"resourceType": "Observation", "_status": {"extension": [{"url": "http://example.org/x", "valueCode": "a"}]}},
    {"resourceType": "Observation", "code": {"text": "pain"}, "component": [{}]},
    {"resourceType": "Patient", "link": [{"other": {"reference": "Patient/1"}}]},
    {"resourceType": "Patient", "contained": [{"resourceType": "Observation", "id": "1"}]},
    PATIENT | {"unknown": 1},
    PATIENT | {"name": [{}]},
    PATIENT | {"gender": "none"},
]


@pytest.fixture(scope="module")
def together(definitions: Definitions) -> Validator:
    validator = Validator(definitions)
    validator.compile()
    return validator


@pytest.mark.parametrize("content", [*REFUSED, *({"resourceType": kind, **each} for _, kind, each in BROKEN)])
def test_the_same_is_refused_at_the_same_places(validator: Validator, together: Validator, content: Json) -> None:
    kind = content["resourceType"]
    found = together.issues(content, kind)
    assert found
    assert found == validator.issues(content, kind)


def test_what_is_valid_is_valid(together: Validator) -> None:
    contents = [entry["resource"] for entry in referral_bundle()["entry"]]
    assert [together.issues(each, each["resourceType"]) for each in contents] == [[]] * 8


def test_types_that_are_not_served_have_validators_of_their_own(definitions: Definitions, together: Validator) -> None:
    (kind, *_) = sorted(definitions.all_type_names - set(definitions.resource_types) - {"DomainResource", "Resource"})
    assert together.issues({"resourceType": kind, "unknown": 1}, kind)
