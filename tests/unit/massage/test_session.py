"""The resources that a session comes to: valid, of our profiles, and linked within one Bundle."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from service.fhir.codec import decode, encode
from service.fhir.links import every_reference
from service.massage.session import Drafts, Given, NextVisit, Surrounding, drafts
from tests.builders import loop
from tests.builders.profiles import profile_of

if TYPE_CHECKING:
    from service.fhir.validation import Validator

Json = dict[str, Any]

TECHNIQUES = "https://massage-fhir.example.org/fhir/CodeSystem/massage-technique"
LUMBAR: Json = {"coding": [{"system": "http://snomed.info/sct", "code": "52612000"}]}
HOUR: dict[str, Any] = {
    "start": "2026-01-13T08:00:00Z",
    "end": "2026-01-13T09:00:00Z",
    "performer": "Practitioner/therapist",
    "techniques": ({"coding": [{"system": TECHNIQUES, "code": "trigger-point"}]},),
}
EVERYTHING = Given(
    **HOUR,
    regions=(LUMBAR,),
    findings=("Tight on the left.",),
    reactions=({"coding": [{"system": "http://snomed.info/sct", "code": "404640003"}]},),
    identifier={"system": "https://clinic.example.org/sessions", "value": "1"},
    pain_before=6,
    pain_after=3,
    tolerance={"text": "Well"},
    units=4,
    next_visit=NextVisit(start="2026-01-20T08:00:00Z", end="2026-01-20T09:00:00Z"),
    check={name: value for name, value in loop.check().items() if name not in ("id", "encounter")},
    observations=(
        {"resourceType": "Observation", "status": "final", "code": {"text": "Mouth"}, "valueQuantity": {"value": 38}},
    ),
)
PARTS = [
    "encounter", "session", "technique0", "painBefore", "painAfter", "tolerance", "observation0",
    "questionnaireResponse", "nextAppointment",
]  # fmt: skip


def around(**stored: Json) -> Surrounding:
    return Surrounding(plan=loop.plan(), referral="ServiceRequest/order", **stored)


def bundled(drafted: Drafts) -> tuple[Json, tuple[str, ...]]:
    numbers = count(1)
    return drafted.bundle(
        lambda: f"urn:uuid:00000000-0000-4000-8000-{next(numbers):012}", lambda content: f'W/"{content["id"]}"'
    )


def test_what_is_told_plays_its_part() -> None:
    assert list(drafts(EVERYTHING, around()).made) == PARTS
    assert list(drafts(Given(**HOUR), around()).made) == PARTS[:3]


@pytest.mark.parametrize("given", [EVERYTHING, Given(**HOUR)], ids=["everything", "the least"])
def test_every_resource_is_valid(given: Given, validator: Validator) -> None:
    bundle, _ = bundled(drafts(given, around()))
    for entry in bundle["entry"]:
        content = entry["resource"]
        assert validator.issues(content, content["resourceType"]) == [], content


@pytest.mark.parametrize("given", [EVERYTHING, Given(**HOUR)], ids=["everything", "the least"])
def test_session_and_ratings_meet_our_profiles(given: Given) -> None:
    bundle, played = bundled(drafts(given, around()))
    for part, entry in zip(played, bundle["entry"], strict=True):
        name = {"session": "massage-session"}.get(part, "massage-outcome" if part in PARTS[3:6] else "")
        if name:
            assert profile_of(name).issues(decode(encode(entry["resource"]))) == [], part


def test_within_the_bundle_everything_is_linked() -> None:
    """Nothing is left of the names by which the drafts know each other."""
    bundle, _ = bundled(drafts(EVERYTHING, around()))
    urls = {entry["fullUrl"] for entry in bundle["entry"]}
    named = {reference for _, reference in every_reference(bundle)}
    assert not any("~" in each for each in named)
    assert {each for each in named if each.startswith("urn:")} <= urls
    assert all("id" not in entry["resource"] for entry in bundle["entry"])


def test_what_is_stored_is_ended_at_its_version() -> None:
    stored = around(encounter=loop.encounter(), appointment=loop.appointment())
    drafted = drafts(EVERYTHING, stored)
    assert "encounter" not in drafted.made
    bundle, played = bundled(drafted)
    changes = [entry for entry, part in zip(bundle["entry"], played, strict=True) if not part]
    assert [(each["request"]["url"], each["resource"]["status"]) for each in changes] == [
        ("Appointment/visit1", "fulfilled"),
        ("Encounter/encounter1", "finished"),
    ]
    assert changes[1]["request"]["ifMatch"] == 'W/"encounter1"'
    assert changes[1]["resource"]["period"] == {"end": HOUR["end"], "start": loop.encounter()["period"]["start"]}


def test_what_is_over_already_is_left_alone() -> None:
    over = around(encounter=loop.encounter(status="finished"), appointment=loop.appointment(status="fulfilled"))
    assert drafts(EVERYTHING, over).changed == ()
