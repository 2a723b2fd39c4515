"""The same order twice."""

from __future__ import annotations

from typing import Any

import pytest

from service.fhir.concept import coded
from service.massage.cycle.duplicates import placer_identifiers, same_order
from service.massage.cycle.terms import IDENTIFIER_TYPE
from tests.builders.loop import referral

ANOTHER = [{"type": coded(IDENTIFIER_TYPE, "PLAC"), "system": "https://ehr.example.org", "value": "9999"}]


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
