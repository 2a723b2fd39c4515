"""The same order twice, and similar orders."""

from __future__ import annotations

from typing import Any

import pytest

from service.massage.cycle.duplicates import duplicate_therapy, placer_identifiers, same_order, similar_active
from service.massage.cycle.terms import ACT_CODE, IDENTIFIER_TYPE, code_in, coded
from tests.builders.loop import START, referral

BACK = [{"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M54.50"}]}]
NECK = [{"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "M54.2"}]}]
ANOTHER = [{"type": coded(IDENTIFIER_TYPE, "PLAC"), "system": "https://ehr.example.org", "value": "9999"}]


def other(**elements: Any) -> dict[str, Any]:
    return referral(id="other", identifier=ANOTHER, reasonCode=BACK) | elements


@pytest.mark.parametrize(
    "sent, expected",
    [
        (referral(), "same"),
        (referral(id="second", meta={"versionId": "3"}, text={"status": "generated"}), "same"),
        (referral(quantityQuantity={"value": 12, "unit": "sessions"}), "conflict"),
        (referral(identifier=ANOTHER), "other"),
        (referral(identifier=[{"system": "https://ehr.example.org", "value": "8888"}]), "other"),
    ],
)
def test_a_placer_identifier_stands_for_one_order(sent: dict[str, Any], expected: str) -> None:
    assert same_order(referral(), sent) == expected


def test_an_identifier_without_a_system_is_nobodys() -> None:
    assert placer_identifiers(referral(identifier=[{"type": coded(IDENTIFIER_TYPE, "PLAC"), "value": "1"}])) == ()


@pytest.mark.parametrize(
    "changed, is_similar",
    [
        ({}, True),
        ({"status": "on-hold"}, True),
        ({"status": "revoked"}, False),
        ({"subject": {"reference": "Patient/bob"}}, False),
        ({"reasonCode": NECK}, False),
        ({"reasonCode": [{"text": "Low back pain"}]}, False),
        ({"authoredOn": "2025-12-10"}, True),
        ({"authoredOn": "2025-12-09"}, False),
    ],
)
def test_orders_are_similar_by_patient_reason_and_time(changed: dict[str, Any], is_similar: bool) -> None:
    found = similar_active(referral(reasonCode=BACK), [other(**changed)])
    assert bool(found) is is_similar


def test_a_shared_condition_makes_orders_similar() -> None:
    condition = [{"reference": "Condition/back"}]
    assert similar_active(referral(reasonReference=condition), [other(reasonCode=NECK, reasonReference=condition)])


def test_an_order_is_not_similar_to_itself() -> None:
    assert similar_active(referral(reasonCode=BACK), [referral(reasonCode=BACK)]) == ()


def test_the_issue_names_every_order_concerned() -> None:
    issue = duplicate_therapy(referral(), [other()], START, lambda: "issue")
    assert code_in(issue["code"], ACT_CODE) == "DUPTHPY"
    assert issue["severity"] == "moderate"
    assert [one["reference"] for one in issue["implicated"]] == ["ServiceRequest/order", "ServiceRequest/other"]
