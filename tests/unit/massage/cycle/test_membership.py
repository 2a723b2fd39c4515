"""The elements by which a resource belongs to a referral's episode."""

from __future__ import annotations

import pytest

from service.fhir.definitions import load
from service.massage.cycle.membership import ANCHORS, anchors
from tests.builders.loop import abort, session, therapist


def test_anchors_lead_towards_the_referral() -> None:
    assert anchors(session()) == ("ServiceRequest/order", "Encounter/encounter1")
    assert anchors(abort()) == ("Task/task",)
    assert anchors(therapist()) == ()


@pytest.mark.parametrize("type", ANCHORS)
def test_the_anchors_are_references_of_r4(type: str) -> None:
    elements = {one.name: one for one in load().type(type).elements}
    for name in ANCHORS[type]:
        assert any(code.code == "Reference" for code in elements[name].types)
