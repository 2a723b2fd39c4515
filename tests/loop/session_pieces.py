"""The pieces of a recorded session, as a client that knows no operation posts them, and what both have stored."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from service.fhir.code_systems import LOINC, SNOMED
from service.fhir.concept import code_in
from service.massage.cycle.terms import TASK_IO
from service.massage.systems import OUTCOME, TECHNIQUE
from tests.builders.resources import TERMINOLOGY, reference
from tests.loop.session_call import LUMBAR, check, stored

if TYPE_CHECKING:
    from tests.loop.side import Json
    from tests.loop.story import Story


CATEGORY: Final = f"{TERMINOLOGY}/observation-category"
LUMBAR_DISPLAY: Final = "Lumbar region back structure (body structure)"
SCORE: Final[Json] = {"unit": "score", "system": "http://unitsofmeasure.org", "code": "{score}"}
WELL: Final[Json] = {"valueCodeableConcept": {"text": "Well"}}
HOUR: Final = timedelta(hours=1)


def period(story: Story, number: int) -> Json:
    """The hour of the n-th session."""
    start = story.begins(number)
    return {"start": start.isoformat(timespec="seconds"), "end": (start + HOUR).isoformat(timespec="seconds")}


def procedures(story: Story, number: int) -> list[Json]:
    """The session, then its techniques."""
    shared: Json = {
        "resourceType": "Procedure",
        "status": "completed",
        "subject": reference(story.patient),
        "encounter": reference(story.url(f"encounter{number}")),
        "bodySite": [{"coding": [{"system": SNOMED, "code": LUMBAR, "display": LUMBAR_DISPLAY}]}],
        "basedOn": [reference(story.plan), reference(story.referral)],
        "performer": [{"actor": reference(story.therapist)}],
    }
    session = {
        "code": {"coding": [{"system": SNOMED, "code": "387854002"}]},
        "performedPeriod": period(story, number),
        "reasonReference": [reference(story.condition)],
        "note": [{"text": "Tight on the left."}],
    }
    techniques = [
        {
            "partOf": [reference(story.url(f"session{number}"))],
            "code": {"coding": [{"system": TECHNIQUE, "code": code, "display": display}]},
        }
        for code, display in (("trigger-point", "Trigger point therapy"), ("myofascial-release", "Myofascial release"))
    ]
    return [shared | each for each in (session, *techniques)]


def observations(story: Story, number: int) -> list[Json]:
    """Pain before and after the session, and how it was borne."""
    hour = period(story, number)
    return [
        {
            "resourceType": "Observation",
            "status": "final",
            "subject": reference(story.patient),
            "basedOn": story.based_on,
            "encounter": reference(story.url(f"encounter{number}")),
            "partOf": [reference(story.url(f"session{number}"))],
            "category": [{"coding": [{"system": CATEGORY, "code": category}]}],
            "code": {"coding": [{"system": system, "code": code}]},
            "effectiveDateTime": hour[when],
            "performer": [reference(performer)],
            **value,
        }
        for category, system, code, when, performer, value in (
            ("survey", LOINC, "72514-3", "start", story.patient, {"valueQuantity": {"value": 6, **SCORE}}),
            ("survey", OUTCOME, "nprs-after-session", "end", story.patient, {"valueQuantity": {"value": 3, **SCORE}}),
            ("therapy", OUTCOME, "session-tolerance", "end", story.therapist, WELL),
        )
    ]


def pieces(story: Story, number: int) -> list[Json]:
    """The entries of the n-th session: its visit, the session, techniques, measurements, answers."""
    encounter = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": f"{TERMINOLOGY}/v3-ActCode", "code": "AMB"},
        "subject": reference(story.patient),
        "basedOn": story.based_on,
        "participant": [{"individual": reference(story.therapist)}],
        "period": period(story, number),
    }
    visit = story.url(f"encounter{number}")
    answers = check(story, number) | {"encounter": reference(visit), "basedOn": story.based_on}
    listed = [encounter, *procedures(story, number), *observations(story, number), answers]
    urls = [visit, story.url(f"session{number}"), *(story.url(f"piece{place}") for place in range(len(listed) - 2))]
    return [
        {"fullUrl": url, "resource": each, "request": {"method": "POST", "url": each["resourceType"]}}
        for url, each in zip(urls, listed, strict=True)
    ]


def bare(value: Any, ids: dict[str, str]) -> Any:
    """A content with the ids of its story's resources named by what they are."""
    if isinstance(value, dict):
        return {
            key: ids.get(each, each) if key == "reference" and isinstance(each, str) else bare(each, ids)
            for key, each in value.items()
            if key not in ("id", "meta")
        }
    return [bare(each, ids) for each in value] if isinstance(value, list) else value


async def comparable(story: Story) -> tuple[Any, ...]:
    """What a story has stored, and where its Task stands, but for ids and instants of the server."""
    kinds = await stored(story)
    ids = {story.patient: "patient", story.plan: "plan", story.referral: "referral", story.condition: "condition"}
    ids[story.therapist] = "therapist"
    for each in (*kinds["Encounter"], *(one for one in kinds["Procedure"] if "partOf" not in one)):
        ids[f"{each['resourceType']}/{each['id']}"] = each["resourceType"]
    told = {
        kind: sorted((bare(each, ids) for each in found), key=lambda each: json.dumps(each, sort_keys=True))
        for kind, found in kinds.items()
    }
    task = await story.referrer.read(story.task)
    outputs = [each for each in task["output"] if code_in(each["type"], TASK_IO) == "sessions-progress"]
    return told, await story.stands(), outputs
