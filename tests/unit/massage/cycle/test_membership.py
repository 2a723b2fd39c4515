"""What belongs to a referral's episode, and the elements that say so."""

from __future__ import annotations

import pytest

from service.fhir.definitions import load
from service.massage.cycle.membership import ALONG, ANCHORS, anchors, gather
from tests.builders.loop import (
    THERAPIST_ROLE,
    abort,
    appointment,
    check,
    encounter,
    goal,
    issue,
    plan,
    referral,
    report,
    session,
    task,
    therapist,
)

OTHER = [{"reference": "ServiceRequest/other"}]
EVERYTHING = (
    task(),
    abort(),
    plan(),
    goal(),
    appointment(),
    encounter(),
    session(),
    check(),
    report(),
    issue(),
    THERAPIST_ROLE,
    therapist(),
)


def names(*candidates: dict[str, object]) -> set[str]:
    episode = gather(referral(), candidates)
    return {f"{type}/{logical_id}" for type, contents in episode.resources.items() for logical_id in contents}


def test_all_that_hangs_on_the_referral_is_gathered_in_any_order() -> None:
    expected = {f"{one['resourceType']}/{one['id']}" for one in (referral(), *EVERYTHING)}
    assert names(*EVERYTHING) == names(*reversed(EVERYTHING)) == expected


@pytest.mark.parametrize(
    "stranger",
    [
        task(id="x", focus={"reference": "ServiceRequest/other"}),
        abort(id="x", focus={"reference": "Task/other"}),
        plan(id="x", supportingInfo=OTHER),
        goal(id="x"),
        appointment(id="x", basedOn=OTHER),
        therapist(id="x"),
    ],
    ids=lambda one: one["resourceType"],
)
def test_what_hangs_on_another_referral_of_the_patient_is_not(stranger: dict[str, object]) -> None:
    assert f"{stranger['resourceType']}/x" not in names(*EVERYTHING, stranger)


def test_references_on_our_own_base_and_to_versions_count() -> None:
    base = "https://here.example.org/fhir"
    absolute = task(focus={"reference": f"{base}/ServiceRequest/order/_history/3"})
    assert gather(referral(), [absolute], base).resources["Task"] == {"task": absolute}


def test_anchors_lead_towards_the_referral() -> None:
    assert anchors(session()) == ("ServiceRequest/order", "Encounter/encounter1")
    assert anchors(therapist()) == ()


@pytest.mark.parametrize("table", [ANCHORS, ALONG], ids=["anchors", "along"])
def test_the_elements_are_references_of_r4(table: dict[str, tuple[str, ...]]) -> None:
    definitions = load()
    for type, paths in table.items():
        for path in paths:
            elements = definitions.type(type).elements
            *above, last = path.split(".")
            for name in above:
                elements = next(one for one in elements if one.name == name).children
            name = "value" if last == "valueReference" else last
            element = next(one for one in elements if one.name == name)
            assert any(one.code == "Reference" for one in element.types), f"{type}.{path}"
